"""Pretrain a backbone to predict the keypoints of video frames, and write its weights."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE, Manifest, read_folder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256

if TYPE_CHECKING:
    from slr_keras.training.keypoint_pretraining import KeypointDistance, PretrainingSettings


def read_clips(folder: Path) -> tuple[Manifest, Manifest]:
    """Read the train and dev splits of a data folder whose clips have keypoints and video.

    Raises:
        UserError: the folder or a sample lacks keypoints or video, or a split has no clips.
    """
    manifests = read_folder(folder)
    for name, content in ((CONTRACT_FILE, "keypoints"), (FRAMES_FILE, "video")):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder}: no {name}, so the folder has no {content}; pretraining learns "
                "keypoints from frames and needs both (simulate --frames writes both)"
            )
    for split in ("train", "dev"):
        if split not in manifests or not len(manifests[split]):
            raise UserError(f"{folder}: no clips in {split}.jsonl; pretraining needs train and dev")
        for sample in manifests[split]:
            for field in ("keypoints", "video"):
                if not getattr(sample, field):
                    where = manifests[split].where(sample)
                    raise UserError(f"{where}: no {field}; add the file or remove the sample")
    return manifests["train"], manifests["dev"]


def pretrain_backbone(
    backbone_name: str,
    data: Path,
    clips: tuple[Manifest, Manifest],
    settings: "PretrainingSettings",
    target: Path,
    report: "Callable[[int, float, KeypointDistance], None]",
) -> dict[str, Any]:
    """Train a backbone to predict the keypoints of single frames, and write its weights.

    Args:
        backbone_name: architecture, such as resnet_micro.
        data: data folder of the clips; its name is recorded.
        clips: train and dev split, from `read_clips`.
        settings: training settings; the seed also initialises the weights.
        target: .safetensors file to write.
        report: called after each epoch with its number, the loss and the error on dev.

    Returns:
        The record stored in the file: data, settings, error on dev in pixels, and seconds.

    Raises:
        UserError: no backbone has this name.
    """
    # Imported here, so that unusable clips are refused before TensorFlow is loaded.
    import keras

    from slr_keras.models.backbones import make_backbone
    from slr_keras.training.keypoint_pretraining import pretrain_on_keypoints
    from slr_keras.weights import WeightsRecord, save_backbone_weights

    train, dev = clips
    keras.utils.set_random_seed(settings.seed)
    backbone = make_backbone(backbone_name)
    started = time.perf_counter()
    error = pretrain_on_keypoints(backbone, train, dev, settings, report)
    result = {
        "data": data.name,
        "clips": {"train": len(train), "dev": len(dev)},
        "points": len(train.contract.points),
        "epochs": settings.epochs,
        "seed": settings.seed,
        "pixels": settings.pixels,
        "dev_error_pixels": {"all": round(error.overall, 3), "hands": round(error.hands, 3)},
        "seconds": round(time.perf_counter() - started, 1),
    }
    weights = backbone.named_weights()
    record = WeightsRecord(
        backbone=backbone_name,
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
    return result


def plain_text(result: dict[str, Any]) -> str:
    """Format a result of `pretrain_backbone` as text."""
    error = result["dev_error_pixels"]
    return (
        f"{result['points']} points of {result['clips']['train']} clips, {result['epochs']} epochs "
        f"in {result['seconds']:.0f} s, seed {result['seed']}\n"
        f"mean distance on {result['clips']['dev']} dev clips: {error['all']:.2f} pixels, "
        f"for the hands {error['hands']:.2f} pixels"
    )
