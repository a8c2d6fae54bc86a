"""Opening and decoding video files, by FFmpeg through PyAV."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from slr_keras.data.video.pixels import library
from slr_keras.utils.errors import UserError

SMALL_PICTURE = 640 * 480


def opened(path: Path):
    """A video file as PyAV's container.

    Raises:
        UserError: the file is missing, or not a video.
    """
    av = library("av", "reading video files")
    if not path.is_file():
        raise UserError(f"{path}: cannot be read (no such file or folder)")
    # Absolute, so that no name can be taken for one of FFmpeg's protocols ("concat:...").
    container = _guarded(path, lambda: av.open(str(path.absolute())))
    if not container.streams.video:
        container.close()
        raise UserError(f"{path}: has no video in it")
    return container


def decoded(container, path: Path) -> Iterator:
    """The pictures of an open video file as PyAV's frames, in the order they are shown.

    Raises:
        UserError: a picture is damaged.
    """
    stream = container.streams.video[0]
    # Threads of one decoder cost more than they give where pictures are small, and clips are read
    # side by side anyway.
    small = stream.width * stream.height <= SMALL_PICTURE
    stream.thread_type = "NONE" if small else "AUTO"
    frames = container.decode(stream)
    while (frame := _guarded(path, lambda: next(frames, None))) is not None:
        if frame.is_corrupt:
            raise UserError(f"{path}: a picture is damaged; restore the file or drop the clip")
        yield frame


def _guarded(path: Path, read: Callable):
    try:
        return read()
    # PyAV's errors share no base class with other libraries' and vary with the damage.
    except Exception as error:
        what = f"truncated, or not a video ({error})"
        raise UserError(f"{path}: {what}; restore it or drop the clip") from error


def colour_converter():
    """What turns the pictures of one file into RGB; each made anew costs as much as it does."""
    return library("av.video.reformatter", "reading video files").VideoReformatter()


def upright(frame, converter=None) -> np.ndarray:
    """PyAV's frame as `(height, width, 3)` uint8, RGB, turned as the file says.

    Args:
        frame: of `decoded`.
        converter: of `colour_converter`, for many pictures of one file; the result is the same.
    """
    # Phones store upright video lying down, with the angle beside it: degrees, counter-clockwise.
    turns = round(frame.rotation / 90) % 4
    if converter is not None:
        frame = converter.reformat(frame, format="rgb24")
    return np.rot90(frame.to_ndarray(format="rgb24"), turns)
