"""Extract the keypoints of signers from videos with MediaPipe Holistic, into a data folder.

MediaPipe finds 543 landmarks. Nothing is downloaded or sent. The command needs
pip install 'slr-keras[keypoints,video]', or in a checkout pip install '.[keypoints,video]'.
"""

import sys
from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import between, fraction
from slr_keras.utils.unicode import composed

APART = ("dev_signers", "test_signers", "dev_fraction", "test_fraction", "seed")
EXAMPLE = """\
inputs: video files, folders of PNG or JPEG frames, folders that are searched recursively, patterns
such as "clips/**/*.mp4", data folders or manifests (.jsonl) of video, and tables (.csv) with a
column file and, where known, id, glosses, split, signer and text.

output: FOLDER is a data folder for fit, evaluate, predict, validate and view. FOLDER/clips has one
.npz per clip, for predict, view and `prepare npz --layout mediapipe_holistic_543`. extraction.json
and extraction.png show the fraction of frames with pose, hands and face. Missing hands stay
missing.

Each video is read in a separate process: a video whose process crashes or hangs is reported at the
end, and the exit code is then 2. Videos that are done are skipped; after a change of the video or
of an option they are extracted again. The command may be stopped at any time; the same command
continues.

fit needs the splits train and dev: --dev-fraction or --dev-signers chooses the clips of dev, unless
the table has a column split.

examples:
  slr extract recordings --to data/mine --glosses glosses.csv --contact-sheet
  slr extract recordings --to data/mine --glosses glosses.csv --dev-fraction 0.2
  slr extract data/wlasl100 --to data/wlasl100_keypoints --fps 25
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.extract", __doc__, EXAMPLE)
    add = parser.add_argument
    add("inputs", nargs="+", metavar="VIDEO", help="what to read, see below")
    add("--to", required=True, metavar="FOLDER", help="data folder to write")
    add(
        "--glosses",
        metavar="FILE",
        help="table (.csv) with the columns id and glosses (separated by spaces) and, optionally, "
        "split, signer and text",
    )
    add(
        "--split",
        choices=("train", "dev", "test"),
        help="split of clips whose split is not stated (default: train with glosses, test without)",
    )
    for name in ("dev", "test"):
        add(
            f"--{name}-signers",
            nargs="*",
            default=(),
            type=composed,
            metavar="SIGNER",
            help=f"signers kept for {name}, of clips whose split is not stated",
        )
        add(
            f"--{name}-fraction",
            type=fraction,
            default=0.0,
            metavar="F",
            help=f"fraction of these clips for {name}, the same of each sign, without such signers "
            "(default: none)",
        )
    parser.add_seed("the clips for dev and test")
    add(
        "--fps",
        type=float,
        default=25.0,
        metavar="F",
        help="frame rate of the keypoints in frames per second (default: 25)",
    )
    add(
        "--normalisation",
        choices=("body", "image"),
        default="body",
        help="coordinates of models trained on the folder: relative to the shoulders, or to the "
        "image (default: body)",
    )
    add(
        "--detection",
        type=float,
        default=0.5,
        metavar="C",
        help="lowest confidence for a detection, 0 to 1 (default: 0.5)",
    )
    add(
        "--tracking",
        type=float,
        default=0.5,
        metavar="C",
        help="lowest confidence for tracking to continue, 0 to 1 (default: 0.5)",
    )
    add(
        "--contact-sheet",
        action="store_true",
        help="draw 79 points over frames of each clip, in FOLDER/sheets; the sheets show faces",
    )
    add(
        "--pose",
        action="store_true",
        help="also write FOLDER/pose/SPLIT/ID.pose for the viewer of pose-format",
    )
    parser.add_workers("videos")
    add(
        "--patience",
        type=between(0.1, 86400, "seconds"),
        default=120.0,
        metavar="S",
        help="seconds without a frame after which a video is abandoned (default: 120)",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 if a video gave no keypoints."""
    options = build_parser().parse_args(arguments)
    if not options.patience > 0:
        raise UserError(f"--patience {options.patience:g}: give seconds above 0")
    from slr_keras.extraction.folder import require_own
    from slr_keras.extraction.report import table
    from slr_keras.extraction.run import Job, extract
    from slr_keras.extraction.settings import Settings, mediapipe_version
    from slr_keras.extraction.sources import find_sources, with_glosses, with_splits
    from slr_keras.utils.failures import Failures

    mediapipe_version()
    folder = Path(options.to)
    require_own(folder)
    settings = Settings(options.fps, options.detection, options.tracking)
    sources, without = find_sources(options.inputs, folder), []
    if options.glosses:
        sources, without = with_glosses(sources, Path(options.glosses))
    apart = {name: getattr(options, name) for name in APART}
    sources = with_splits(sources, options.split, **apart)
    job = Job(folder, settings, options.normalisation, options.patience, options.contact_sheet)
    report, made = extract(sources, job, options.workers)
    if options.pose and report.clips:
        from slr_keras.data.pose_writing import write_pose_folder

        write_pose_folder(folder)
    kept = len(report.clips) - made
    print(f"{folder}: keypoints of {made} clips found, of {kept} there already")
    if report.clips:
        print(table(report.summary()))
    if without:
        listed = ", ".join(without[:3]) + ", ..." * (len(without) > 3)
        print(
            f"notice: {len(without)} clips are not in {options.glosses}: {listed}", file=sys.stderr
        )
    failures = Failures("video")
    for name, reason in report.failures.items():
        failures.add(name, reason)
    return failures.report(f"{len(failures)} videos gave no keypoints")


if __name__ == "__main__":
    run(main)
