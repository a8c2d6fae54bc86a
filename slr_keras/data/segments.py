"""A fixed number of frames of a clip, however long it is (specs/stepnet.md §2.2)."""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.sampling import REDUCTION, check_frames
from slr_keras.utils.errors import UserError

RULES = ("segments", "tsn", "consecutive")


def centres(frames: int, count: int) -> np.ndarray:
    """The middle frames of `count` equal parts of a clip, ascending: floor(n / 2T + k n / T).

    >>> from slr_keras.data.segments import centres
    >>> centres(12, 4).tolist(), centres(3, 4).tolist()
    ([1, 4, 7, 10], [0, 1, 1, 2])
    """
    # In whole numbers: no rounding of k n / T can move a bound.
    return (2 * np.arange(count) + 1) * frames // (2 * count)


@dataclass(frozen=True)
class Segments:
    """How T frames are taken out of n.

    Segment k of a clip is [k n / T, (k + 1) n / T), k = 0 .. T - 1, of real bounds. Training draws
    in every segment, so that each frame of the clip has a chance; evaluation takes the centres.
    A clip shorter than T has the same frame in several segments.

    Attributes:
        count: T, a multiple of 4.
        rule: of training. "segments": one frame of each segment. "tsn": segments of the whole
            length n // T, which never shows the last n mod T frames, and frame 0 alone where n is
            less than T; for comparison. "consecutive": T frames in a row, in evaluation those in
            the middle.

    Raises:
        UserError: another count or rule.

    >>> from slr_keras.data.segments import Segments
    >>> Segments(8).centres(20).tolist(), Segments(8).centres(3).tolist()
    ([1, 3, 6, 8, 11, 13, 16, 18], [0, 0, 0, 1, 1, 2, 2, 2])
    """

    count: int
    rule: str = "segments"

    def __post_init__(self) -> None:
        if self.count < REDUCTION or self.count % REDUCTION:
            raise UserError(
                f"clip_frames is {self.count}; it must be a positive multiple of {REDUCTION}, or 0 "
                "for all frames"
            )
        if self.rule not in RULES:
            raise UserError(f"clip_sampling is {self.rule!r}; choose one of {', '.join(RULES)}")

    def centres(self, frames: int) -> np.ndarray:
        """The frames of evaluation.

        Args:
            frames: length of the clip, n.

        Returns:
            `(count,)` int64, ascending, from 0.

        Raises:
            UserError: the clip has no frames.
        """
        check_frames(frames)
        if self.rule == "consecutive" and frames >= self.count:
            return (frames - self.count) // 2 + np.arange(self.count)
        return centres(frames, self.count)

    def drawn(self, rng: np.random.Generator, frames: int) -> np.ndarray:
        """Draw the frames of training.

        Args:
            rng: the clip's generator.
            frames: length of the clip, n.

        Returns:
            `(count,)` int64, ascending, from 0.

        Raises:
            UserError: the clip has no frames.

        >>> import numpy as np
        >>> from slr_keras.data.segments import Segments
        >>> Segments(4).drawn(np.random.default_rng(0), 8).tolist()
        [1, 3, 5, 6]
        """
        check_frames(frames)
        places = np.arange(self.count)
        if self.rule == "tsn":
            length = frames // self.count
            return places * length + rng.integers(0, max(length, 1), self.count)
        if self.rule == "consecutive" and frames >= self.count:
            return rng.integers(0, frames - self.count, endpoint=True) + places
        first, end = places * frames // self.count, (places + 1) * frames // self.count
        return rng.integers(first, np.maximum(end, first + 1))
