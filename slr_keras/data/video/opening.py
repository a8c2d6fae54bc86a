"""Opening and decoding video files, by FFmpeg through PyAV."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from slr_keras.data.video.pixels import library
from slr_keras.errors import UserError


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
    stream.thread_type = "AUTO"
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


def upright(frame) -> np.ndarray:
    """PyAV's frame as `(height, width, 3)` uint8, RGB, turned as the file says."""
    # Phones store upright video lying down, with the angle beside it: degrees, counter-clockwise.
    turns = round(frame.rotation / 90) % 4
    return np.rot90(frame.to_ndarray(format="rgb24"), turns)
