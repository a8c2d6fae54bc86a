"""Keypoint input: keypoint files, manifests, and videos whose keypoints are extracted."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import KEY, read_npy, read_npz
from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout, list_layouts
from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE, Manifest
from slr_keras.data.preparation import Preparation
from slr_keras.data.video.recordings import VIDEOS, is_readable
from slr_keras.extraction.settings import LAYOUT, mediapipe_version
from slr_keras.recognition.clip import Clip, Points
from slr_keras.recognition.layout_matching import agreed_layout, match_layout
from slr_keras.recognition.modality.base import Footage, InputModality, Overrides
from slr_keras.recognition.modality.extracted import extract_keypoints
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded

# Properties that an .npz file may state.
_STATED = ("fps", "layout", "image_size")


class KeypointInput(InputModality):
    """Keypoints in `.npy`, `.npz` and `.pose` files and in manifests, and videos through MediaPipe.

    Args:
        contract: contract of the run.
        overrides: properties of the clips that the user states.
    """

    def __init__(self, contract: KeypointContract, overrides: Overrides):
        self.contract = contract
        self.overrides = overrides
        self.what = f"keypoint file ({', '.join(READERS)}), a video"

    def holds(self, path: Path) -> bool:
        """See `InputModality`; a video with a keypoint file of the same name is skipped."""
        if not path.is_file():
            return False
        if path.suffix in READERS:
            return True
        extracted = any(path.with_suffix(suffix).exists() for suffix in READERS)
        return path.suffix.lower() in VIDEOS and not extracted

    def takes(self, path: Path) -> bool:
        """See `InputModality`; accepts any file that opens as a video."""
        return path.suffix in READERS or is_readable(path)

    def reader(self, path: Path) -> Callable[[], Points]:
        """See `InputModality`.

        Raises:
            UserError: MediaPipe is not installed, or its layout is not that of the run and the user
                did not give a layout to pair the points.
        """
        if path.suffix in READERS:
            return partial(READERS[path.suffix], path)
        # Checked before minutes are spent on the extraction.
        mediapipe_version()
        agreed_layout(layout(LAYOUT), self.contract, str(path), self.overrides.layout)
        return partial(
            extract_keypoints, path, self.contract.fps, self.overrides.fps, self.overrides.cache
        )

    def manifest_reader(self, manifest: Manifest) -> Callable[[int], Points]:
        """See `InputModality`; refuses manifests of another layout or of video."""
        folder = manifest.folder
        if (folder / FRAMES_FILE).exists() and not (folder / CONTRACT_FILE).exists():
            raise UserError(
                f"{manifest.path}: the clips are videos, but the run reads keypoints; extract them "
                f"with `slr extract {folder} --to FOLDER`"
            )
        theirs = manifest.contract
        agreed_layout(theirs.source, self.contract, str(manifest.path), self.overrides.layout)
        if theirs.y_axis != self.contract.y_axis:
            raise UserError(
                f"{manifest.folder / CONTRACT_FILE}: y grows {theirs.y_axis} but the run was "
                f"trained with y growing {self.contract.y_axis}; flip y and correct y_axis"
            )

        def read(index: int) -> Points:
            values, fps = manifest.load(index), manifest[index].fps or theirs.fps
            if manifest[index].times is not None and self.overrides.fps is None:
                fps = self.contract.fps
                values = values[manifest[index].times.indices(fps)]
            return Points(values, fps, theirs.source, theirs.image_size)

        return read

    def footage(self, clip: Clip, preparation: Preparation) -> Footage:
        """See `InputModality`; the clip is read and checked immediately."""
        values, fps, notices = self.raw(clip)
        frames = list(preparation.prepared(values, fps))
        return Footage(frames, len(frames), lambda: (len(values), fps), notices)

    def raw(self, clip: Clip) -> tuple[np.ndarray, float, list[str]]:
        """Raw points of a clip in the contract's source layout, their frame rate, and notices.

        Raises:
            UserError: the clip cannot be read, or does not match the run.
        """
        points = clip.read()
        if self.overrides.image_size is not None:
            points = replace(points, image_size=self.overrides.image_size)
        values, notices = match_layout(points, self.contract, clip.source, self.overrides.layout)
        return values, self.rate(points.fps, self.contract.fps, clip.source), notices


def _read_npy(path: Path) -> Points:
    return Points(read_npy(path))


def _read_npz(path: Path) -> Points:
    arrays = read_npz(path, optional=_STATED)
    size, name, fps = (arrays.get(key) for key in ("image_size", "layout", "fps"))
    with guarded(path, "its fps or image_size does not have the format of slr_keras"):
        return Points(
            arrays[KEY],
            None if fps is None else float(fps),
            None if name is None else _layout(str(name), path),
            None if size is None else (float(size[0]), float(size[1])),
        )


def _layout(name: str, path: Path) -> KeypointLayout:
    if name not in list_layouts():
        raise UserError(
            f"{path}: unknown keypoint layout {name!r}; it must be one of "
            f"{', '.join(list_layouts())}"
        )
    return layout(name)


def _read_pose(path: Path) -> Points:
    from slr_keras.data.pose_file import read_pose_clip

    clip = read_pose_clip(path)
    return Points(clip.keypoints, clip.fps, layout(clip.layout), clip.image_size)


READERS: dict[str, Callable[[Path], Points]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pose": _read_pose,
}
