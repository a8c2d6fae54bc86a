"""Clips of keypoints: files of arrays, checked against the run's contract."""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import layout
from slr_keras.data.manifest import CONTRACT_FILE, Manifest
from slr_keras.data.preparation import Preparation
from slr_keras.errors import UserError
from slr_keras.prediction.clip import Clip, Points
from slr_keras.prediction.conform import agreed_layout, conform
from slr_keras.prediction.medium import Footage, Medium, Overrides

KEY = "keypoints"
# What numpy and zipfile raise on files that are cut short, foreign or hold objects.
_DAMAGE = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, AttributeError)


class KeypointMedium(Medium):
    """Keypoints in `.npy`, `.npz` and `.pose` files and in manifests.

    Args:
        contract: of the run.
        overrides: what the user says about the clips.
    """

    def __init__(self, contract: KeypointContract, overrides: Overrides):
        self.contract = contract
        self.overrides = overrides
        self.what = f"keypoint file ({', '.join(READERS)})"

    def holds(self, path: Path) -> bool:
        """See `Medium`."""
        return path.suffix in READERS and path.is_file()

    def reader(self, path: Path) -> Callable[[], Points]:
        """See `Medium`."""
        return partial(READERS[path.suffix], path)

    def manifest_reader(self, manifest: Manifest) -> Callable[[int], Points]:
        """See `Medium`; refuses another layout, once."""
        theirs = manifest.contract
        agreed_layout(theirs.source, self.contract, str(manifest.path), self.overrides.layout)
        if theirs.y_axis != self.contract.y_axis:
            raise UserError(
                f"{manifest.folder / CONTRACT_FILE}: y grows {theirs.y_axis} but the run was "
                f"trained with y growing {self.contract.y_axis}; turn y over and correct y_axis"
            )

        def read(index: int) -> Points:
            fps = manifest[index].fps
            return Points(manifest.load(index), fps, theirs.source, theirs.image_size)

        return read

    def footage(self, clip: Clip, preparation: Preparation) -> Footage:
        """See `Medium`; everything is read and checked at once."""
        points = clip.read()
        if self.overrides.image_size is not None:
            points = replace(points, image_size=self.overrides.image_size)
        values, notices = conform(points, self.contract, clip.source, self.overrides.layout)
        fps = self.rate(points.fps, self.contract.fps, clip.source)
        frames = list(preparation.prepared(values, fps))
        return Footage(frames, len(frames), lambda: (len(values), fps), notices)


def _read_npy(path: Path) -> Points:
    try:
        return Points(np.load(path, mmap_mode="r", allow_pickle=False))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except _DAMAGE as error:
        raise UserError(f"{path}: truncated or not a .npy file of numbers ({error})") from error


def _read_npz(path: Path) -> Points:
    try:
        with np.load(path, allow_pickle=False) as file:
            if KEY not in file.files:
                found = ", ".join(file.files) or "nothing"
                raise UserError(f"{path}: has no array {KEY!r}, only {found}")
            return Points(file[KEY], float(file["fps"]) if "fps" in file.files else None)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (*_DAMAGE, TypeError) as error:
        raise UserError(f"{path}: truncated or not a .npz file of numbers ({error})") from error


def _read_pose(path: Path) -> Points:
    from slr_keras.data.datasets.pose_files import read_pose_clip

    clip = read_pose_clip(path)
    return Points(clip.keypoints, clip.fps, layout(clip.layout), clip.image_size)


READERS: dict[str, Callable[[Path], Points]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pose": _read_pose,
}
