"""Sample a fixed number of frames from a clip of any length (docs/papers/stepnet.md §2.2)."""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.sampling import REDUCTION, check_frames
from slr_keras.utils.errors import UserError

RULES = ("segments", "tsn", "consecutive")


def centres(frames: int, count: int) -> np.ndarray:
    """Centre frames of `count` equal segments of a clip, ascending: floor(n / 2T + k n / T).

    >>> from slr_keras.data.segments import centres
    >>> centres(12, 4).tolist(), centres(3, 4).tolist()
    ([1, 4, 7, 10], [0, 1, 1, 2])
    """
    # Integer arithmetic, because rounding of k n / T could move a bound.
    return (2 * np.arange(count) + 1) * frames // (2 * count)


@dataclass(frozen=True)
class Segments:
    """Rule for sampling T frames from a clip of n frames.

    Segment k of a clip is [k n / T, (k + 1) n / T), k = 0 .. T - 1, with real bounds. Training
    draws one frame from each segment, so every frame of the clip can be drawn. Evaluation uses the
    centres of the segments. In a clip shorter than T, segments share frames.

    Attributes:
        count: T, a multiple of 4.
        rule: sampling in training. "segments": one frame from each segment. "tsn" (for comparison):
            segments of n // T frames, which excludes the last n mod T frames, and gives only frame
            0 if n < T. "consecutive": T consecutive frames; in evaluation, those in the middle.

    Raises:
        UserError: the count is not a multiple of 4, or the rule does not exist.

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
        """Frame numbers for evaluation.

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
        """Draw the frame numbers for training.

        Args:
            rng: random generator of the clip.
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
