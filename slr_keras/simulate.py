"""Write a data folder of simulated signing.

The data are 133 keypoints per frame with the errors of a real detector, and RGB frames of the same
scenes on request. Dev and test have other signers and other sentences than train. The same options
give the same data; a folder that holds them already is kept.
"""

import argparse
import re
from pathlib import Path
from typing import Any

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import count, frame_rate, positive

EXAMPLE = """\
examples:
  slr simulate --lexicon demo --to data/demo
  slr simulate --lexicon demo --to data/demo64 --frames 64
  slr simulate --cues order --to data/order
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from tqdm import tqdm

    from slr_keras.data.simulator.request import describe, fulfil

    def progress(clips: Any) -> Any:
        # disable=None: a bar only where standard error is a terminal.
        return tqdm(clips, desc="simulating", unit="clip", mininterval=0.5, disable=None)

    request, folder = _request(options), Path(options.to)
    if options.pose and options.cues:
        raise UserError("--pose: the clips of --cues have no keypoints; omit one of the options")
    print(describe(folder, request, fulfil(folder, request, progress, options.force)))
    if options.pose:
        from slr_keras.data.pose_writing import write_pose_folder

        print(f"{write_pose_folder(folder)} files in {folder / 'pose'}")
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.simulate", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "--lexicon",
        choices=("demo", "large"),
        default="demo",
        help="signs to use: demo has 20, large 125 (default: demo)",
    )
    add(
        "--cues",
        choices=("left_right", "top_bottom", "order", "motion"),
        help="instead of sentences, write short clips of moving blobs, one class per clip; the six "
        "classes differ in this cue alone, the three classes of `motion` in the movement of one "
        "blob (default size: 240 60 120 clips of 64 pixels)",
    )
    add("--to", required=True, metavar="FOLDER", help="data folder to write")
    sizes = {"train": "demo 800, large 3000", "dev": "demo 100, large 300"}
    for split, default in (sizes | {"test": "demo 200, large 500"}).items():
        add(
            f"--{split}",
            type=count,
            metavar="N",
            help=f"number of sentences in {split} (default: {default})",
        )
    add(
        "--signers",
        type=positive,
        nargs=3,
        metavar=("TRAIN", "DEV", "TEST"),
        help="number of people in each split (default: demo 12 3 4, large 20 4 4)",
    )
    add(
        "--pose",
        action="store_true",
        help="also write FOLDER/pose/SPLIT/ID.pose for the viewer of pose-format",
    )
    parser.add_seed("all data")
    add(
        "--frames",
        metavar="SIZE",
        help="also render RGB frames of this size in pixels: 64 for squares, 96x64 for width and "
        "height; frames.json describes them (default: no frames)",
    )
    add(
        "--video",
        choices=("npy", "mp4"),
        help="how frames are stored: npy in <split>.frames.npy, uint8 (frames, height, width, 3); "
        "mp4 in videos/<split>/<id>.mp4, which needs the extra 'video' (default: npy)",
    )
    add(
        "--fps",
        type=frame_rate,
        metavar="F",
        help="frames per second that models read; clips have 25, of which fewer are read where F "
        "is lower (default: 25)",
    )
    add("--force", action="store_true", help="replace the data set in the folder")
    return parser


def _request(options: argparse.Namespace) -> dict[str, Any]:
    from slr_keras.data.simulator.request import cues_request, sentences_request

    clips = {split: getattr(options, split) for split in ("train", "dev", "test")}
    size = _size(options.frames)
    if not options.cues:
        request = options.lexicon, clips, options.signers, options.seed, size, options.video
        return sentences_request(*request, options.fps)
    if options.signers or options.video == "mp4" or options.fps:
        raise UserError(
            "--cues has no signers and no keypoints, and stores frames as npy; omit these options"
        )
    return cues_request(options.cues, clips, options.seed, size)


def _size(text: str | None) -> tuple[int, int] | None:
    """Parse the width and height of "64" or "96x64", the value of --frames."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not match:
        raise UserError(f"--frames {text}: give pixels, such as 64, or width x height, 96x64")
    width, height = match.groups()
    return int(width), int(height or width)


if __name__ == "__main__":
    run(main)
