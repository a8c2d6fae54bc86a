"""Convert a published data set, or your own recordings, to a data folder; or merge data folders.

fit, evaluate, validate and predict read data folders. Nothing is downloaded: the files are obtained
from their makers, under their terms. `NAME --help` lists the source, the files that are needed, and
the options.

A clip whose file cannot be read is passed over, reported at the end and listed in
FOLDER/errors.json; the exit code is then 2.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import frame_rate
from slr_keras.utils.unicode import composed

if TYPE_CHECKING:
    from slr_keras.data.datasets import Dataset, Option

MERGE = "merge"
COMPOSE = "compose"
COMPOSE_DESCRIPTION = """\
Write a data folder whose dev and test are sentences composed of isolated signs.

train holds the isolated signs, for a recipe that composes sentences during training
(composition.fraction). The sentences of dev and test are made of clips of the same split and of
one folder and signer. If clips show a rest, the split rest is composed of those of test, for the
number of false words a minute (evaluate RUN --split rest).
"""
COMPOSE_EXAMPLE = """\
example:
  slr prepare compose data/traduttore data/signwish --to data/asl_sentences \\
      --rest-label - --sentences 200
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = vars(build_parser().parse_args(arguments))
    if options["name"] == COMPOSE:
        return _compose(options)
    from slr_keras.data.datasets import dataset
    from slr_keras.data.datasets.merge import merge
    from slr_keras.data.datasets.prepare import passed_over, prepare, summarise

    name, folder, force = (options.pop(key) for key in ("name", "to", "force"))
    if name == MERGE:
        folders = list(map(Path, options["folders"]))
        merge(folders, Path(folder), force, options["same_signers"], options["without"])
        title = f"merged from {', '.join(options['folders'])}"
    else:
        prepare(name, Path(options.pop("source")), Path(folder), force, **options)
        title = dataset(name).title
    _print_summary(f"{Path(folder)}: {title}", *summarise(Path(folder)))
    return passed_over(Path(folder)).report()


def _compose(options: dict[str, Any]) -> int:
    from slr_keras.data.composition.config import CompositionConfig
    from slr_keras.data.composition.folder import compose_folder
    from slr_keras.data.datasets.prepare import passed_over, summarise

    names = ("order", "grammar", "words", "speed", "rest_label")
    config = CompositionConfig(**{name: options[name] for name in names}, yaw=0.0)
    folders, folder = [Path(path) for path in options["folders"]], Path(options["to"])
    names = ("sentences", "rest_minutes", "without", "lower_case", "fps", "seed", "force")
    compose_folder(folders, folder, config, **{name: options[name] for name in names})
    _print_summary(f"{folder}: composed sentences", *summarise(folder))
    return passed_over(folder).report()


def _print_summary(title: str, table: str, notes: list[str]) -> None:
    print(f"{title}\n{table}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def build_parser() -> CommandParser:
    """The command's options, with a subcommand for each data set."""
    from slr_keras.data.composition.folder import compose_options
    from slr_keras.data.datasets import dataset, list_datasets

    example = "example:\n  slr prepare {} --from {} --to data/{}\n"
    parser = command_parser(
        "slr_keras.prepare",
        __doc__,
        example.format("kinect_isl30", "downloads/kinect", "kinect"),
    )
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name in list_datasets():
        known = dataset(name)
        command = names.add_parser(
            name,
            help=known.title,
            formatter_class=parser.formatter_class,
            description=_description(known),
            epilog=example.format(name, "PATH", name),
        )
        command.add_argument(
            "--from",
            dest="source",
            required=True,
            metavar="PATH",
            help="folder of the data set's files",
        )
        command.add_argument("--to", required=True, metavar="FOLDER", help="data folder to write")
        command.add_argument(
            "--force", action="store_true", help="replace an existing data set in FOLDER"
        )
        for option in known.options:
            command.add_argument(f"--{option.name.replace('_', '-')}", **_argument(option))
    command = names.add_parser(
        MERGE,
        help="merge data folders of keypoints into one",
        formatter_class=parser.formatter_class,
        description="Merge data folders of keypoints: train to train, dev to dev, test to test.\n\n"
        "Refused are contracts that differ in more than the frame rate (and, with body\n"
        "normalisation, the image size in pixels), and a clip that would be in two splits.\n"
        "Ids and signers that several folders have become FOLDER/ID and FOLDER/SIGNER.",
        epilog="example:\n  slr prepare merge data/a data/b --to data/both\n",
    )
    command.add_argument("folders", nargs="+", metavar="FOLDER", help="data folder to merge")
    command.add_argument("--to", required=True, metavar="FOLDER", help="data folder to write")
    command.add_argument(
        "--force", action="store_true", help="replace an existing data set in FOLDER"
    )
    command.add_argument(
        "--same-signers",
        action="store_true",
        help="a signer's name is the same person in all folders, who must be in one split",
    )
    command.add_argument(
        "--without",
        nargs="+",
        default=(),
        type=composed,
        metavar="GLOSS",
        help="leave out the clips of these glosses",
    )
    command = names.add_parser(
        COMPOSE,
        help="Sentences composed from data folders of isolated signs",
        formatter_class=parser.formatter_class,
        description=COMPOSE_DESCRIPTION,
        epilog=COMPOSE_EXAMPLE,
    )
    command.add_argument(
        "folders", nargs="+", metavar="FOLDER", help="data folders of isolated signs, of one layout"
    )
    command.add_argument("--to", required=True, metavar="FOLDER", help="data folder to write")
    command.add_argument(
        "--force", action="store_true", help="replace an existing data set in the folder"
    )
    for option in compose_options():
        command.add_argument(f"--{option.name.replace('_', '-')}", **_argument(option))
    help_text = "frames per second of all clips (default: the rate of the first folder)"
    command.add_argument("--fps", type=frame_rate, metavar="N", help=help_text)
    return parser


def _description(known: "Dataset") -> str:
    files = "\n".join(f"  {file}" for file in known.files)
    return (
        f"{known.title}\n\nobtained from: {known.obtain}\nlicence: {known.licence}\n"
        f"PATH must hold:\n{files}"
    )


def _argument(option: "Option") -> dict[str, Any]:
    """Keywords of `add_argument` for an option of a data set; its default gives the type."""
    settings: dict[str, Any] = {"default": option.default, "dest": option.name}
    if isinstance(option.default, bool):
        return settings | {"action": "store_true", "help": option.help}
    shown = option.default
    if isinstance(option.default, tuple):
        shown = " ".join(map(str, option.default))
        settings |= {"nargs": "*", "type": type(option.default[0]) if option.default else str}
    else:
        settings["type"] = type(option.default)
    if option.choices:
        settings["choices"] = option.choices
    else:
        settings["metavar"] = settings["type"].__name__.upper().replace("STR", "TEXT")
    if isinstance(option.default, tuple) and settings["type"] is str:
        # Names of signers and points, not of files.
        settings["type"] = composed
    mentioned = "default" in option.help or shown in ("", ())
    settings["help"] = option.help if mentioned else f"{option.help} (default: {shown})"
    return settings


if __name__ == "__main__":
    run(main)
