"""The clips that a recipe's training step is measured with, data or not."""

from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.config import Config
    from slr_keras.training.model import Contract

# PHOENIX-2014's, where the recipe's data folder is not there.
CLASSES = 1296
GLOSSES = 8
SIZE = (224, 224)


def contract_of(config: "Config", size: list[int] | None) -> "Contract":
    """The contract of the recipe's data folder, or of a usual corpus where there is no folder.

    Args:
        config: the recipe.
        size: height and width of frames, which replace the data folder's.

    Raises:
        UserError: a size for a model that reads keypoints.
    """
    from slr_keras.data.contract import KeypointContract, contract
    from slr_keras.data.video.contract import FrameContract
    from slr_keras.models.registry import family_of

    video = family_of(config.model.name).modality == "video"
    written = Path(config.data.folder) / ("frames.json" if video else "keypoints.json")
    if not video:
        if size:
            raise UserError(f"--size: {config.model.name} reads keypoints, which have no size")
        if written.is_file():
            return KeypointContract.read(written)
        return contract("coco_wholebody_133")
    if written.is_file() and not size:
        return FrameContract.read(written)
    height, width = size or SIZE
    return FrameContract(size=(width, height))


def longest(config: "Config") -> int:
    """Frames of the longest clip that training may give."""
    from slr_keras.data.sampling import REDUCTION
    from slr_keras.data.video.augmentation import rescaled_length
    from slr_keras.models.registry import family_of

    most = config.data.max_frames // REDUCTION * REDUCTION
    if family_of(config.model.name).modality == "video" and config.video_augmentation.resamples:
        return rescaled_length(1.0, most, config.video_augmentation, most)
    return most


def classes_of(config: "Config") -> int:
    """Classes with the blank: those of the recipe's vocabulary, or `CLASSES` without one."""
    from slr_keras.data.vocabulary import Vocabulary

    written = Path(config.data.vocabulary or Path(config.data.folder) / "vocabulary.txt")
    return len(Vocabulary.read(written)) if written.is_file() else CLASSES
