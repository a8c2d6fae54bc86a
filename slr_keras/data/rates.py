"""Resample clips to the constant frame rate of a model.

A picture is shown from its own time until that of the next picture. Frame n of the result is the
picture shown at (n + 1/2) / rate, the middle of the frame's interval. The error in time is thus at
most half a frame, even if the camera varied its rate.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.limits import FRAMES

#: Longest duration of one frame in seconds that phones accept, as bundles state it.
LONGEST_STILL = 60
#: Limits of a clip's frame rate in frames per second; other rates are mistakes.
LOWEST_RATE, HIGHEST_RATE = 1.0, 1000.0


class Shown(NamedTuple):
    """A frame with the start and the end of its display in seconds, as exact fractions."""

    frame: Any
    start: Fraction
    end: Fraction


def steady(frames: Iterable[Any], fps: float) -> Iterator[Shown]:
    """Give frames of a constant rate their times.

    Raises:
        UserError: the rate is not positive.

    >>> from slr_keras.data.rates import steady
    >>> [float(shown.end) for shown in steady("ab", 25.0)]
    [0.04, 0.08]
    """
    _require_positive(fps)
    period = 1 / Fraction(fps)
    for place, frame in enumerate(frames):
        yield Shown(frame, place * period, (place + 1) * period)


def at_rate(shown: Iterable[Shown], fps: float) -> Iterator[Any]:
    """Resample a clip to another rate by dropping or repeating frames.

    D seconds give round(D fps) frames, at least one. The first frame counts as shown from time 0. A
    frame may be shown for any time, such as the slides of a screen recording, up to the limit of
    frames (`slr_keras.utils.limits`).

    Args:
        shown: frames in the order of their times.
        fps: frames per second of the result.

    Raises:
        UserError: one frame would be repeated more often than the limit.

    >>> from slr_keras.data.rates import at_rate, steady
    >>> "".join(at_rate(steady("abcdef", 50), 25)), "".join(at_rate(steady("abc", 25), 50))
    ('bdf', 'aabbcc')
    """
    rate = Fraction(fps)
    given, latest = 0, None
    for latest in shown:
        since = latest.start if given else 0
        _require_few(since, latest.end, rate)
        while 2 * given + 1 < 2 * rate * latest.end:
            yield latest.frame
            given += 1
    if latest is not None:
        for _ in range(max(round(latest.end * rate), 1) - given):
            yield latest.frame


def frames_at_rate(frames: int, fps: float, target: float) -> int:
    """Number of frames that `at_rate` makes from a clip of constant rate.

    Args:
        frames: number of frames in the file.
        fps: frames per second of the file.
        target: frames per second of the result.

    >>> from slr_keras.data.rates import frames_at_rate
    >>> frames_at_rate(80, 60, 30), frames_at_rate(3, 25, 50), frames_at_rate(1, 50, 25)
    (40, 6, 1)
    """
    if fps == target or not frames:
        return frames
    return max(round(frames * Fraction(target) / Fraction(fps)), 1)


def indices_at_rate(frames: int, fps: float, target: float) -> np.ndarray:
    """Indices of the frames that `at_rate` selects from a clip of constant rate.

    Args:
        frames: number of frames in the file.
        fps: frames per second of the file.
        target: frames per second of the result.

    Returns:
        `(frames_at_rate(frames, fps, target),)` int64, ascending.

    Raises:
        UserError: the rate is not positive, or there are more frames than the limit.

    >>> from slr_keras.data.rates import indices_at_rate
    >>> indices_at_rate(6, 50, 25).tolist(), indices_at_rate(3, 25, 50).tolist()
    ([1, 3, 5], [0, 0, 1, 1, 2, 2])
    """
    _require_positive(fps)
    if fps == target:
        return np.arange(frames)
    FRAMES.require(
        frames_at_rate(frames, fps, target), f"a clip of {frames} frames at {fps:g} per second"
    )
    # The frame shown at (n + 1/2) / target has the number floor((2 n + 1) fps / (2 target)).
    ratio = Fraction(fps) / Fraction(target)
    above, below = ratio.numerator, 2 * ratio.denominator
    numbers = [(2 * n + 1) * above // below for n in range(frames_at_rate(frames, fps, target))]
    return np.minimum(np.array(numbers, np.int64), frames - 1)


def require_rate(fps: float, where: str, advice: str) -> None:
    """Refuse an implausible frame rate.

    Args:
        fps: frames per second.
        where: the clip, for the message.
        advice: how to correct the rate.

    Raises:
        UserError: the rate is not from 1 to 1000 frames per second.
    """
    if not LOWEST_RATE <= fps <= HIGHEST_RATE:
        raise UserError(
            f"{where}: its frame rate is {fps:g}; it must be {LOWEST_RATE:g} to "
            f"{HIGHEST_RATE:g} frames per second; {advice}"
        )


def _require_positive(fps: float) -> None:
    # Every comparison with NaN is false.
    if not 0 < fps < float("inf"):
        raise UserError(f"a clip's frame rate is {fps}; give frames per second above 0")


def _require_few(start: Fraction, end: Fraction, rate: Fraction) -> None:
    if (end - start) * rate > FRAMES.value:
        seconds = f"one frame lasts {float(end - start):.0f} seconds"
        raise FRAMES.exceeded(
            f"{float((end - start) * rate):,.0f} frames at {float(rate):g} per second are",
            f"{seconds}, from second {float(start):.0f} on (--fps replaces damaged times)",
        )
