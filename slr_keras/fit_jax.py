"""Train STARK by a recipe on an accelerator with JAX, where TensorFlow is not installed."""

import os
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import between, count, positive

EXAMPLE = """\
The run folder is that of `slr fit`: evaluate, predict and export read it with TensorFlow, on
any machine. Every call starts a new run; a stopped run cannot be continued.

examples:
  slr fit_jax stark_simulator_large_full --minutes 30
  slr evaluate runs/stark_simulator_large_full --split test
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    # Keras reads the backend at its first import.
    os.environ["KERAS_BACKEND"] = "jax"
    from slr_keras.config import load_config
    from slr_keras.training.folder import RunFolder

    config = load_config(options.config, options.set)
    try:
        import jax
    except ImportError as error:
        raise UserError(
            f"JAX cannot be imported ({error}); install the one of your accelerator"
        ) from error
    import keras

    if keras.backend.backend() != "jax":
        raise UserError("Keras is already loaded with another backend; run this command by itself")
    from slr_keras.jax_training.trainer import Options, train

    # Statistics of batch normalisation are sums over a batch; half their digits would not do.
    jax.config.update("jax_default_matmul_precision", "float32")
    folder = RunFolder(options.to or Path("runs") / Path(options.config).stem)
    if folder.begun and not options.restart:
        raise UserError(
            f"{folder.path}: holds a run, which this command cannot continue; give another folder "
            "with --to, or start over with --restart"
        )
    print(f"on {jax.devices()[0].device_kind}", flush=True)
    given = Options(
        minutes=options.minutes,
        teacher=options.teacher,
        teacher_weight=options.teacher_weight,
        processes=options.processes,
        dev_every=options.dev_every,
    )
    with folder.claimed(config, restart=options.restart):
        train(config, folder, given)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.fit_jax", __doc__, EXAMPLE)
    parser.add_run_folder()
    add = parser.add_argument
    add(
        "--restart",
        action="store_true",
        help="move an existing run aside and start a new one",
    )
    add(
        "--minutes",
        type=between(0, 1e6),
        default=0.0,
        metavar="M",
        help="fit the recipe's schedule into M minutes, compilation excluded (default: the "
        "recipe's number of epochs)",
    )
    add(
        "--teacher",
        metavar="RUN",
        default="",
        help="trained run whose outputs the model also learns (default: none)",
    )
    add(
        "--teacher-weight",
        type=between(0, 1e6),
        default=1.0,
        metavar="X",
        help="loss weight of the divergence from the teacher (default: 1)",
    )
    add(
        "--processes",
        type=count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that load clips; 0: this process (default: the number of cores)",
    )
    add(
        "--dev-every",
        type=positive,
        default=1,
        metavar="N",
        help="number of epochs between two scores of dev (default: 1)",
    )
    return parser


if __name__ == "__main__":
    run(main)
