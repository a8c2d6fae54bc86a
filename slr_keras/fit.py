"""Train a model by a recipe; the same command continues a stopped run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import CommandParser, command_parser, run

if TYPE_CHECKING:
    from slr_keras.config import Config
    from slr_keras.training.folder import RunFolder

EXAMPLE = """\
The run folder holds the resolved config, checkpoints, metrics.jsonl, curves.png, a TensorBoard
log, predictions of the dev split and report.md.

examples:
  python -m slr_keras.fit configs/demo.yaml
  python -m slr_keras.fit configs/demo.yaml --to runs/wide --set training.learning_rate=5e-4
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(arguments)
    from slr_keras.config import load_config
    from slr_keras.training.distribution import is_chief
    from slr_keras.training.folder import RunFolder

    config = load_config(options.config, options.set)
    folder = RunFolder(options.to or Path("runs") / Path(options.config).stem)
    command = ["python", "-m", "slr_keras.fit", *arguments]
    if is_chief(config.distribution):
        print(folder.open(config, restart=options.restart, resume=options.resume), flush=True)
        with folder.locked():
            _train(config, folder, command)
    else:
        _train(config, folder, command)
    return 0


def _train(config: "Config", folder: "RunFolder", command: list[str]) -> None:
    from slr_keras.training.distribution import is_chief, wait_for_all
    from slr_keras.training.final_evaluation import evaluate_best_weights
    from slr_keras.training.report import plain_table
    from slr_keras.training.run import Run
    from slr_keras.training.trainer import train

    strategy = train(config, folder)
    if is_chief(config.distribution):
        evaluation = evaluate_best_weights(Run.load(folder.path), command)
        print(f"\n{config.data.dev} split:\n{plain_table(evaluation)}\n\n{folder.report}")
    wait_for_all(strategy)


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.fit", __doc__, EXAMPLE)
    parser.add_run_folder()
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue an existing run; an error where there is none",
    )
    group.add_argument(
        "--restart",
        action="store_true",
        help="move an existing run aside and start a new one",
    )
    return parser


if __name__ == "__main__":
    run(main)
