"""Check a data folder before training: manifests, vocabulary, splits and clips."""

import json
import sys

from slr_keras.utils.command import USER_MISTAKE, CommandParser, command_parser, run
from slr_keras.utils.option_values import positive

EXAMPLE = """\
Prints a table of the splits and the problems of each sample. The exit code is 0 if there are no
errors (warnings are allowed), 2 otherwise.

example:
  slr validate data/demo --forbid-shared-signers
"""
SHOWN_PER_KIND = 5


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 if the data folder has errors."""
    options = build_parser().parse_args(arguments)
    from tqdm import tqdm

    from slr_keras.data.validation.folder import validate_folder

    report = validate_folder(
        options.folder,
        expect_disjoint_signers=options.forbid_shared_signers,
        expect_disjoint_sentences=options.forbid_shared_sentences,
        temporal_stride=options.temporal_stride,
        deep=not options.quick,
        # disable=None: a bar only where standard error is a terminal.
        progress=lambda rows: tqdm(rows, unit="clip", leave=False, disable=None),
    )
    if options.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        print("\n".join(report.lines(per_kind=sys.maxsize if options.all else SHOWN_PER_KIND)))
    return USER_MISTAKE if report.errors else 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.validate", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "folder",
        metavar="FOLDER",
        help="folder with keypoints.json or frames.json, and {train,dev,test}.jsonl",
    )
    parser.add_json()
    add(
        "--forbid-shared-signers",
        action="store_true",
        help="report a signer who occurs in two splits as an error",
    )
    add(
        "--forbid-shared-sentences",
        action="store_true",
        help="report a gloss sequence of train that occurs in dev or test as an error",
    )
    add("--quick", action="store_true", help="do not read the clips")
    add(
        "--temporal-stride",
        type=positive,
        default=4,
        metavar="FRAMES",
        help="frames per output step of the model (default: 4)",
    )
    add(
        "--all",
        action="store_true",
        help=f"print all problems (default: {SHOWN_PER_KIND} of each kind)",
    )
    return parser


if __name__ == "__main__":
    run(main)
