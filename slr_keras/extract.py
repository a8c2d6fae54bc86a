"""Find the keypoints of signers in videos with MediaPipe Holistic, and make a data folder.

python -m slr_keras.extract clips/*.mp4 --to data/clips
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import USER_MISTAKE, positive, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.extraction.report import Report

_LISTED = 20
_EXAMPLE = """\
inputs: video files, folders of PNG or JPEG frames, folders that are searched through, patterns
such as "clips/**/*.mp4", data folders or manifests (.jsonl) of video, and tables (.csv) with a
column file and, where known, id, glosses, split, signer and text.

output: FOLDER is a data folder for fit, evaluate, predict, validate and view. FOLDER/clips has one
.npz a clip, for predict, view and `prepare npz --layout mediapipe_holistic_543`. extraction.json
and extraction.png say how much of pose, hands and face was found. Missing hands stay missing.

Each video is read in a process of its own: one that crashes or hangs is reported at the end, and
the exit code is then 2. Videos that are done already are left alone; change one, or an option, and
it is done again. Stop it at any time, and give the same command to go on.

examples:
  python -m slr_keras.extract recordings --to data/mine --glosses glosses.csv --contact-sheet
  python -m slr_keras.extract data/wlasl100 --to data/wlasl100_keypoints --fps 25
"""


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.extract",
        description="Find the 543 landmarks of MediaPipe Holistic in videos. Nothing is downloaded "
        "or sent. Needs pip install 'slr-keras[keypoints,video]'.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="VIDEO", help="what to read, see below")
    add("--to", required=True, metavar="FOLDER", help="data folder to write")
    add(
        "--glosses",
        metavar="FILE",
        help="table (.csv) with the columns id and glosses (separated by spaces); optional split, "
        "signer, text",
    )
    add(
        "--split",
        choices=("train", "dev", "test"),
        help="of clips for which nothing says it (default: train with glosses, test without)",
    )
    add("--fps", type=float, default=25.0, metavar="F", help="frames a second to give (25)")
    add(
        "--normalisation",
        choices=("body", "image"),
        default="body",
        help="how models trained on the folder see points: measured by the shoulders, or in the "
        "picture (body)",
    )
    add("--detection", type=float, default=0.5, metavar="C", help="least confidence to start (0.5)")
    add("--tracking", type=float, default=0.5, metavar="C", help="least confidence to go on (0.5)")
    add(
        "--contact-sheet",
        action="store_true",
        help="draw the 79 points over frames of each clip, in FOLDER/sheets: these show faces",
    )
    add(
        "--workers",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="videos at the same time (default: the number of cores)",
    )
    add(
        "--patience",
        type=float,
        default=120.0,
        metavar="S",
        help="seconds without a frame after which a video is given up (120)",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 where a video gave nothing."""
    options = build_parser().parse_args(arguments)
    if not options.patience > 0:
        raise UserError(f"--patience {options.patience:g}: give seconds above 0")
    from slr_keras.extraction.folder import require_own
    from slr_keras.extraction.report import table
    from slr_keras.extraction.run import Job, extract
    from slr_keras.extraction.settings import Settings, mediapipe_version
    from slr_keras.extraction.sources import find_sources, with_glosses

    mediapipe_version()
    folder = Path(options.to)
    require_own(folder)
    settings = Settings(options.fps, options.detection, options.tracking)
    sources, without = find_sources(options.inputs, folder), []
    if options.glosses:
        sources, without = with_glosses(sources, Path(options.glosses))
    split = options.split or ("train" if any(source.glosses for source in sources) else "test")
    job = Job(folder, settings, options.normalisation, options.patience, options.contact_sheet)
    report, made = extract(sources, split, job, options.workers)
    kept = len(report.clips) - made
    print(f"{folder}: keypoints of {made} clips found, of {kept} there already")
    if report.clips:
        print(table(report.summary()))
    _tell(report, without, options.glosses)
    return USER_MISTAKE if report.failures else 0


def _tell(report: "Report", without: list[str], glosses: str | None) -> None:
    if without:
        listed = ", ".join(without[:3]) + ", ..." * (len(without) > 3)
        print(f"notice: {len(without)} clips are not in {glosses}: {listed}", file=sys.stderr)
    failures = list(report.failures.values())
    for failure in failures[:_LISTED]:
        print(f"error: {failure}", file=sys.stderr)
    if len(failures) > _LISTED:
        print(f"... and {len(failures) - _LISTED} more", file=sys.stderr)
    if failures:
        print(f"error: {len(failures)} videos gave no keypoints", file=sys.stderr)


if __name__ == "__main__":
    run(main)
