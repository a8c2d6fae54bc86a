"""From what the user names (a file, a manifest, a folder) to the clips in it."""

import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout
from slr_keras.data.manifest import CONTRACT_FILE, Manifest, read_folder, read_manifest
from slr_keras.errors import UserError
from slr_keras.prediction.clip import Clip, Points
from slr_keras.prediction.conform import agreed_layout

KEY = "keypoints"
# What numpy and zipfile raise on files that are cut short, foreign or hold objects.
_DAMAGE = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, AttributeError)


def find_clips(
    inputs: Iterable[str | Path],
    contract: KeypointContract,
    split: str = "test",
    given: KeypointLayout | None = None,
) -> list[Clip]:
    """The clips that the inputs name, in their order; no keypoints are read.

    Args:
        inputs: keypoint files (`.npy`, `.npz`, `.pose`), manifests (`.jsonl`), data folders, or
            folders of keypoint files, which are searched through and sorted by name.
        contract: of the run; a manifest of another layout is refused here, once.
        split: which manifest of a data folder.
        given: the layout that the user says the points are in.

    Raises:
        UserError: an input is not there or is none of these; a manifest is not valid; a folder is
            empty or has no such split.

    >>> import tempfile, pathlib, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.prediction import find_clips
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder, "monday.npy"), np.ones((9, 133, 3)))
    ...     [clip.id for clip in find_clips([folder], contract("coco_wholebody_133"))]
    ['monday']
    """
    clips = []
    for path in map(Path, inputs):
        if path.is_dir():
            if (path / CONTRACT_FILE).exists() or any(path.glob("*.jsonl")):
                clips += _of_manifest(_split(path, split), contract, given)
            else:
                clips += _of_folder(path)
        elif not path.exists():
            raise UserError(f"{path}: no such file or folder")
        elif path.suffix == ".jsonl":
            clips += _of_manifest(read_manifest(path), contract, given)
        elif path.suffix in READERS:
            clips.append(_of_file(path, path.stem))
        else:
            raise UserError(
                f"{path}: not something to recognise; give a keypoint file "
                f"({', '.join(READERS)}), a manifest (.jsonl) or a folder of either"
            )
    return clips


def _split(folder: Path, split: str) -> Manifest:
    splits = read_folder(folder)
    if split not in splits:
        raise UserError(
            f"{folder}: has no split {split!r}; choose with --split one of {', '.join(splits)}"
        )
    return splits[split]


def _of_manifest(
    manifest: Manifest, contract: KeypointContract, given: KeypointLayout | None
) -> list[Clip]:
    if not len(manifest):
        raise UserError(f"{manifest.path}: the manifest has no samples")
    theirs = manifest.contract
    agreed_layout(theirs.source, contract, str(manifest.path), given)
    if theirs.y_axis != contract.y_axis:
        raise UserError(
            f"{manifest.folder / CONTRACT_FILE}: y grows {theirs.y_axis} but the run was trained "
            f"with y growing {contract.y_axis}; turn y over and correct y_axis"
        )

    def read(index: int) -> Points:
        sample = manifest[index]
        return Points(manifest.load(index), sample.fps, theirs.source, theirs.image_size)

    # Where some are labelled, a clip without glosses is one in which nothing is signed.
    labelled = any(sample.glosses for sample in manifest)
    return [
        Clip(
            sample.id,
            manifest.where(index),
            partial(read, index),
            sample.glosses if labelled else None,
        )
        for index, sample in enumerate(manifest)
    ]


def _of_folder(folder: Path) -> list[Clip]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in READERS and path.is_file())
    if not files:
        raise UserError(
            f"{folder}: no keypoint files ({', '.join(READERS)}) and no manifest in this folder"
        )
    return [_of_file(path, path.relative_to(folder).with_suffix("").as_posix()) for path in files]


def _of_file(path: Path, name: str) -> Clip:
    if path.suffix == ".npy" and path.with_suffix(".jsonl").exists():
        raise UserError(
            f"{path}: holds all clips of {path.with_suffix('.jsonl').name} end to end; "
            "give that manifest instead"
        )
    return Clip(name, str(path), partial(READERS[path.suffix], path))


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
