"""Train STARK by a recipe on an accelerator with JAX, where TensorFlow is not installed."""

import argparse
import os
import sys
from pathlib import Path

from slr_keras.utils.command import run

EXAMPLE = """example:
  python -m slr_keras.fit_jax configs/stark_simulator_large_full.yaml --minutes 30
  python -m slr_keras.evaluate runs/stark_simulator_large_full --split test

The run folder is that of slr_keras.fit: evaluate, predict and export read it, with TensorFlow and
on any machine. A run begins anew each time; it does not go on where it was stopped.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    # Before Keras is imported for the first time.
    os.environ["KERAS_BACKEND"] = "jax"
    from slr_keras.config import load_config
    from slr_keras.training.folder import RunFolder
    from slr_keras.utils.errors import UserError

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
    print(folder.open(config, restart=options.restart), flush=True)
    print(f"on {jax.devices()[0].device_kind}", flush=True)
    with folder.locked():
        train(
            config,
            folder,
            Options(
                minutes=options.minutes,
                teacher=options.teacher,
                teacher_weight=options.teacher_weight,
                processes=options.processes,
                dev_every=options.dev_every,
            ),
        )
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.fit_jax",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("config", metavar="CONFIG", help="recipe (.yaml) of a STARK model")
    add("--to", metavar="RUN", help="run folder (default: runs/<name of CONFIG>)")
    add(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="override a key of the recipe, the value in YAML; may be given several times",
    )
    add("--restart", action="store_true", help="move an existing run aside and begin anew")
    add(
        "--minutes",
        type=float,
        default=0.0,
        help="lay the recipe's schedule over this time, compilation not counted, in place of its "
        "number of epochs",
    )
    add(
        "--teacher", metavar="RUN", default="", help="a trained run that the model learns from, too"
    )
    add("--teacher-weight", type=float, default=1.0, help="of the divergence from the teacher (1)")
    add("--processes", type=int, default=os.cpu_count() or 1, help="that load clips (all cores)")
    add("--dev-every", type=int, default=1, help="epochs between two scores of dev (1)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main)
