"""How long a recording is: counted, since what a file says of its length is often an estimate."""

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
        frames: pictures in it, at least 1.
        fps: pictures a second on average; None where the file does not say.
    """

    frames: int
    fps: float | None = None


def measured(path: Path, count: bool = True) -> Measure:
    """Measure a video file, a folder of pictures, or a `.npy` of uint8 RGB pictures.

    Pictures are counted whatever their times: a video of varying rate has as many frames as it has
    pictures.

    Args:
        path: the recording.
        count: decode a video file to count its pictures, which also finds damage; otherwise its
            word is taken where it gives one.

    Raises:
        UserError: missing, damaged, empty, or no video; names the file.

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
        told = 0 if count else stream.frames
        return _filled(path, Measure(told or sum(1 for _ in decoded(container, path)), rate))


def _filled(path: Path, measure: Measure) -> Measure:
    if not measure.frames:
        raise UserError(f"{path}: has no pictures in it; restore it or drop the clip")
    return measure
