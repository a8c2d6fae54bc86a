"""Measure the length of recordings by counting pictures: stated lengths are often estimates."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from slr_keras.data.arrays import read_npy
from slr_keras.data.rates import HIGHEST_RATE, LOWEST_RATE
from slr_keras.data.sample import Sample
from slr_keras.data.times import Times, steady_rate
from slr_keras.data.video.opening import Video
from slr_keras.data.video.reading import picture_files, read_picture, video_array
from slr_keras.data.video.recordings import packet_ends, timed
from slr_keras.utils.errors import UserError

# Relative difference of rates that are about the same.
_ABOUT = 0.05


@dataclass(frozen=True)
class Measure:
    """Length and rate of a recording.

    Attributes:
        frames: number of pictures, at least 1.
        fps: average number of pictures per second; None if the file does not state the rate.
        times: when each picture is shown; None if `fps` tells it.
    """

    frames: int
    fps: float | None = None
    times: Times | None = None


def measured(
    path: Path, count: bool = True, known: int | None = None, target: float = 25.0
) -> Measure:
    """Measure a video file, a folder of pictures, or a `.npy` of uint8 RGB pictures.

    All pictures count, whatever their times.

    Args:
        path: the recording.
        count: decode a video file to count its pictures, which also detects damage; if false, the
            number stated by the file is used if there is one.
        known: number of pictures of a video file, which then need not be decoded.
        target: frames per second at which the recording will be read.

    Raises:
        UserError: the file is missing, damaged, empty or not a video; names the file.

    >>> import pathlib, tempfile, numpy as np
    >>> from slr_keras.data.video.measuring import measured
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder, "a.npy"), np.zeros((7, 6, 8, 3), np.uint8))
    ...     measured(pathlib.Path(folder, "a.npy"))
    Measure(frames=7, fps=None, times=None)
    """
    if path.is_dir():
        files = picture_files(path)
        read_picture(files[0])
        return Measure(len(files))
    if path.suffix == ".npy":
        array = read_npy(path)
        video_array(path, Sample("", (), len(array) if array.ndim else 0), {})
        return _filled(path, Measure(len(array)))
    with Video(path) as video:
        stream = video.stream
        rates = [float(rate) for rate in (stream.average_rate, stream.base_rate) if rate]
        rate = rates[0] if rates else None
        stated = known or (0 if count else stream.frames)
        if stated and not count and rates[:1] == rates[1:]:
            return _filled(path, Measure(stated, rate))
        ends = packet_ends(video) if stated else []
    if stated and ends is None:
        return _filled(path, Measure(stated, rate))
    if not ends or len(ends) != stated:
        with Video(path) as video:
            ends = [one.end for one in timed(video, rate or target)]
    return _filled(path, _timed_measure(ends, rates, target))


def _timed_measure(ends: list[Fraction], rates: list[float], target: float) -> Measure:
    """Length, and a constant rate or, if none gives the same pictures, the times."""
    # As manifests state the rate.
    plausible = [round(rate, 3) for rate in rates if LOWEST_RATE <= rate <= HIGHEST_RATE]
    steady = steady_rate(ends, plausible, target)
    if not ends or steady is not None:
        return Measure(len(ends), steady or (rates[0] if rates else None))
    average = float(len(ends) / ends[-1]) if ends[-1] else target
    average = min(max(average, LOWEST_RATE), HIGHEST_RATE)
    return Measure(len(ends), average, Times.exact(ends))


def rate_varies(path: Path, target: float) -> bool:
    """Whether no constant rate shows a video file's pictures at its times; nothing is decoded.

    Files whose average rate is about their base rate are believed to be of constant rate.

    Args:
        path: the file.
        target: frames per second at which it is read.

    Raises:
        UserError: the file is missing, damaged or not a video.
    """
    with Video(path) as video:
        average, base = video.stream.average_rate, video.stream.base_rate
        if not average or not base or abs(base / average - 1) < _ABOUT:
            return False
        ends = packet_ends(video)
    return (
        bool(ends) and _timed_measure(ends, [float(average), float(base)], target).times is not None
    )


def _filled(path: Path, measure: Measure) -> Measure:
    if not measure.frames:
        raise UserError(f"{path}: has no pictures; restore the file or drop the clip")
    return measure
