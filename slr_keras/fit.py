"""Train a model by a recipe; the same command continues a stopped run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.invocation import program
from slr_keras.utils.option_values import count
from slr_keras.utils.show_text import ShowText

if TYPE_CHECKING:
    from slr_keras.config import Config
    from slr_keras.training.evaluation import Evaluation
    from slr_keras.training.folder import RunFolder

EXAMPLE = """\
CONFIG is the file of a recipe, or the name of one that --list shows. --help-config explains its
keys.

The run folder holds the resolved config, checkpoints, metrics.jsonl, curves.png, a TensorBoard
log, predictions of the dev split and report.md.

examples:
  slr fit stark_demo
  slr fit stark_demo --to runs/wide --set training.learning_rate=5e-4
  slr fit stark_demo --seeds 3 --distil
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = build_parser().parse_args(arguments)
    from slr_keras.config import load_config
    from slr_keras.training.distribution import is_chief
    from slr_keras.training.folder import RunFolder
    from slr_keras.training.splits import require_splits

    config = load_config(options.config, options.set)
    require_splits(config.data)
    folder = RunFolder(options.to or Path("runs") / Path(options.config).stem)
    command = [*program().split(), "fit", *arguments]
    opening = {"restart": options.restart, "resume": options.resume}
    if options.seeds:
        return _train_seeds(config, folder.path, command, options)
    if options.distil:
        raise UserError("--distil needs teachers: add --seeds N")
    with folder.claimed(config, **opening, chief=is_chief(config.distribution)):
        _train(config, folder, command)
    return 0


def _train_seeds(config: "Config", folder: Path, command: list[str], options) -> int:
    import keras

    from slr_keras.training.folder import RunFolder
    from slr_keras.training.seeds import table, train_seeds

    if config.distribution.strategy == "multi_worker":
        raise UserError("--seeds trains on one machine; remove it, or distribution.strategy")
    if RunFolder(folder).exists:
        raise UserError(f"{folder}: holds one run; give another folder for several with --to")

    def train_one(path: Path, one: "Config") -> "Evaluation":
        run_folder = RunFolder(path)
        with run_folder.claimed(one, restart=options.restart, resume=options.resume):
            evaluation = _train(one, run_folder, command)
        # Release the graphs before the next run begins.
        keras.backend.clear_session()
        return evaluation

    scores = train_seeds(config, folder, options.seeds, options.distil, train_one)
    print(f"\n{table(scores)}")
    return 0


def _train(config: "Config", folder: "RunFolder", command: list[str]) -> "Evaluation | None":
    from slr_keras.training.complete_run import complete_run
    from slr_keras.training.report import plain_table

    evaluation = complete_run(config, folder, command)
    if evaluation is not None:
        print(f"\n{config.data.dev} split:\n{plain_table(evaluation)}\n\n{folder.report}")
    return evaluation


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.fit", __doc__, EXAMPLE)
    parser.add_run_folder()
    parser.add_argument(
        "--list",
        action=ShowText,
        make=_recipes,
        nargs=0,
        help="print the recipes that come with the package, and exit",
    )
    parser.add_argument(
        "--help-config",
        action=ShowText,
        make=_keys,
        nargs="?",
        metavar="KEY",
        help="print the keys of a recipe, or those of a section such as training or model.options, "
        "or one key, and exit",
    )
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
    parser.add_argument(
        "--seeds",
        type=count,
        default=0,
        metavar="N",
        help="train N runs that differ in their seed, in folders seed_0, seed_1, ... of the run "
        "folder, and print mean and spread of their dev scores",
    )
    parser.add_argument(
        "--distil",
        action="store_true",
        help="with --seeds: also train a run, in the folder distilled, that learns from the others",
    )
    return parser


def _recipes(text: str) -> str:
    from slr_keras.config.recipes import recipe_listing

    return recipe_listing()


def _keys(text: str) -> str:
    from slr_keras.config.reference import plain

    return plain(text)


if __name__ == "__main__":
    run(main)
