"""Frames with their moments, as a phone's camera gives them."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from slr_keras.data.rates import Shown


def until_next(moments: Iterable[tuple[Any, Fraction]], fps: float) -> Iterator[Shown]:
    """Each frame is shown until the next one; the last for one frame of the rate.

    Args:
        moments: frames with the moment of each in seconds, ascending.
        fps: frames per second.
    """
    start = begin = None
    held = None
    for frame, now in moments:
        if begin is None:
            begin = now
        else:
            yield Shown(held, start - begin, now - begin)
        held, start = frame, now
    yield Shown(held, start - begin, start - begin + 1 / Fraction(fps))
