"""Data classes of recognition: clips, keypoints, pictures, predictions and failures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.data.rates import Shown


@dataclass(frozen=True)
class Points:
    """Raw keypoints of one clip, and the properties that the file states.

    Attributes:
        values: `(frames, points, channels)`, raw.
        fps: frames per second; None if the file does not state the rate.
        layout: keypoint layout; None if the file does not state the layout.
        image_size: (width, height) in the units of x and y; None if the file does not state it.
    """

    values: np.ndarray
    fps: float | None = None
    layout: KeypointLayout | None = None
    image_size: tuple[float, float] | None = None


@dataclass(frozen=True)
class Pictures:
    """The pictures of one clip, not decoded yet.

    Attributes:
        shown: function that yields the pictures `(height, width, 3)` uint8 with their times. The
            argument is a frame rate that replaces the times of the file; None keeps them.
    """

    shown: Callable[[float | None], Iterator[Shown]]


@dataclass(frozen=True)
class Clip:
    """A clip that has not been read yet.

    Attributes:
        id: id of the sample, or name of the file without suffix (path within a folder).
        source: file, and sample of a manifest, for messages.
        read: function that returns the points or pictures; raises `UserError` if the file cannot be
            read.
        reference: reference glosses from a manifest; None if unknown.
        video: video file that shows this clip from its start to its end; None if there is none.
    """

    id: str
    source: str
    read: Callable[[], Points | Pictures] = field(repr=False)
    reference: tuple[str, ...] | None = None
    video: Path | None = None


@dataclass(frozen=True)
class Gloss:
    """One recognised sign: gloss, start and end in seconds from the start of the clip, confidence.

    The confidence is in 0..1.
    """

    gloss: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Prediction:
    """Glosses recognised in one clip.

    Attributes:
        id, source, reference: as in `Clip`.
        frames: number of frames.
        fps: frames per second.
        glosses: recognised signs, in order.
        notices: remarks about the input for the user, such as missing coordinates.
        alternatives: most probable signs with their confidences, best first; see `Recognition`.

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
    alternatives: tuple[tuple[str, float], ...] = ()

    @property
    def hypothesis(self) -> tuple[str, ...]:
        """The glosses without times and confidences."""
        return tuple(gloss.gloss for gloss in self.glosses)


@dataclass(frozen=True)
class Failure:
    """A clip that could not be recognised, with the error message."""

    id: str
    source: str
    message: str
