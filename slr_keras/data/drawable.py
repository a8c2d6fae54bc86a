"""Interface of clips that can be drawn frame by frame."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

LEFT, RIGHT, MIDDLE = (31, 90, 200), (205, 45, 40), (90, 90, 90)
LEAST_WIDTH = 160
"""Smallest width of a drawing in pixels, which the caption needs."""


@dataclass(frozen=True, kw_only=True)
class Drawable(ABC):
    """A clip that can be drawn frame by frame, and the text of its caption.

    Attributes:
        size: width and height of a drawing in pixels, without its caption.
        title: name of the clip.
        fps: frames per second.
        glosses: glosses of the clip.
        spans: [start, end) of each gloss in frames; empty if unknown.
        palette: number of colours of an animation.
    """

    size: tuple[int, int]
    title: str = ""
    fps: float = 25.0
    glosses: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()

    palette: ClassVar[int] = 256

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def missing(self, frame: int) -> int:
        """The number of points that were not found in a frame."""

    @abstractmethod
    def drawing(self, frame: int):
        """One frame as a `PIL.Image` of the clip's `size`."""


def side_colour(name: str, middle: tuple[int, int, int] = MIDDLE) -> tuple[int, int, int]:
    """The colour of a point: blue on the signer's left, red on the right, `middle` elsewhere.

    >>> from slr_keras.data.drawable import LEFT, side_colour
    >>> side_colour("left_wrist") == LEFT
    True
    """
    if "left" in name:
        return LEFT
    return RIGHT if "right" in name else middle
