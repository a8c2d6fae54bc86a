"""Settings of MediaPipe Holistic, and the check that it is installed."""

import dataclasses
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

#: Layout of MediaPipe Holistic: pose, face, left hand, right hand.
LAYOUT = "mediapipe_holistic_543"
POINTS, CHANNELS = 543, 4
#: Raise this when the same pictures give other landmarks: existing files are then made again.
VERSION = 1

_PACKAGE = "mediapipe"
_MODELS = (
    "modules/holistic_landmark/holistic_landmark_cpu.binarypb",
    "modules/pose_landmark/pose_landmark_full.tflite",
)
_INSTALL = install("keypoints", "video")


@dataclass(frozen=True)
class Settings:
    """Settings of MediaPipe Holistic.

    Attributes:
        fps: frames a second to resample to; None keeps every picture at its own time.
        detection: least confidence, 0 to 1, of the person detector.
        tracking: least confidence, 0 to 1, to go on tracking a person.

    Raises:
        UserError: a value out of range.

    >>> from slr_keras.extraction import Settings
    >>> Settings(fps=25.0).tracking
    0.5
    """

    fps: float | None = None
    detection: float = 0.5
    tracking: float = 0.5

    def __post_init__(self) -> None:
        # Every comparison with NaN is false.
        if self.fps is not None and not 1 <= self.fps <= 1000:
            raise UserError(f"{self.fps} frames a second: give a rate of 1 to 1000")
        for name in ("detection", "tracking"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} {getattr(self, name)}: give a confidence of 0 to 1")

    def to_json(self) -> dict[str, Any]:
        """The settings and the version of MediaPipe, for the record of a clip's file.

        Raises:
            UserError: MediaPipe is not installed.
        """
        made_by = {"version": VERSION, _PACKAGE: mediapipe_version(), "layout": LAYOUT}
        return made_by | dataclasses.asdict(self)


def mediapipe_version() -> str:
    """The version of MediaPipe, without importing it.

    Raises:
        UserError: MediaPipe is not installed, or its package lacks the models of Holistic.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"finding keypoints in video needs {_PACKAGE}; {_INSTALL}")
    version = importlib.metadata.version(_PACKAGE)
    folder = Path(spec.submodule_search_locations[0])
    if not all((folder / model).is_file() for model in _MODELS):
        raise UserError(
            f"{_PACKAGE} {version} carries no models of Holistic, and none are downloaded; "
            f"{_INSTALL} gets 0.10.21, the last that has them"
        )
    return version
