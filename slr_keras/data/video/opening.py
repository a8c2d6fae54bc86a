"""Open and decode video files with FFmpeg through PyAV."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slr_keras.data.video.pixels import library
from slr_keras.utils.errors import UserError

SMALL_PICTURE = 640 * 480
# Largest relative difference between average and base rate of a constant rate.
_LITTLE = 0.05


def opened(path: Path):
    """Open a video file as a container of PyAV.

    Raises:
        UserError: the file is missing or not a video.
    """
    av = library("av", "reading video files")
    if not path.is_file():
        raise UserError(f"{path}: cannot be read (no such file or folder)")
    # Absolute, so that no name is interpreted as a protocol of FFmpeg ("concat:...").
    container = _guarded(path, lambda: av.open(str(path.absolute())))
    if not container.streams.video:
        container.close()
        raise UserError(f"{path}: has no video stream; give a video file")
    return container


class Stated(NamedTuple):
    """What a video file states of itself.

    Attributes:
        frames: number of pictures; 0 if unknown.
        fps: frames per second; None if unknown. The average, or the base rate of the file where the
            two differ little, as for a last picture that is shown longer.
    """

    frames: int
    fps: Fraction | None


def stated(path: Path) -> Stated:
    """Number and rate of a video file's pictures as the file states them; nothing is decoded.

    Raises:
        UserError: the file is missing or not a video.
    """
    with opened(path) as container:
        stream = container.streams.video[0]
        fps, base = stream.average_rate or stream.guessed_rate or None, stream.base_rate
        if fps and base and abs(base / fps - 1) < _LITTLE:
            fps = base
        frames = stream.frames
        if not frames and fps and container.duration:
            # The duration of a container is in microseconds.
            frames = round(container.duration * fps / 1_000_000)
        return Stated(frames, fps)


def decoded(container, path: Path) -> Iterator:
    """Yield the pictures of an open video file as PyAV frames, in display order.

    Raises:
        UserError: a picture is damaged.
    """
    stream = container.streams.video[0]
    # For small pictures, threads of a decoder cost more than they gain, and clips are read in
    # parallel anyway.
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
    # PyAV's errors have no common base class and depend on the damage.
    except Exception as error:
        what = f"truncated, or not a video ({error})"
        raise UserError(f"{path}: {what}; restore it or drop the clip") from error


def colour_converter():
    """A converter to RGB for the pictures of one file; its creation is as slow as a conversion."""
    return library("av.video.reformatter", "reading video files").VideoReformatter()


def upright(frame, converter=None) -> np.ndarray:
    """Convert a PyAV frame to `(height, width, 3)` uint8, RGB, rotated as the file states.

    Args:
        frame: result of `decoded`.
        converter: result of `colour_converter`, for speed with many pictures of one file.
    """
    # Phones store upright video rotated, with the angle in degrees, counter-clockwise.
    turns = round(frame.rotation / 90) % 4
    if converter is not None:
        frame = converter.reformat(frame, format="rgb24")
    return np.rot90(frame.to_ndarray(format="rgb24"), turns)
