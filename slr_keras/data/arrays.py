"""Reading one clip's keypoints from `.npy`, `.npz` and `.pose` files, damaged ones included."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.fingerprints import OpenArrays
from slr_keras.data.layout import KeypointLayout
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded
from slr_keras.utils.npy import is_npz, require_sound_npy, require_sound_npz
from slr_keras.utils.unicode import spelled

KEY = "keypoints"
_OPEN_FILES = 16


def read_clip(
    sample: Sample, folder: Path, layout: KeypointLayout, open_files: dict[Path, np.ndarray]
) -> np.ndarray:
    """The raw keypoints of a sample.

    Args:
        sample: says the file, the first frame and the number of frames.
        folder: the manifest's folder.
        layout: what the files hold.
        open_files: files of many clips, kept mapped between calls; changed.

    Returns:
        (frames, points, channels) float32.

    Raises:
        UserError: names the file and what is wrong with it.
    """
    if not sample.keypoints:
        raise UserError("the sample has no keypoints, only video; find them with `slr extract`")
    path = spelled(folder / sample.keypoints)
    if path.suffix == ".npy":
        array = mapped(path, sample, open_files)
    elif path.suffix == ".npz":
        array = read_npz(path)[KEY]
    elif path.suffix == ".pose":
        array = _read_pose(path, layout)
    else:
        raise UserError(f"{path}: keypoints must be a .npy, .npz or .pose file")
    _check(array, path, layout)
    return np.asarray(cut(array, sample, path), np.float32)


def mapped(path: Path, sample: Sample, open_files: dict[Path, np.ndarray]) -> np.ndarray:
    """The whole array of a `.npy` file, memory-mapped.

    Args:
        path: the file.
        sample: whose clip it is; with a `start`, the file is kept mapped for the next one.
        open_files: files of many clips; changed.

    Raises:
        UserError: the file is missing or damaged.
    """
    array = open_files.get(path)
    if array is None:
        array = read_npy(path)
        if isinstance(open_files, OpenArrays):
            open_files.require_published(path, array)
        # A file of its own is let go again: there may be more of them than file handles.
        if sample.start is not None:
            if len(open_files) >= _OPEN_FILES:
                open_files.clear()
            open_files[path] = array
    return array


def cut(array: np.ndarray, sample: Sample, path: Path) -> np.ndarray:
    """The sample's frames of a file's array `(frames, ...)`: a view.

    Raises:
        UserError: the file holds fewer frames than the sample means or, where it is the sample's
            own, more.
    """
    start, frames = sample.start or 0, sample.frames
    if start + frames > len(array):
        raise UserError(
            f"{path}: has {len(array)} frames, but the sample means frames {start} to "
            f"{start + frames}; the file is incomplete or the manifest is another's"
        )
    if sample.start is None and frames != len(array):
        raise UserError(
            f"{path}: has {len(array)} frames, but the manifest says {frames}; correct 'frames', "
            "or give 'start' if the file holds several clips"
        )
    return array[start : start + frames]


def _check(array: np.ndarray, path: Path, layout: KeypointLayout) -> None:
    points, channels = len(layout.points), len(layout.channels)
    if array.ndim != 3 or array.shape[1:] != (points, channels):
        raise UserError(
            f"{path}: has shape {array.shape}, but keypoints.json means (frames, {points}, "
            f"{channels}) for layout {layout.name!r}"
        )
    if array.dtype.kind not in "fiu":
        raise UserError(f"{path}: holds {array.dtype} instead of numbers")


def read_npy(path: Path) -> np.ndarray:
    """The array of a `.npy` file, memory-mapped.

    Raises:
        UserError: the file is missing, damaged, or holds no numbers.
    """
    with _guarded(path):
        if is_npz(path):
            raise UserError(f"{path}: is an archive of arrays; name it .npz")
        require_sound_npy(path)
        return np.load(path, mmap_mode="r", allow_pickle=False)


def read_npz(
    path: Path,
    names: Iterable[str] = (KEY,),
    optional: Iterable[str] = (),
    problem: str = "",
    remedy: str = "",
) -> dict[str, np.ndarray]:
    """Named arrays of a `.npz` file.

    Args:
        path: the file.
        names: arrays that it must have.
        optional: arrays that are read where it has them.
        problem, remedy: of a damaged file, for the message; see `guarded`.

    Raises:
        UserError: the file is missing, damaged, or lacks an array.
    """
    with _guarded(path, problem, remedy):
        if not is_npz(path):
            # Whatever it is; a sound single array is named.
            require_sound_npy(path)
            raise UserError(f"{path}: is a single array; name it .npy")
        require_sound_npz(path, {*names, *optional})
        with np.load(path, allow_pickle=False) as file:
            for name in names:
                if name not in file.files:
                    present = ", ".join(file.files) or "nothing"
                    raise UserError(f"{path}: has no array {name!r}, only {present}")
            return {name: _entry(file, name) for name in (*names, *optional) if name in file.files}


def read_array(path: Path) -> np.ndarray:
    """The array of a `.npy` file, or of an `.npz` file: the one called keypoints, or the only one.

    Raises:
        UserError: the file is damaged, holds no numbers, or several arrays.
    """
    with _guarded(path):
        if not is_npz(path):
            require_sound_npy(path)
            array = np.load(path, allow_pickle=False)
        else:
            with np.load(path, allow_pickle=False) as loaded:
                names = loaded.files
                if KEY not in names and len(names) != 1:
                    raise UserError(f"{path}: no array keypoints among {', '.join(names)}")
                name = KEY if KEY in names else names[0]
                require_sound_npz(path, (name,))
                array = _entry(loaded, name)
    if array.dtype.kind not in "fiu":
        raise UserError(f"{path}: holds {array.dtype} instead of numbers")
    return array


def _entry(file: Any, name: str) -> np.ndarray:
    array = file[name]
    # numpy hands out the bytes of an entry that is no array.
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} is no array")
    return array


def _guarded(
    path: Path, problem: str = "", remedy: str = ""
) -> contextlib.AbstractContextManager[None]:
    return guarded(path, problem or f"truncated, or not a {path.suffix} file of numbers", remedy)


def _read_pose(path: Path, layout: KeypointLayout) -> np.ndarray:
    from slr_keras.data.pose_file import read_pose

    array, name, _ = read_pose(path)
    if name != layout.name:
        raise UserError(f"{path}: holds {name!r}, but keypoints.json means {layout.name!r}")
    return array
