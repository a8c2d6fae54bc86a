"""Read recordings without a manifest: single video files, arrays and folders of pictures.

In a data folder, the manifest states number, size and rate of a clip's pictures; see `reading`. For
recordings, length and times come from the file. Pictures are read one after another.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_npy
from slr_keras.data.rates import Shown, steady
from slr_keras.data.video.opening import Video, is_video
from slr_keras.data.video.reading import PICTURES, picture_files, read_picture
from slr_keras.utils.errors import UserError
from slr_keras.utils.limits import FRAMES

#: Suffixes of videos in searched folders; a file that the user gives may have any suffix.
VIDEOS = (
    *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
_BACKWARDS = 1  # seconds that times may go back; beyond this, the clock of the file was reset
# Frames per second by which the limit of frames bounds the duration of a recording.
_USUAL_RATE = 25


def is_recording(path: Path) -> bool:
    """Whether a path is one clip: a video or `.npy` file by its suffix, or a folder of pictures.

    Raises:
        UserError: a folder has both pictures and videos, so that its clips are ambiguous.
    """
    if not path.is_dir():
        return path.suffix.lower() in (*VIDEOS, ".npy")
    files = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    pictures = [entry for entry in files if entry.suffix.lower() in PICTURES]
    videos = [entry for entry in files if entry.is_file() and is_recording(entry)]
    if pictures and videos:
        raise UserError(
            f"{path}: has both pictures ({pictures[0].name}) and videos ({videos[0].name}); "
            "give the videos themselves, or move them to another folder"
        )
    return bool(pictures)


def is_readable(path: Path) -> bool:
    """Whether a file that the user gave may be a clip, by its name or because it opens as video."""
    return is_recording(path) or path.suffix.lower() in PICTURES or is_video(path)


def shown_in(path: Path, fps: float, given: float | None = None) -> Iterator[Shown]:
    """Yield the pictures of a recording with their times.

    The pictures of a video file have the times of the file, from its beginning, which precedes the
    first picture if sound begins earlier. Other pictures have a constant rate.

    Args:
        path: a video file, a `.npy` of uint8 `(frames, height, width[, 1, 3 or 4])`, a PNG or JPEG
            file, or a folder of those in the order of their names.
        fps: frames per second of recordings without times.
        given: frames per second that replace the times of the file.

    Yields:
        `(height, width, 3)` uint8, RGB, upright; grey and alpha are converted.

    Raises:
        UserError: the recording is missing, damaged, or not a video; names the file.

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
        with Video(path) as video:
            if given is None:
                for one in timed(video, fps):
                    yield one._replace(frame=video.upright(one.frame))
            else:
                yield from steady(map(video.upright, video.frames()), given)


def _pictures(array: np.ndarray, path: Path) -> np.ndarray:
    """Refuse an array that is not a video; add a channel to grey pictures."""
    # (height, width, 3) is one picture, not a video of width 3.
    grey = array.ndim == 3 and array.shape[-1] not in (3, 4)
    if grey:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or array.dtype != np.uint8:
        raise UserError(
            f"{path}: has shape {array.shape} of {array.dtype}, but video must be "
            "(frames, height, width, 3) of uint8"
        )
    if not all(array.shape[1:]):
        raise UserError(f"{path}: has shape {array.shape}, so its pictures have no pixels")
    return array


def _coloured(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture, 3, -1) if picture.shape[-1] == 1 else picture[..., :3]


def timed(video: Video, fps: float) -> Iterator[Shown]:
    """Yield the pictures of an open video as PyAV frames, with the times at which they are shown.

    Times count from the beginning of the file, which precedes the first picture if sound begins
    earlier. Missing times are filled in, and a clock that was set back continues.

    Args:
        video: the open file.
        fps: frames per second if the file states neither times nor a plausible rate.

    Raises:
        UserError: a picture is damaged, or the recording is longer than the limit of frames allows.
    """
    nominal = video.stream.average_rate or video.stream.guessed_rate
    gap = 1 / Fraction(nominal if nominal and 1 <= nominal <= 1000 else fps)
    origin = shift = None
    previous = None
    unit = Fraction(video.stream.time_base or 1)
    for frame in video.frames():
        stated = None if frame.pts is None else frame.pts * Fraction(frame.time_base or unit)
        if origin is None:
            origin = shift = _beginning(video, stated or Fraction(0))
        time = None if stated is None else stated - shift
        if previous is not None:
            if time is None or time < previous.start - _BACKWARDS:
                shift = shift if stated is None else stated - (previous.start + gap)
                time = previous.start + gap
            # A picture that is out of order is shown for no time.
            time = max(time, previous.start)
            gap = time - previous.start or gap
            yield _bounded(previous._replace(end=time), video.path)
        previous = Shown(frame, Fraction(0) if time is None else time, None)
    if previous is not None:
        own = (previous.frame.duration or 0) * Fraction(previous.frame.time_base or 0)
        yield _bounded(previous._replace(end=previous.start + (own or gap)), video.path)


def packet_ends(video: Video) -> list[Fraction] | None:
    """End of the display of each picture of an open video in seconds, by its packets.

    Nothing is decoded. Packets need not be pictures: compare the number.

    Returns:
        None if the packets state no times.
    """
    packets = [packet for packet in video.packets() if not packet.is_discard]
    base = Fraction(video.stream.time_base)
    if not packets or any(packet.pts is None for packet in packets):
        return None
    packets.sort(key=lambda packet: packet.pts)
    starts = [packet.pts * base for packet in packets]
    origin = _beginning(video, starts[0])
    gap = starts[-1] - starts[-2] if len(starts) > 1 else Fraction(0)
    last = starts[-1] + ((packets[-1].duration or 0) * base or gap)
    return [time - origin for time in (*starts[1:], last)]


def _bounded(shown: Shown, path: Path) -> Shown:
    """Refuse a recording that is so long that its times must be damaged."""
    if shown.end * _USUAL_RATE > FRAMES.value:
        frames = round(shown.end * _USUAL_RATE)
        raise FRAMES.exceeded(
            f"lasts {float(shown.end):,.0f} seconds or more by its times, and {frames:,} frames at "
            f"{_USUAL_RATE} per second are",
            path,
        )
    return shown


def _beginning(video: Video, first: Fraction) -> Fraction:
    """Beginning of the file, from which players count: its first picture or earlier sound."""
    starts = [
        stream.start_time * Fraction(stream.time_base)
        for stream in video.container.streams.audio
        if stream.start_time is not None and stream.time_base
    ]
    # Sound before 0 is the codec's priming and is not played.
    return min(first, max(min(starts, default=first), Fraction(0)))
