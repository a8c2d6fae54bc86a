"""Merge data folders of keypoints into one: train to train, dev to dev, test to test.

Points go by their names, so that folders of several detectors can be merged. Clips keep their frame
rate. Ids and signers that several folders have become FOLDER/ID and FOLDER/SIGNER, so that the
people stay apart. The folder appears complete or not at all.
"""

import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.unicode import composed

EXAMPLE = """\
Refused are rules of keypoints.json that differ in more than points, frame rate and, with body
normalisation, the image size in pixels, and a clip that would be in two splits.

examples:
  slr merge data/a data/b --to data/both
  slr merge data/mediapipe data/whole_body --to data/both --points common
  slr merge data/a data/b --to data/both --map glosses.tsv
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.merge", __doc__, EXAMPLE)
    add = parser.add_argument
    add("folders", nargs="+", metavar="FOLDER", help="data folder to merge")
    add("--to", required=True, metavar="FOLDER", help="data folder to write")
    add(
        "--points",
        choices=("all", "common"),
        default="all",
        help="points that a folder lacks: all refuses them, common drops them (default: all)",
    )
    add(
        "--map",
        default="",
        metavar="TABLE",
        help="table of two glosses a line, with a tab or comma between: the first becomes the "
        "second",
    )
    add(
        "--same-signers",
        action="store_true",
        help="a signer's name is the same person in all folders, who must be in one split",
    )
    add(
        "--without",
        nargs="+",
        default=(),
        type=composed,
        metavar="GLOSS",
        help="leave out the clips of these glosses, as the folders write them",
    )
    add("--force", action="store_true", help="replace an existing data set in FOLDER")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.data.datasets.merge import merge
    from slr_keras.data.datasets.prepare import passed_over, summarise

    folder = Path(options.to)
    merge(
        list(map(Path, options.folders)),
        folder,
        options.force,
        options.same_signers,
        options.without,
        options.points,
        options.map,
    )
    table, notes = summarise(folder)
    print(f"{folder}: merged from {', '.join(options.folders)}\n{table}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return passed_over(folder).report()


if __name__ == "__main__":
    run(main)
