"""Measure the length of recordings by counting pictures: stated lengths are often estimates."""

from dataclasses import dataclass
from pathlib import Path

from slr_keras.data.arrays import read_npy
from slr_keras.data.sample import Sample
from slr_keras.data.video.opening import decoded, opened
from slr_keras.data.video.reading import picture_files, read_picture, video_array
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class Measure:
    """Length and rate of a recording.

    Attributes:
        frames: number of pictures, at least 1.
        fps: average number of pictures per second; None if the file does not state the rate.
    """

    frames: int
    fps: float | None = None


def measured(path: Path, count: bool = True) -> Measure:
    """Measure a video file, a folder of pictures, or a `.npy` of uint8 RGB pictures.

    All pictures count, whatever their times.

    Args:
        path: the recording.
        count: decode a video file to count its pictures, which also detects damage; if false, the
            number stated by the file is used if there is one.

    Raises:
        UserError: the file is missing, damaged, empty or not a video; names the file.

    >>> import pathlib, tempfile, numpy as np
    >>> from slr_keras.data.video.measuring import measured
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder, "a.npy"), np.zeros((7, 6, 8, 3), np.uint8))
    ...     measured(pathlib.Path(folder, "a.npy"))
    Measure(frames=7, fps=None)
    """
    if path.is_dir():
        files = picture_files(path)
        read_picture(files[0])
        return Measure(len(files))
    if path.suffix == ".npy":
        array = read_npy(path)
        video_array(path, Sample("", (), len(array) if array.ndim else 0), {})
        return _filled(path, Measure(len(array)))
    with opened(path) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate) if stream.average_rate else None
        stated = 0 if count else stream.frames
        return _filled(path, Measure(stated or sum(1 for _ in decoded(container, path)), rate))


def _filled(path: Path, measure: Measure) -> Measure:
    if not measure.frames:
        raise UserError(f"{path}: has no pictures; restore the file or drop the clip")
    return measure
