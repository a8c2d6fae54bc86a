"""`python -m slr_keras.validate FOLDER`: check a data folder before training on it."""

import argparse
import json
import sys

from slr_keras.utils.command import USER_MISTAKE, run

_EXAMPLE = """\
example:
  python -m slr_keras.validate data/demo --forbid-shared-signers

Prints a table of the splits and what is wrong with them, sample by sample.
Exit code 0 if there are no errors (warnings are allowed), 2 otherwise.
"""


def main(arguments: list[str] | None = None) -> int:
    """Validate a data folder; the exit code is 2 where it has errors."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.validate",
        description="Check a data folder: manifests, vocabulary, splits and keypoints.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", help="folder with keypoints.json or frames.json, and {train,dev,test}.jsonl"
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument(
        "--forbid-shared-signers", action="store_true", help="a signer in two splits is an error"
    )
    parser.add_argument(
        "--forbid-shared-sentences",
        action="store_true",
        help="a gloss sequence of train in dev or test is an error",
    )
    parser.add_argument("--quick", action="store_true", help="do not read the keypoints")
    parser.add_argument(
        "--temporal-stride",
        type=int,
        default=4,
        metavar="FRAMES",
        help="frames per output step of the model (default 4)",
    )
    parser.add_argument("--all", action="store_true", help="print every finding, not 5 a kind")
    options = parser.parse_args(arguments)
    if options.temporal_stride < 1:
        parser.error("--temporal-stride must be at least 1")

    from tqdm import tqdm

    from slr_keras.data.validation.folder import validate_folder

    report = validate_folder(
        options.folder,
        expect_disjoint_signers=options.forbid_shared_signers,
        expect_disjoint_sentences=options.forbid_shared_sentences,
        temporal_stride=options.temporal_stride,
        deep=not options.quick,
        # No bar where nobody watches: None means only on a terminal.
        progress=lambda rows: tqdm(rows, unit="clip", leave=False, disable=None),
    )
    if options.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        print("\n".join(report.lines(per_kind=sys.maxsize if options.all else 5)))
    return USER_MISTAKE if report.errors else 0


if __name__ == "__main__":
    run(main)
