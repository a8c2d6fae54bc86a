"""A clip to recognise, and what was recognised in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.data.rates import Shown


@dataclass(frozen=True)
class Points:
    """The keypoints of one clip, as a file holds them, and what the file says about them.

    Attributes:
        values: `(frames, points, channels)`, raw.
        fps: frames per second, where the file says so.
        layout: what its points and channels are, where the file says so.
        image_size: (width, height) in the units of x and y, where the file says so.
    """

    values: np.ndarray
    fps: float | None = None
    layout: KeypointLayout | None = None
    image_size: tuple[float, float] | None = None


@dataclass(frozen=True)
class Pictures:
    """The pictures of one clip, not decoded yet.

    Attributes:
        shown: gives them with their times, `(height, width, 3)` uint8; told frames per second, at
            that rate, whatever the file says.
    """

    shown: Callable[[float | None], Iterator[Shown]]


@dataclass(frozen=True)
class Clip:
    """A clip that the user named, not read yet.

    Attributes:
        id: the sample's id, or the file's name without suffix (in a folder: its path within).
        source: the file, and in a manifest the sample: what messages call it.
        read: gives its points or pictures; raises `UserError` for a file that cannot be read.
        reference: the glosses that a manifest gives, to score against.
    """

    id: str
    source: str
    read: Callable[[], Points | Pictures] = field(repr=False)
    reference: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Gloss:
    """One recognised sign: its gloss, when (seconds from the clip's start), how sure (0..1)."""

    gloss: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Prediction:
    """What was recognised in one clip.

    Attributes:
        id, source, reference: as in `Clip`.
        frames: its number of frames; `fps`: their rate.
        glosses: in the order signed.
        notices: what the user should know about the input, such as missing coordinates.

    >>> from slr_keras.recognition import Gloss, Prediction
    >>> Prediction("a", "a.npy", 50, 25.0, (Gloss("RAIN", 0.2, 0.8, 0.97),)).hypothesis
    ('RAIN',)
    """

    id: str
    source: str
    frames: int
    fps: float
    glosses: tuple[Gloss, ...]
    reference: tuple[str, ...] | None = None
    notices: tuple[str, ...] = ()

    @property
    def hypothesis(self) -> tuple[str, ...]:
        """The glosses alone."""
        return tuple(gloss.gloss for gloss in self.glosses)


@dataclass(frozen=True)
class Failure:
    """A clip that could not be recognised, and why."""

    id: str
    source: str
    message: str
