"""Draw a sample as an animated GIF or a PNG contact sheet.

A sample of keypoints shows the signer's left in blue and the right in red; points that were not
detected are hollow, points with a low score are faint. A sample of video shows its frames. The
caption states the frame number, the glosses and, where known, their times.
"""

from pathlib import Path

from slr_keras.utils.command import CommandParser, command_parser, run
from slr_keras.utils.errors import UserError

EXAMPLE = """\
example:
  slr view data/demo --split test --sample 3 --to clip.gif
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.view", __doc__, EXAMPLE)
    add = parser.add_argument
    add(
        "data",
        help="data folder, manifest (.jsonl), or clip: keypoints in .npy, .npz or .pose, a video "
        "file, or a folder of images",
    )
    add(
        "--split",
        choices=("train", "dev", "test"),
        help="split of a data folder (default: test, or the first split there is)",
    )
    add(
        "--sample",
        default="0",
        metavar="ID|N",
        help="id or number of the sample in the split (default: 0)",
    )
    add("--to", metavar="FILE", help=".gif or .png file to write (default: SAMPLE.gif)")
    add("--video", action="store_true", help="draw the video of a data folder with keypoints too")
    add(
        "--prepared",
        action="store_true",
        help="draw what the model reads: points selected, filled and normalised; frames resized "
        "and cropped",
    )
    add(
        "--layout",
        metavar="NAME",
        help="keypoint layout of a single clip (default: by its number of points)",
    )
    numbers = (
        ("--height", 390, "height of a frame in pixels, at least 40"),
        ("--frames", 24, "frames on a contact sheet"),
        ("--columns", 6, "columns of a contact sheet"),
    )
    for name, default, text in numbers:
        add(name, type=int, default=default, metavar="N", help=f"{text} (default: {default})")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    for name, least in (("height", 40), ("frames", 1), ("columns", 1)):
        if getattr(options, name) < least:
            raise UserError(f"--{name} {getattr(options, name)}: give at least {least}")
    from slr_keras.data.viewer import write_gif, write_sheet
    from slr_keras.data.viewing import View, open_sample

    view = View(options.prepared, options.video, options.layout)
    opened = open_sample(options.data, options.split, options.sample, view)
    sample = opened.sample
    target = Path(options.to or f"{Path(sample.id).name}.gif")
    if target.suffix.lower() not in (".gif", ".png"):
        raise UserError(f"{target}: cannot write this kind of picture; name a .gif or .png file")
    clip = opened.drawing(options.height)
    if target.suffix.lower() == ".gif":
        count = write_gif(clip, target)
    else:
        count = write_sheet(clip, target, options.frames, options.columns)
    print(f"{target}: {count} frames of {sample.id} {' '.join(sample.glosses)}")
    return 0


if __name__ == "__main__":
    run(main)
