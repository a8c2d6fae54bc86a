"""Input modality of a run: which files it accepts and how they become frames."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import Preparation
from slr_keras.data.rates import require_rate
from slr_keras.recognition.clip import Clip


@dataclass(frozen=True)
class Overrides:
    """Properties of the clips that the user states; they take precedence over the files.

    Attributes:
        layout: keypoint layout.
        fps: frames per second.
        image_size: (width, height) in the units of x and y.
        cache: folder that caches the keypoints extracted from videos.
    """

    layout: KeypointLayout | None = None
    fps: float | None = None
    image_size: tuple[float, float] | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class Footage:
    """The frames of a clip, prepared for the model.

    Attributes:
        frames: frames for the model, one after another; the iteration may raise `UserError`.
        length: number of frames; 0 if unknown before they are read.
        count: function that returns the number of frames of the clip and their rate; valid after
            the frames are read.
        notices: remarks about the clip for the user; complete after the frames are read.
    """

    frames: Iterable[np.ndarray]
    length: int
    count: Callable[[], tuple[int, float]]
    notices: Sequence[str]


class InputModality(ABC):
    """Input modality: keypoints or video.

    Attributes:
        what: description of the accepted files, for messages.
        overrides: properties of the clips that the user states.
    """

    what: str
    overrides: Overrides

    @abstractmethod
    def holds(self, path: Path) -> bool:
        """Whether a file or folder inside a searched folder is one clip."""

    def takes(self, path: Path) -> bool:
        """Whether a file that the user gave is one clip."""
        return self.holds(path)

    @abstractmethod
    def reader(self, path: Path) -> Callable:
        """A function that reads the file or folder of one clip, for `Clip.read`."""

    @abstractmethod
    def manifest_reader(self, manifest: Manifest) -> Callable[[int], object]:
        """A function that reads a clip of a manifest by its row.

        Raises:
            UserError: the manifest has another modality or layout than the run.
        """

    @abstractmethod
    def footage(self, clip: Clip, preparation: Preparation) -> Footage:
        """Read a clip and prepare its frames; reading may be lazy.

        Raises:
            UserError: the clip cannot be read, or does not match the run.
        """

    def rate(self, stated: float | None, fps: float, source: str) -> float:
        """Frames per second of a clip, as stated by the user, else the file, else the contract.

        Args:
            stated: rate that the file states; None if the file states none.
            fps: rate of the contract.
            source: name of the clip in messages.

        Raises:
            UserError: the rate is not from 1 to 1000 frames per second.
        """
        rate = float(self.overrides.fps or (fps if stated is None else stated))
        require_rate(rate, source, "correct it or pass --fps")
        return rate
