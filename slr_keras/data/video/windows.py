"""A few pictures out of the midst of a long video file, by their numbers."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from slr_keras.data.video.opening import decoded, opened, upright
from slr_keras.utils.errors import UserError

# Pictures that are sooner decoded than jumped over.
_NEAR = 100
# Part of a picture's time by which rounded times may be off.
_OFF = Fraction(1, 4)


def window_frames(
    path: Path, first: int, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Pictures of a window of a video file, from a key picture before it on.

    Where the file's pictures come at a steady rate, their times give their numbers; else all of
    the file before the window is decoded.

    Args:
        path: the file.
        first: number of the window's first picture in the file.
        frames: pictures in the window.
        wanted: numbers within the window, ascending and each once.

    Yields:
        the path, and `(height, width, 3)` uint8, RGB, upright.

    Raises:
        UserError: the file is missing, damaged, or ends before the window does.
    """
    chosen, last = {first + number for number in wanted}, first + frames - 1
    number = -1
    for number, frame in _numbered(path, first):
        if number in chosen:
            yield path, upright(frame)
        if number == last:
            return
    require_end(number + 1, last + 1, path)


def require_end(found: int, end: int, path: Path) -> None:
    """Refuse a window that goes on beyond the video.

    Raises:
        UserError: names the file and both numbers.
    """
    if end > found:
        raise UserError(
            f"{path}: has {found} frames, but the clip ends behind frame {end - 1}; correct "
            "'video_start' and 'frames', or restore the missing ones"
        )


def _numbered(path: Path, first: int) -> Iterator[tuple[int, object]]:
    """Decoded pictures with their numbers in the file; the earliest is at or before `first`."""
    if first > _NEAR:
        with opened(path) as container:
            pictures = _jumped(container, path, first)
            start = next(pictures, None)
            if start is not None:
                yield start
                yield from pictures
                return
    with opened(path) as container:
        yield from enumerate(decoded(container, path))


def _jumped(container, path: Path, first: int) -> Iterator[tuple[int, object]]:
    """As `_numbered`, by a jump; nothing where it cannot be told where that leads."""
    stream = container.streams.video[0]
    rate, origin = stream.average_rate, stream.start_time
    if not rate or rate != stream.base_rate or origin is None:
        return
    period = 1 / (Fraction(rate) * stream.time_base)
    container.seek(origin + int(first * period), stream=stream)
    number = None
    for frame in decoded(container, path):
        # Pictures before the key picture may refer to some that were jumped over.
        if number is None and not frame.key_frame:
            continue
        place = None if frame.pts is None else (frame.pts - origin) / period
        steady = place is not None and abs(place - round(place)) <= _OFF
        if number is None and (not steady or round(place) > first):
            return
        if not steady or number not in (None, round(place) - 1):
            raise UserError(
                f"{path}: its pictures do not come at a steady rate around frame {number}; "
                "convert it to one, such as by `ffmpeg -i IN -vf fps=25 OUT`"
            )
        number = round(place)
        yield number, frame
