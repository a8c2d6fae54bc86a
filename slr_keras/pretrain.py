"""Pretrain a backbone: it learns the keypoints of video frames."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import CommandParser, command_parser, require_suffix, run
from slr_keras.utils.option_values import learning_rate, positive

if TYPE_CHECKING:
    from slr_keras.training.keypoint_pretraining import KeypointDistance

EXAMPLE = """\
The data folder must hold keypoints and video of the same clips, as `simulate --frames` writes them.
The backbone learns on train.jsonl to give the keypoints of single frames. Its error on dev.jsonl is
reported in pixels, and its weights are written for `model.backbone_weights` of a recipe. Glosses
are not used. The method suits backbones that begin with convolutions, such as resnet_micro and
swin_nano; a Swin without them knows only relative positions and hardly learns where a point is.
swin_nano needs many clips per step: --clips 32 --frames 2 --epochs 80 --learning-rate 3e-3.

example:
  slr pretrain data/demo_frames --backbone resnet_micro --to backbone.safetensors
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    target = require_suffix("--to", options.to, ".safetensors")
    from slr_keras.training.backbone_pretraining import (
        plain_text,
        pretrain_backbone,
        read_clips,
    )

    clips = read_clips(options.data)
    from slr_keras.training.keypoint_pretraining import PretrainingSettings

    settings = PretrainingSettings(
        options.epochs, options.clips, options.frames, options.learning_rate, seed=options.seed
    )
    result = pretrain_backbone(
        options.backbone, options.data, clips, settings, target, _print_epoch
    )
    text = f"{plain_text(result)}\nwritten to {target}"
    print(json.dumps(result, indent=2) if options.json else text)
    return 0


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.pretrain", __doc__, EXAMPLE)
    add = parser.add_argument
    add("data", type=Path, help="data folder with keypoints and video")
    add("--backbone", required=True, metavar="NAME", help="architecture, such as resnet_micro")
    add("--to", required=True, metavar="FILE", help=".safetensors file to write")
    numbers = (
        ("--epochs", 24, "passes over the clips"),
        ("--clips", 8, "clips per step"),
        ("--frames", 16, "frames of each clip per step"),
    )
    for name, default, text in numbers:
        add(name, type=positive, default=default, metavar="N", help=f"{text} (default: {default})")
    add(
        "--learning-rate",
        type=learning_rate,
        default=2e-3,
        metavar="X",
        help="highest learning rate of the schedule (default: 0.002)",
    )
    parser.add_seed()
    parser.add_json()
    return parser


def _print_epoch(epoch: int, loss: float, error: "KeypointDistance") -> None:
    line = (
        f"epoch {epoch}: loss {loss:.2f}, dev error {error.overall:.2f} pixels, "
        f"hands {error.hands:.2f} pixels"
    )
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
