"""What a run sees, as `predict` handles it: which files hold it, and how they become frames."""

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
    """What the user says about the clips, before anything that files say.

    Attributes:
        layout: of keypoints; fps: frames a second; image_size: in the units of x and y.
        cache: folder that keeps the keypoints found in videos, for the next time.
    """

    layout: KeypointLayout | None = None
    fps: float | None = None
    image_size: tuple[float, float] | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class Footage:
    """A clip whose frames the model is about to see.

    Attributes:
        frames: the model's frames, one after another; may raise `UserError` on the way.
        length: how many there are, where it is known before they are read, else 0.
        count: once they are read: how many frames the clip itself has, and their rate.
        notices: once they are read: what the user should know about the clip.
    """

    frames: Iterable[np.ndarray]
    length: int
    count: Callable[[], tuple[int, float]]
    notices: Sequence[str]


class InputModality(ABC):
    """Keypoints or video.

    Attributes:
        what: the files that are read, for messages.
        overrides: what the user says about the clips.
    """

    what: str
    overrides: Overrides

    @abstractmethod
    def holds(self, path: Path) -> bool:
        """Whether a file or folder, found in a folder that is searched, is one clip."""

    def takes(self, path: Path) -> bool:
        """Whether a file that the user names is one clip."""
        return self.holds(path)

    @abstractmethod
    def reader(self, path: Path) -> Callable:
        """What reads one clip's file or folder; gives what `footage` takes."""

    @abstractmethod
    def manifest_reader(self, manifest: Manifest) -> Callable[[int], object]:
        """What reads a clip of a manifest by its row.

        Raises:
            UserError: the manifest is not of the run's kind.
        """

    @abstractmethod
    def footage(self, clip: Clip, preparation: Preparation) -> Footage:
        """Read a clip, or begin to.

        Raises:
            UserError: it cannot be read, or is not what the run was trained on.
        """

    def rate(self, stated: float | None, fps: float, source: str) -> float:
        """Frames a second of a clip: what the user says, else its file, else the contract.

        Raises:
            UserError: the file says nothing that can be.
        """
        rate = float(self.overrides.fps or (fps if stated is None else stated))
        require_rate(rate, source, "correct it or pass --fps")
        return rate
