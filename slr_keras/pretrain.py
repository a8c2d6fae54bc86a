"""Give a backbone first weights by teaching it where the keypoints of frames are.

Example:
    python -m slr_keras.pretrain data/demo_frames --backbone resnet_micro --to backbone.safetensors
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from slr_keras.utils.command import (
    count,
    number,
    positive,
    run,
)
from slr_keras.utils.errors import UserError

_RATE = number(lambda value: 1e-8 <= value <= 1, "a number in 1e-08..1")

_EPILOG = """\
The data folder must hold keypoints and video of the same clips, as `simulate --frames` writes it.
The backbone learns on train.jsonl to give the points of single frames, its error on dev.jsonl is
reported in pixels, and its weights are written for `model.backbone_weights` of a recipe. No gloss
is looked at. It suits backbones that begin with convolutions, such as resnet_micro and swin_nano;
a Swin without them knows only how places lie to each other and hardly learns where a point is.
swin_nano wants many clips in a step: --clips 32 --frames 2 --epochs 80 --learning-rate 3e-3.

example:
  python -m slr_keras.pretrain data/demo_frames --backbone resnet_micro --to backbone.safetensors
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's)."""
    options = build_parser().parse_args(arguments)
    target = Path(options.to)
    if target.suffix != ".safetensors":
        raise UserError(f"--to {options.to}: the format is safetensors; name a .safetensors file")
    train, dev = _clips(options.data)
    import keras

    from slr_keras.models.backbones import make_backbone
    from slr_keras.training.keypoint_pretraining import PointingSettings, learn_points
    from slr_keras.utils.files import sha256
    from slr_keras.weights import WeightsRecord, save_backbone_weights

    keras.utils.set_random_seed(options.seed)
    backbone = make_backbone(options.backbone)
    settings = PointingSettings(
        options.epochs, options.clips, options.frames, options.learning_rate, seed=options.seed
    )
    started = time.perf_counter()
    error = learn_points(backbone, train, dev, settings, _report)
    result = {
        "data": options.data.name,
        "clips": {"train": len(train), "dev": len(dev)},
        "points": len(train.contract.points),
        "epochs": options.epochs,
        "seed": options.seed,
        "pixels": settings.pixels,
        "dev_error_pixels": {"all": round(error.overall, 3), "hands": round(error.hands, 3)},
        "seconds": round(time.perf_counter() - started, 1),
    }
    weights = backbone.named_weights()
    record = WeightsRecord(
        backbone=options.backbone,
        file=train.path.name,
        sha256=sha256(train.path),
        library="slr_keras.pretrain",
        weights=len(weights),
        numbers=sum(int(weight.value.shape.num_elements()) for weight in weights.values()),
        sources={},
        left_over=(),
        origin=result,
    )
    save_backbone_weights(backbone, target, record)
    print(json.dumps(result, indent=2) if options.json else _text(result, target))
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.pretrain",
        description="Give a backbone first weights by teaching it the keypoints of frames.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="data folder with keypoints and video")
    parser.add_argument("--backbone", required=True, help="its architecture, such as resnet_micro")
    parser.add_argument(
        "--to", required=True, metavar="FILE", help="the .safetensors file to write"
    )
    numbers = (
        ("--epochs", 24, "passes over the clips"),
        ("--clips", 8, "clips in a step"),
        ("--frames", 16, "frames of each clip in a step"),
    )
    for name, default, text in numbers:
        parser.add_argument(
            name, type=positive, default=default, metavar="N", help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--learning-rate", type=_RATE, default=2e-3, metavar="X", help="peak (default: 0.002)"
    )
    parser.add_argument("--seed", type=count, default=0, help="of every choice (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def _clips(folder: Path) -> tuple[Any, Any]:
    """The manifests of train and dev, which have keypoints and video."""
    from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE, read_folder

    manifests = read_folder(folder)
    for name, held in ((CONTRACT_FILE, "keypoints"), (FRAMES_FILE, "video")):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder}: no {name}, so the folder has no {held}; a backbone is taught the "
                "points of pictures and needs both (simulate --frames writes both)"
            )
    for split in ("train", "dev"):
        if split not in manifests or not len(manifests[split]):
            raise UserError(f"{folder}: no clips in {split}.jsonl; pretraining needs train and dev")
        for sample in manifests[split]:
            for field in ("keypoints", "video"):
                if not getattr(sample, field):
                    where = manifests[split].where(sample)
                    raise UserError(f"{where}: has no {field}; remove the sample or give it one")
    return manifests["train"], manifests["dev"]


def _report(epoch: int, loss: float, error: Any) -> None:
    line = (
        f"epoch {epoch}: loss {loss:.2f}, dev error {error.overall:.2f} pixels, "
        f"hands {error.hands:.2f}"
    )
    print(line, file=sys.stderr, flush=True)


def _text(result: dict[str, Any], path: Path) -> str:
    error = result["dev_error_pixels"]
    return (
        f"{result['points']} points of {result['clips']['train']} clips, {result['epochs']} epochs "
        f"in {result['seconds']:.0f} s, seed {result['seed']}\n"
        f"mean distance on {result['clips']['dev']} dev clips: {error['all']:.2f} pixels, of the "
        f"hands {error['hands']:.2f}\nwritten to {path}"
    )


if __name__ == "__main__":
    run(main)
