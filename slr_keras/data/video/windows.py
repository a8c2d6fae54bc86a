"""Read a few pictures from the middle of a long video file, by their numbers.

The number of a picture is its place in the order in which the whole file is decoded. After a seek,
the number follows from the time of the picture: the times of all packets of the file, in ascending
order, are the times of the pictures if each packet holds one picture. Where that is not certain,
the file is decoded from its beginning.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.video.opening import Video
from slr_keras.utils.errors import UserError

# Number of pictures up to which decoding is faster than seeking.
_NEAR = 100
# Formats that store the time at which a picture is shown, and codecs of one picture per packet.
_TIMED_FORMATS = ("mov", "matroska", "mpegts")
_ALONE = ("mjpeg", "prores", "dnxhd", "ffv1")
_ONE_BY_ONE = ("h264", "hevc", "vp9", "av1", "libdav1d", *_ALONE)
# Number of the first pictures whose times are compared with those of the packets.
_COMPARED = 8
# Numbers of pictures by which a seek goes further back; key frames are sought by the time at which
# they are decoded, which may precede the time at which they are shown.
_EARLIER = (0, 16)
# Number of files whose times are kept.
_KEPT = 64


def window_frames(
    path: Path, first: int, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Yield pictures of a window of a video file, decoded from the preceding key frame if possible.

    Args:
        path: the file.
        first: number of the window's first picture in the file.
        frames: number of pictures in the window.
        wanted: numbers within the window, ascending and unique.

    Yields:
        The path, and `(height, width, 3)` uint8, RGB, as players show it.

    Raises:
        UserError: the file is missing or damaged, or ends before the window.
    """
    chosen, last = {first + number for number in wanted}, first + frames - 1
    number = -1
    for number, picture in _numbered(path, first, chosen):
        if picture is not None:
            yield path, picture
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


def _numbered(path: Path, first: int, chosen: set[int]) -> Iterator[tuple[int, np.ndarray | None]]:
    """Numbers of the pictures, starting at or before `first`, and those that are chosen."""
    done = -1
    places = _places(path) if first > _NEAR else {}
    for earlier in _EARLIER if places else ():
        with Video(path) as video:
            for number, frame in _after_seek(video, first, places, earlier):
                done = number
                yield number, video.upright(frame) if number in chosen else None
        if done == len(places) - 1:
            return
        if done >= 0:
            break
    # From the beginning, if there was no seek or it led to pictures of unknown number.
    with Video(path) as video:
        for number, frame in enumerate(video.frames(limited=False)):
            if number > done:
                yield number, video.upright(frame) if number in chosen else None


def _after_seek(
    video: Video, first: int, places: dict[int, int], earlier: int
) -> Iterator[tuple[int, object]]:
    """Decoded pictures with their numbers, after seeking; ends where a number is not certain."""
    target = max(min(first, len(places) - 1) - earlier, 0)
    video.seek(next(itertools.islice(places, target, None)))
    number = None
    for frame in video.frames(limited=False):
        # Pictures before the key frame may depend on pictures that were skipped.
        if number is None and not frame.key_frame:
            continue
        place = places.get(frame.pts)
        expected = number is None and place is not None and place <= first
        if not expected and (number is None or place != number + 1):
            return
        number = place
        yield number, frame


def _places(path: Path) -> dict[int, int]:
    """Number of every picture by its time; empty if seeks in this file cannot be trusted."""
    state = path.stat() if path.exists() else None
    return _read_places(path, state and (state.st_mtime_ns, state.st_size))


@functools.lru_cache(_KEPT)
def _read_places(path: Path, _: object) -> dict[int, int]:
    with Video(path) as video:
        timed = video.container.format.name.startswith(_TIMED_FORMATS)
        # Without times of display, pictures must be shown in the order in which they are decoded.
        if video.stream.name not in (_ONE_BY_ONE if timed else _ALONE):
            return {}
        times = [packet.pts for packet in video.packets() if not packet.is_discard]
    if None in times or len(set(times)) < len(times):
        return {}
    places = {time: place for place, time in enumerate(sorted(times))}
    with Video(path) as video:
        for place, frame in zip(range(_COMPARED), video.frames(limited=False)):
            if places.get(frame.pts) != place:
                return {}
    return places
