"""Video input: recordings and manifests, decoded while the model reads them."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import VideoPreparation
from slr_keras.data.rates import Shown, steady
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.opening import stated
from slr_keras.data.video.recordings import is_readable, is_recording, shown_in
from slr_keras.recognition.clip import Clip, Pictures
from slr_keras.recognition.modality.base import Footage, InputModality, Overrides
from slr_keras.utils.errors import UserError
from slr_keras.utils.progress import noted

# Largest factor by which pictures are stretched without a notice.
_STRETCH = 1.1


class VideoInput(InputModality):
    """Pictures in video files, folders, arrays and manifests.

    Args:
        contract: contract of the run; pictures of any size are resized to its size.
        overrides: properties of the clips that the user states.

    Raises:
        UserError: an override applies to keypoints only.
    """

    what = "video file, a .npy of uint8 (frames, height, width, 3), a folder of PNG or JPEG frames"

    def __init__(self, contract: FrameContract, overrides: Overrides):
        for name in ("layout", "image_size", "cache"):
            if getattr(overrides, name) is not None:
                option = name.replace("_", "-")
                raise UserError(
                    f"--{option}: applies to keypoints, but this run reads video; remove it"
                )
        self.contract = contract
        self.overrides = overrides

    def holds(self, path: Path) -> bool:
        """See `InputModality`."""
        return is_recording(path)

    def takes(self, path: Path) -> bool:
        """See `InputModality`; accepts any file that opens as a video."""
        return is_readable(path)

    def reader(self, path: Path) -> Callable[[], Pictures]:
        """See `InputModality`."""
        return lambda: Pictures(partial(shown_in, path, self.contract.fps))

    def manifest_reader(self, manifest: Manifest) -> Callable[[int], Pictures]:
        """See `InputModality`; refuses a folder whose frame contract is not compatible."""
        theirs = manifest.frame_contract
        self.contract.require_compatible(theirs, "the run", str(manifest.folder / "frames.json"))

        def read(index: int) -> Pictures:
            fps = self.rate(manifest[index].fps, theirs.fps, manifest.where(index))
            times = manifest[index].times

            def shown(given: float | None) -> Iterator[Shown]:
                frames = manifest.video_frames(index)
                by_times = given is None and times is not None
                return times.shown(frames) if by_times else steady(frames, given or fps)

            return Pictures(shown)

        return read

    def footage(self, clip: Clip, preparation: VideoPreparation) -> Footage:
        """See `InputModality`; pictures are decoded while the frames are read."""
        monitor = _PictureMonitor(clip.source, self.contract)
        total = stated(clip.video).frames if clip.video else 0
        shown = noted(clip.read().shown(self.overrides.fps), f"{clip.id}: reading frame", total)
        shown = monitor.watch(shown)
        frames = monitor.named(preparation.prepared_shown(shown))
        return Footage(frames, 0, monitor.count, monitor.notices)


class _PictureMonitor:
    """Counts the pictures of a clip while they are read, and collects notices for the user."""

    def __init__(self, source: str, contract: FrameContract):
        self.source = source
        self.contract = contract
        self.notices: list[str] = []
        self._frames, self._seconds = 0, Fraction(0)

    def count(self) -> tuple[int, float]:
        return self._frames, float(self._frames / self._seconds)

    def watch(self, shown: Iterable[Shown]) -> Iterator[Shown]:
        for picture in shown:
            if not self._frames:
                self._check_proportions(picture.frame.shape[1], picture.frame.shape[0])
            self._frames += 1
            self._seconds = picture.end
            yield picture

    def named(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass the frames on; errors during the iteration name the clip."""
        try:
            yield from frames
        except UserError as error:
            if str(error).startswith(self.source):
                raise
            raise UserError(f"{self.source}: {error}") from error

    def _check_proportions(self, width: int, height: int) -> None:
        if self.contract.size is None:
            return
        theirs = self.contract.size[0] / self.contract.size[1]
        stretch = width / height / theirs
        if max(stretch, 1 / stretch) > _STRETCH:
            self.notices.append(
                f"{self.source}: pictures are {width} x {height}, but the run was trained on "
                f"{self.contract.size[0]} x {self.contract.size[1]}; resizing stretches people, so "
                "crop the pictures to these proportions"
            )
