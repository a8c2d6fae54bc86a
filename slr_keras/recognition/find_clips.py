"""Find the clips in files, manifests and folders."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import CONTRACT_FILE, FRAMES_FILE, Manifest, read_folder, read_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.reading import PICTURES
from slr_keras.recognition.clip import Clip
from slr_keras.recognition.modality.base import InputModality, Overrides
from slr_keras.recognition.modality.factory import modality_for
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import readable, spelled
from slr_keras.utils.walking import walked

# Files that are no video although they are clips.
_NO_VIDEO = (".npy", ".npz", ".pose", *PICTURES)


def find_clips(
    inputs: Iterable[str | Path],
    contract: KeypointContract | FrameContract,
    split: str = "test",
    overrides: Overrides | None = None,
) -> list[Clip]:
    """Find the clips in the inputs, in the order given; no frames are read.

    Args:
        inputs: files of one clip, manifests (`.jsonl`), data folders, or folders of clips. Folders
            of clips are searched recursively and sorted by name. A clip of keypoints is a `.npy`,
            `.npz` or `.pose` file; a clip of video is a video file, a `.npy`, or a folder of PNG or
            JPEG pictures.
        contract: contract of the run; a manifest with another layout is refused.
        split: split of a data folder.
        overrides: properties of the clips that the user states.

    Raises:
        UserError: an input does not exist or has no known type; a manifest is not valid; a folder
            is empty or has no such split.

    >>> import tempfile, pathlib, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.recognition import find_clips
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(pathlib.Path(folder, "monday.npy"), np.ones((9, 133, 3)))
    ...     [clip.id for clip in find_clips([folder], contract("coco_wholebody_133"))]
    ['monday']
    """
    modality = modality_for(contract, overrides)
    clips = []
    for path in (spelled(Path(name)) for name in inputs):
        if path.is_dir():
            if _is_data_folder(path):
                clips += _of_manifest(_split(path, split), modality)
            else:
                clips += _of_folder(path, modality)
        elif not path.exists():
            raise UserError(f"{path}: no such file or folder")
        elif path.suffix == ".jsonl":
            clips += _of_manifest(read_manifest(path), modality)
        elif modality.takes(path):
            clips.append(_of_path(path, readable(path.stem), modality))
        else:
            raise UserError(
                f"{path}: not a clip; give a {modality.what}, a manifest (.jsonl) or a folder of "
                "clips"
            )
    return clips


def _is_data_folder(path: Path) -> bool:
    contracts = (CONTRACT_FILE, FRAMES_FILE)
    return any((path / name).exists() for name in contracts) or any(path.glob("*.jsonl"))


def _split(folder: Path, split: str) -> Manifest:
    splits = read_folder(folder)
    if split not in splits:
        raise UserError(
            f"{folder}: has no split {split!r}; choose one of {', '.join(splits)} with --split"
        )
    return splits[split]


def _of_manifest(manifest: Manifest, modality: InputModality) -> list[Clip]:
    if not len(manifest):
        raise UserError(f"{manifest.path}: the manifest has no samples")
    read = modality.manifest_reader(manifest)
    # If some samples are labelled, a sample without glosses is a clip in which nothing is signed.
    labelled = any(sample.glosses for sample in manifest)
    return [
        Clip(
            sample.id,
            manifest.where(index),
            partial(read, index),
            sample.glosses if labelled else None,
            _whole_video(manifest, sample),
        )
        for index, sample in enumerate(manifest)
    ]


def _of_folder(folder: Path, modality: InputModality) -> list[Clip]:
    if modality.holds(folder):
        return [_of_path(folder, readable(folder.resolve().name), modality)]
    paths = sorted(path for path in walked(folder) if modality.holds(path))
    if not paths:
        raise UserError(f"{folder}: no clip in this folder (no {modality.what}) and no manifest")
    return [_of_path(path, _name(path.relative_to(folder), path), modality) for path in paths]


def _name(within: Path, path: Path) -> str:
    # The name of a folder may contain a dot.
    return readable((within if path.is_dir() else within.with_suffix("")).as_posix())


def _of_path(path: Path, name: str, modality: InputModality) -> Clip:
    manifest = path.with_name(f"{path.stem.removesuffix('.frames')}.jsonl")
    if path.suffix == ".npy" and manifest.exists():
        raise UserError(
            f"{path}: holds all clips of {manifest.name}, one after another; give that manifest "
            "instead"
        )
    return Clip(name, str(path), modality.reader(path), video=path if _is_video(path) else None)


def _whole_video(manifest: Manifest, sample: Sample) -> Path | None:
    """The video file of a sample, unless the sample is a part of it."""
    if not sample.video or sample.video_start is not None:
        return None
    path = spelled(manifest.folder / sample.video)
    return path if _is_video(path) else None


def _is_video(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in _NO_VIDEO
