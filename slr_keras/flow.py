"""Estimate the optical flow of a data folder's clips, for models that read motion.

The flow is kept in FOLDER/flow as 8-bit images, one file per clip, for recipes with data.stream:
flow.
"""

from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.option_values import between

EXAMPLE = """\
methods:
  tvl1       as published; needs seconds of one core for each pair of frames of 320 x 256, and
             OpenCV's contributed modules (opencv-contrib-python-headless)
  farneback  smooth, fast
  dis        fastest

Clips that have their flow already are skipped; after a change of the method, the bound or a clip,
the flow is estimated again. The command may be stopped at any time; the same command continues.
A clip that fails is passed over, reported at the end and listed in FOLDER/flow/errors.json; the
exit code is then 2.

examples:
  slr flow data/wlasl100 --method dis
  slr fit RECIPE --set data.stream=flow
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 if a clip has no flow afterwards."""
    options = build_parser().parse_args(arguments)
    from slr_keras.data.video.flow_folder import flow_bytes, make_flow

    folder = Path(options.folder)
    report = make_flow(folder, options.method, options.bound, options.format, options.workers)
    print(
        f"{options.folder}: flow of {report.made} clips made, of {report.kept} there already; "
        f"{flow_bytes(folder) / 2**20:.1f} MiB in flow/"
    )
    return report.failures.report(f"{len(report.failures)} clips have no flow")


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.flow", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "folder",
        metavar="FOLDER",
        help="data folder with frames.json and {train,dev,test}.jsonl",
    )
    add(
        "--method",
        choices=("tvl1", "farneback", "dis"),
        default="tvl1",
        help="estimation method, see below (default: tvl1)",
    )
    add(
        "--bound",
        type=between(0.1, 1000, "pixels"),
        default=20.0,
        metavar="PIXELS",
        help="motion in pixels that the largest 8-bit value stands for; larger motion is clipped "
        "(default: 20)",
    )
    add(
        "--format",
        choices=("png", "jpeg"),
        default="png",
        help="image format; png is lossless, jpeg is smaller (default: png)",
    )
    parser.add_workers("clips")
    return parser


if __name__ == "__main__":
    run(main)
