"""Videos as people have them: a file or folder alone, its length and times not known beforehand.

A data folder's manifest says how many pictures a clip has, how large and how fast; see `reading`.
Here the file itself must tell. Pictures come one after another and are never all in memory.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_npy
from slr_keras.data.rates import Shown, steady
from slr_keras.data.video.opening import decoded, opened, upright
from slr_keras.data.video.reading import PICTURES, picture_files, read_picture
from slr_keras.utils.errors import UserError

#: Suffixes by which a folder is searched; a file that is named itself may have any other.
VIDEOS = (
    *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
_BACKWARDS = 1  # seconds that times may fall back by before the clock was set anew
# FFmpeg draws plain text as a picture of a terminal.
_NO_VIDEOS = ("tty", "bin")


def is_recording(path: Path) -> bool:
    """Whether a file or folder is one clip, by its name: a video, `.npy`, or folder of pictures.

    Raises:
        UserError: a folder of both pictures and videos, in which a clip could be either.
    """
    if not path.is_dir():
        return path.suffix.lower() in (*VIDEOS, ".npy")
    files = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    pictures = [entry for entry in files if entry.suffix.lower() in PICTURES]
    videos = [entry for entry in files if entry.is_file() and is_recording(entry)]
    if pictures and videos:
        raise UserError(
            f"{path}: has both pictures ({pictures[0].name}) and videos ({videos[0].name}); "
            "name the videos themselves, or keep them apart"
        )
    return bool(pictures)


def is_readable(path: Path) -> bool:
    """Whether a file that the user names may be a clip: by its name, or since it opens as video."""
    if is_recording(path) or path.suffix.lower() in PICTURES:
        return True
    try:
        with opened(path) as container:
            return container.format.name not in _NO_VIDEOS
    except UserError:
        return False


def shown_in(path: Path, fps: float, given: float | None = None) -> Iterator[Shown]:
    """The pictures of a recording with their times.

    A video's pictures have the times that the file gives them, from its beginning on, which is
    before the first picture where sound begins earlier; other pictures are shown at a steady rate.

    Args:
        path: a video file, a `.npy` of uint8 `(frames, height, width[, 1, 3 or 4])`, a PNG or JPEG
            file, or a folder of those in the order of their names.
        fps: rate of what has no times.
        given: rate of the pictures, whatever the file says.

    Yields:
        `(height, width, 3)` uint8, RGB, upright; grey and alpha converted.

    Raises:
        UserError: missing, damaged, or no video; names the file.

    >>> import pathlib, tempfile, numpy as np
    >>> from slr_keras.data.video.recordings import shown_in
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder, "grey.npy"), np.zeros((2, 6, 8), np.uint8))
    ...     pictures = list(shown_in(pathlib.Path(folder, "grey.npy"), fps=25.0))
    >>> pictures[1].frame.shape, float(pictures[1].end)
    ((6, 8, 3), 0.08)
    """
    if path.is_dir():
        yield from steady(map(read_picture, picture_files(path)), given or fps)
    elif path.suffix.lower() in PICTURES:
        yield from steady([read_picture(path)], given or fps)
    elif path.suffix.lower() == ".npy":
        yield from steady(map(_coloured, _pictures(read_npy(path), path)), given or fps)
    else:
        with opened(path) as container:
            frames = decoded(container, path)
            if given is None:
                yield from _timed(container, frames, fps)
            else:
                yield from steady(map(upright, frames), given)


def _pictures(array: np.ndarray, path: Path) -> np.ndarray:
    """Refuse an array that is no video; adds the channels to one that is grey."""
    # (height, width, 3) is a picture and no video of 3 columns.
    grey = array.ndim == 3 and array.shape[-1] not in (3, 4)
    if grey:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or array.dtype != np.uint8:
        raise UserError(
            f"{path}: has shape {array.shape} of {array.dtype}, but video means "
            "(frames, height, width, 3) of uint8"
        )
    if not all(array.shape[1:]):
        raise UserError(f"{path}: has shape {array.shape}, which are pictures without pixels")
    return array


def _coloured(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture[..., :3]


def _timed(container, frames: Iterator, fps: float) -> Iterator[Shown]:
    """Pictures with the file's own times, put right where there are none or the clock jumps."""
    stream = container.streams.video[0]
    nominal = stream.average_rate or stream.guessed_rate
    gap = 1 / Fraction(nominal if nominal and 1 <= nominal <= 1000 else fps)
    origin = shift = None
    previous = None
    for frame in frames:
        stated = None if frame.pts is None else frame.pts * Fraction(frame.time_base)
        if origin is None:
            origin = shift = _beginning(container, stated or Fraction(0))
        time = None if stated is None else stated - shift
        if previous is not None:
            if time is None or time < previous.start - _BACKWARDS:
                shift = shift if stated is None else stated - (previous.start + gap)
                time = previous.start + gap
            # A picture that comes out of turn is not shown.
            time = max(time, previous.start)
            gap = time - previous.start or gap
            yield Shown(upright(previous.frame), previous.start, time)
        previous = Shown(frame, Fraction(0) if time is None else time, None)
    if previous is not None:
        own = (previous.frame.duration or 0) * Fraction(previous.frame.time_base or 0)
        yield Shown(upright(previous.frame), previous.start, previous.start + (own or gap))


def _beginning(container, first: Fraction) -> Fraction:
    """When the file begins, which is what players count from: its earliest picture or sound."""
    starts = [
        stream.start_time * Fraction(stream.time_base)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None
    ]
    # Sound before 0 is a codec's running-in and not heard.
    return min(first, max(min(starts, default=first), Fraction(0)))
