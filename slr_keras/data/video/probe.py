"""Check a clip's pictures without decoding all of them."""

import contextlib
from pathlib import Path

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.validation.findings import ERROR, WARNING, Finding
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.measuring import rate_varies
from slr_keras.data.video.opening import Video
from slr_keras.data.video.reading import frames_of
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import spelled


def probe(
    sample: Sample,
    folder: Path,
    contract: FrameContract,
    open_files: dict[Path, np.ndarray],
) -> None:
    """Check the existence and number of a clip's pictures, and decode the first one.

    For a video file, the number of pictures is taken from the container if it states one. If that
    differs from the manifest, the file is decoded to count.

    Args:
        sample, folder, open_files: see `frames_of`.
        contract: contract with the size of the pictures.

    Raises:
        UserError: a check fails; names the file and the problem.
    """
    windowed = sample.video_start is not None
    # Decoding the last frame of a window shows whether the file is long enough.
    ends = [0, sample.frames - 1] if windowed and sample.frames > 1 else [0]
    with contextlib.closing(frames_of(sample, folder, contract.size, open_files, ends)) as frames:
        for _ in ends:
            next(frames)
    path = spelled(folder / sample.video)
    if windowed or path.suffix == ".npy" or path.is_dir():
        return
    with Video(path) as video:
        stated = video.stream.frames
    if stated not in (0, sample.frames):
        for _ in frames_of(sample, folder, contract.size, open_files, [0]):
            pass


class VideoChecker:
    """Probes clips one after another and adds their problems to the findings."""

    def __init__(self, folder: Path, contract: FrameContract, findings: list[Finding]):
        self._folder = folder
        self._contract = contract
        self._findings = findings
        self._open_files: dict[Path, np.ndarray] = {}
        self._vary: dict[Path, bool] = {}

    def check(self, where: str, sample: Sample) -> None:
        """Probe a clip; other checks report clips without frames or video."""
        if not sample.video or not sample.frames:
            return
        try:
            probe(sample, self._folder, self._contract, self._open_files)
        except UserError as error:
            what, _, advice = str(error).partition("; ")
            advice = advice or "restore the file or drop the clip"
            self._findings.append(Finding(ERROR, "video", sample.id, where, what, advice))
            return
        if self._lacks_times(sample):
            what = f"{self._folder / sample.video}: its rate varies, and 'frame_times' is missing"
            advice = "prepare the data again: the model sees pictures at other times than players"
            self._findings.append(Finding(WARNING, "frame-times", sample.id, where, what, advice))

    def _lacks_times(self, sample: Sample) -> bool:
        path = self._folder / sample.video
        if sample.times is not None or not path.is_file() or path.suffix == ".npy":
            return False
        if path not in self._vary:
            self._vary[path] = rate_varies(path, self._contract.fps)
        return self._vary[path]
