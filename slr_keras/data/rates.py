"""Time: frames that are shown at any moments become frames at a model's steady rate.

A picture is shown from its own moment until the next one's. Frame n of the result is what was
shown at (n + 1/2) / rate, the middle of its own time, so that no frame is earlier or later than it
was by more than half a frame, however the camera varied its rate.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from slr_keras.utils.errors import UserError

#: Seconds that one picture may last; beyond this, times are damaged and not meant.
LONGEST_STILL = 60


class Shown(NamedTuple):
    """A frame, and from when to when it is shown: exact seconds."""

    frame: Any
    start: Fraction
    end: Fraction


def steady(frames: Iterable[Any], fps: float) -> Iterator[Shown]:
    """Frames that are shown one after the other for equal times.

    Raises:
        UserError: a rate that is not positive.

    >>> from slr_keras.data.rates import steady
    >>> [float(shown.end) for shown in steady("ab", 25.0)]
    [0.04, 0.08]
    """
    # Every comparison with NaN is false.
    if not 0 < fps < float("inf"):
        raise UserError(f"a clip's frame rate is {fps}; give frames per second above 0")
    period = 1 / Fraction(fps)
    for place, frame in enumerate(frames):
        yield Shown(frame, place * period, (place + 1) * period)


def at_rate(shown: Iterable[Shown], fps: float) -> Iterator[Any]:
    """The frames of a clip at another rate: dropped or repeated, at least one.

    Of D seconds come round(D fps) frames. What is shown first is shown from 0 on.

    Args:
        shown: in the order of their times.
        fps: frames a second to give.

    Raises:
        UserError: one frame lasts longer than a minute.

    >>> from slr_keras.data.rates import at_rate, steady
    >>> "".join(at_rate(steady("abcdef", 50), 25)), "".join(at_rate(steady("abc", 25), 50))
    ('bdf', 'aabbcc')
    """
    rate = Fraction(fps)
    given, latest = 0, None
    for latest in shown:
        since = latest.start if given else 0
        if latest.end - since > LONGEST_STILL:
            raise UserError(
                f"one frame lasts {float(latest.end - since):.0f} seconds, from second "
                f"{float(since):.0f} on; the times in the file are damaged: pass --fps"
            )
        while 2 * given + 1 < 2 * rate * latest.end:
            yield latest.frame
            given += 1
    if latest is not None:
        for _ in range(max(round(latest.end * rate), 1) - given):
            yield latest.frame
