"""Times of a clip's frames, for recordings whose rate varies."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from slr_keras.data.rates import Shown, at_rate, frames_at_rate, indices_at_rate
from slr_keras.utils.errors import UserError

# Largest number of units of time in a second.
_FINEST = 2**31
_LARGEST = 2**53


@dataclass(frozen=True)
class Times:
    """Until when each frame of a clip is shown; the first is shown from time 0.

    Attributes:
        per_second: number of units of time in a second.
        ends: end of each frame's display, in these units; ascending.

    >>> from slr_keras.data.times import Times
    >>> slowing = Times(100, (4, 8, 16, 24))
    >>> slowing.indices(25.0).tolist()
    [0, 1, 2, 2, 3, 3]
    """

    per_second: int
    ends: tuple[int, ...]

    @classmethod
    def exact(cls, ends: Sequence[Fraction]) -> "Times":
        """Times given in seconds; only denominators of more than 31 bits are rounded."""
        common = math.lcm(*(end.denominator for end in ends))
        unit = common if common <= _FINEST else 1_000_000
        return cls(unit, tuple(round(end * unit) for end in ends))

    @classmethod
    def from_json(cls, value: Any, frames: int, where: str) -> "Times":
        """Read the times of a manifest's line.

        Args:
            value: `{"per_second": 1000, "ends": [40, 80]}`.
            frames: number of frames of the clip.
            where: file, line and sample, for messages.

        Raises:
            UserError: the value is something else, or has another number of frames.
        """
        value = value if isinstance(value, dict) else {}
        unit, ends = value.get("per_second"), value.get("ends")
        whole = type(unit) is int and isinstance(ends, list) and all(type(e) is int for e in ends)
        if not whole or not 0 < unit <= _FINEST or len(ends) != frames or not ends:
            raise UserError(
                f"{where}: 'frame_times' must be {{'per_second': UNITS, 'ends': [...]}} with a "
                f"whole number for each of the {frames} frames"
            )
        if ends[0] < 0 or not 0 < ends[-1] < _LARGEST or sorted(ends) != ends:
            raise UserError(f"{where}: 'ends' of 'frame_times' must ascend, from 0")
        return cls(unit, tuple(ends))

    def to_json(self) -> dict[str, Any]:
        """Convert to the value of a manifest's line."""
        return {"per_second": self.per_second, "ends": list(self.ends)}

    def shown(self, frames: Iterable[Any]) -> Iterator[Shown]:
        """Give the clip's frames their times."""
        bounds = (Fraction(end, self.per_second) for end in (0, *self.ends))
        for frame, (start, end) in zip(frames, itertools.pairwise(bounds)):
            yield Shown(frame, start, end)

    def indices(self, target: float) -> np.ndarray:
        """Indices of the frames that `at_rate` selects for a rate, `(frames,)` int64, ascending.

        Raises:
            UserError: a frame lasts longer than the limit of frames allows.
        """
        return np.array(list(at_rate(self.shown(range(len(self.ends))), target)), np.int64)

    def part(self, first: int, end: int) -> "Times":
        """Times of the frames [first, end), from the start of the first one."""
        start = self.ends[first - 1] if first else 0
        return Times(self.per_second, tuple(unit - start for unit in self.ends[first:end]))


def clip_indices(sample, rate: float, target: float) -> np.ndarray:
    """Indices of a sample's frames at a rate, by its own times or its constant rate.

    Args:
        sample: a `Sample`.
        rate: constant frames per second, for a sample without times.
        target: frames per second of the result.
    """
    if sample.times is not None:
        return sample.times.indices(target)
    return indices_at_rate(sample.frames, rate, target)


def clip_length(sample, rate: float, target: float) -> int:
    """Number of frames of a sample at a rate; see `clip_indices`."""
    if sample.times is not None:
        return len(sample.times.indices(target))
    return frames_at_rate(sample.frames, rate, target)


def steady_rate(ends: Sequence[Fraction], rates: Iterable[float], target: float) -> float | None:
    """The first constant rate that shows the same frames at the same times; None if there is none.

    Args:
        ends: end of each frame's display in seconds, the first frame being shown from time 0.
        rates: candidates, in frames per second.
        target: frames per second at which the selected frames must be the same.
    """
    chosen = Times.exact(ends).indices(target).tolist() if ends else []
    for rate in rates:
        little = Fraction(_LITTLE) / Fraction(rate)
        near = all(abs(end - (n + 1) / Fraction(rate)) < little for n, end in enumerate(ends))
        if near and indices_at_rate(len(ends), rate, target).tolist() == chosen:
            return rate
    return None


# Part of a frame's duration by which times may differ from those of a constant rate.
_LITTLE = 1 / 4
