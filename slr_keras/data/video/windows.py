"""Read a few pictures from the middle of a long video file, by their numbers."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from slr_keras.data.video.opening import decoded, opened, upright
from slr_keras.utils.errors import UserError

# Number of pictures up to which decoding is faster than seeking.
_NEAR = 100
# Tolerance of rounded times, as a fraction of the duration of a picture.
_OFF = Fraction(1, 4)


def window_frames(
    path: Path, first: int, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Yield pictures of a window of a video file, decoded from the preceding key frame.

    If the pictures have a constant rate, their times give their numbers. Otherwise the file is
    decoded from its beginning.

    Args:
        path: the file.
        first: number of the window's first picture in the file.
        frames: number of pictures in the window.
        wanted: numbers within the window, ascending and unique.

    Yields:
        The path, and `(height, width, 3)` uint8, RGB, upright.

    Raises:
        UserError: the file is missing or damaged, or ends before the window.
    """
    chosen, last = {first + number for number in wanted}, first + frames - 1
    number = -1
    for number, frame in _numbered(path, first):
        if number in chosen:
            yield path, upright(frame)
        if number == last:
            return
    require_end(number + 1, last + 1, path)


def require_end(actual: int, end: int, path: Path) -> None:
    """Refuse a window that ends beyond the video.

    Args:
        actual: number of pictures in the video.
        end: number of the frame after the last one of the window.
        path: file or folder, for the message.

    Raises:
        UserError: the window ends beyond the video; names the file and both numbers.
    """
    if end > actual:
        raise UserError(
            f"{path}: has {actual} frames, but the clip ends after frame {end - 1}; correct "
            "'video_start' and 'frames', or restore the missing ones"
        )


def _numbered(path: Path, first: int) -> Iterator[tuple[int, object]]:
    """Decoded pictures with their numbers in the file, starting at or before `first`."""
    if first > _NEAR:
        with opened(path) as container:
            pictures = _after_seek(container, path, first)
            start = next(pictures, None)
            if start is not None:
                yield start
                yield from pictures
                return
    with opened(path) as container:
        yield from enumerate(decoded(container, path))


def _after_seek(container, path: Path, first: int) -> Iterator[tuple[int, object]]:
    """As `_numbered`, after seeking; empty if the numbers after the seek cannot be determined."""
    stream = container.streams.video[0]
    rate, origin = stream.average_rate, stream.start_time
    if not rate or rate != stream.base_rate or origin is None:
        return
    period = 1 / (Fraction(rate) * stream.time_base)
    container.seek(origin + int(first * period), stream=stream)
    number = None
    for frame in decoded(container, path):
        # Pictures before the key frame may depend on pictures that were skipped.
        if number is None and not frame.key_frame:
            continue
        place = None if frame.pts is None else (frame.pts - origin) / period
        steady = place is not None and abs(place - round(place)) <= _OFF
        if number is None and (not steady or round(place) > first):
            return
        if not steady or number not in (None, round(place) - 1):
            raise UserError(
                f"{path}: its pictures do not have a constant rate around frame {number}; convert "
                "the file, for example with `ffmpeg -i IN -vf fps=25 OUT`"
            )
        number = round(place)
        yield number, frame
