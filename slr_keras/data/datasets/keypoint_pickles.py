"""Keypoint pickles of MSKA and TwoStream: their files, their content, and a data folder of them.

MSKA gives one pickle a split, `Phoenix-2014T.train` and so on, with the keypoints inside.
TwoStream gives gzipped annotation lists of the same names in lower case, and all keypoints in one
`keypoints_hrnet_dark_coco_wholebody.pkl`. Both are read; see `slr_keras.data.pickles.unpickle`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.contract import contract
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.corpus import Sentence, clip_name, read_corpus
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.lines import SPLITS
from slr_keras.data.pickles.unpickle import read_pickle
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.utils.schema import shown
from slr_keras.utils.walking import walked

LAYOUT = "coco_wholebody_133"
TWOSTREAM_KEYPOINTS = "keypoints_hrnet_dark_coco_wholebody.pkl"
_POINTS = (133, 3)

ANNOTATIONS = Option(
    "annotations",
    "",
    "folder of the corpus' own tables, for signers and translations (default: look in PATH)",
)


@dataclass(frozen=True)
class PickledClip:
    """One clip of a keypoint pickle.

    Attributes:
        name: as the file calls it.
        glosses: the signs in order.
        keypoints: (frames, 133, 3): x and y in pixels, y down, score.
        text: translation, if the file has one.
        signer: if the file says so.
    """

    name: str
    glosses: tuple[str, ...]
    keypoints: np.ndarray
    text: str = ""
    signer: str = ""


def read_keypoint_pickle(path: str | Path) -> Iterator[PickledClip]:
    """The clips of a pickle of either form, without torch and without executing code.

    TwoStream's annotation lists take their keypoints from the pickle beside them.

    Raises:
        UserError: the file is not plain data, has another form, or a clip has no keypoints or
            keypoints of another shape; names file and clip.

    >>> import pathlib, pickle, tempfile, numpy as np
    >>> from slr_keras.data.datasets.keypoint_pickles import read_keypoint_pickle
    >>> clip = {"name": "a", "gloss": "rain soon", "keypoint": np.ones((9, 133, 3), "f4")}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "Phoenix-2014T.dev")
    ...     _ = path.write_bytes(pickle.dumps({"a": clip}))
    ...     [(clip.glosses, clip.keypoints.shape) for clip in read_keypoint_pickle(path)]
    [(('rain', 'soon'), (9, 133, 3))]
    """
    for _, read in pickled_clips(Path(path)):
        yield read()


def pickled_clips(path: Path) -> Iterator[tuple[str, Callable[[], PickledClip]]]:
    """The name of every clip of a pickle, and what reads the clip.

    Raises:
        UserError: the file is not plain data, or has another form. What reads a clip raises as
            `read_keypoint_pickle`.
    """
    value = read_pickle(path)
    entries = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: not a keypoint pickle; it must hold one dictionary a clip")
    if not entries:
        raise UserError(f"{path}: holds no clip")
    names = list(value) if isinstance(value, dict) else [None] * len(entries)
    beside: Mapping[str, Any] = {}
    if not any("keypoint" in entry or "keypoints" in entry for entry in entries):
        beside = _keypoints_beside(path)
    for number, (key, entry) in enumerate(zip(names, entries), start=1):
        name = entry.get("name", key)
        named = name if isinstance(name, str) and name else f"clip {number}"
        yield named, partial(_clip, path, name, entry, beside)


def _clip(
    path: Path, name: Any, entry: Mapping[str, Any], beside: Mapping[str, Any]
) -> PickledClip:
    if not isinstance(name, str) or not name:
        raise UserError(f"{path}: a clip without a name")
    where = f"{path}: clip {name!r}"
    return PickledClip(
        name=name,
        glosses=_glosses(entry, where),
        keypoints=_keypoints({**entry, **_entry(beside, name)}, where),
        text=_text(entry.get("text", ""), f"{where}: text"),
        signer=_text(entry.get("signer", ""), f"{where}: signer"),
    )


def _entry(beside: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = beside.get(name)
    return value if isinstance(value, dict) else {}


def _keypoints_beside(path: Path) -> Mapping[str, Any]:
    keypoints = path.parent / TWOSTREAM_KEYPOINTS
    if not keypoints.is_file():
        raise UserError(
            f"{path}: holds annotations without keypoints; put {TWOSTREAM_KEYPOINTS} beside it"
        )
    value = read_pickle(keypoints)
    if not isinstance(value, dict):
        raise UserError(f"{keypoints}: not a dictionary of clips")
    return value


def _glosses(entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    gloss = entry.get("gloss", "")
    parts = gloss if isinstance(gloss, list | tuple) else [gloss]
    return tuple(word for part in parts for word in _text(part, f"{where}: gloss").split())


def _keypoints(entry: Mapping[str, Any], where: str) -> np.ndarray:
    keypoints = entry.get("keypoint", entry.get("keypoints"))
    if keypoints is None:
        raise UserError(f"{where}: has no keypoints")
    if not isinstance(keypoints, np.ndarray) or keypoints.shape[1:] != _POINTS:
        shape = getattr(keypoints, "shape", type(keypoints).__name__)
        raise UserError(f"{where}: keypoints are {shape}, not an array of (frames, 133, 3)")
    frames = entry.get("num_frames", len(keypoints))
    if not isinstance(frames, int | float) or frames != len(keypoints):
        raise UserError(
            f"{where}: {len(keypoints)} frames of keypoints, but num_frames {shown(frames)}"
        )
    return keypoints


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str | int):
        raise UserError(f"{where} is a {type(value).__name__} instead of text")
    return str(value)


def split_files(source: Path, stem: str, dataset: Dataset) -> dict[str, Path]:
    """The pickle of every split, in the folder or its subfolders, in upper or lower case.

    Raises:
        UserError: none is there; says what the folder must hold. A split is there twice.
    """
    wanted = {
        f"{stem}.{split}{suffix}".lower(): split for split in SPLITS for suffix in ("", ".pkl")
    }
    files: dict[str, Path] = {}
    for path in sorted([*source.glob("*"), *source.glob("*/*")]):
        split = wanted.get(path.name.lower())
        if split and path.is_file():
            if split in files:
                raise UserError(f"{source}: {path} and {files[split]} are both the split {split}")
            files[split] = path
    if not files:
        raise dataset.missing(source, [f"{stem}.{split}" for split in SPLITS])
    return {split: files[split] for split in SPLITS if split in files}


def corpus_tables(source: Path, annotations: str, pattern: str) -> dict[str, Sentence]:
    """Sentences by clip name from the corpus' own tables, if the user has them.

    Args:
        source: where to look unless `annotations` says otherwise.
        annotations: a folder, or "".
        pattern: of the file names, such as "*.corpus.csv".

    Raises:
        UserError: `annotations` is given and holds no such table.
    """
    folder = Path(annotations) if annotations else source
    tables = sorted(path for path in walked(folder) if fnmatch(path.name, pattern))
    if annotations and not tables:
        raise UserError(f"{folder}: no {pattern} in this folder")
    return {clip_name(s.id): s for table in tables for s in read_corpus(table)}


def write_pickles(
    folder: Path,
    files: Mapping[str, Path],
    sentences: Mapping[str, Sentence],
    image_size: tuple[int, int],
    fps: float,
    passed: PassedOver,
    left_out: frozenset[str] = frozenset(),
    signer_of: Callable[[str], str] = lambda name: "",
) -> None:
    """Write the data folder of a set of keypoint pickles.

    Args:
        folder: to write.
        files: pickle of every split.
        sentences: the corpus' own annotations by clip name; they add signer and text, and the
            glosses of clips whose pickle has none.
        image_size: width and height of the video in pixels.
        fps: frames a second of the video.
        passed: takes the clips that cannot be read.
        left_out: clip names that are known to be broken.
        signer_of: the signer where the clip's name says it, else "".
    """
    with FolderWriter(folder, contract(LAYOUT, image_size=image_size, fps=fps)) as writer:
        for split, path in files.items():
            for id, read in pickled_clips(path):
                name, clip = clip_name(id), None
                if name in left_out:
                    continue
                with passed.reading(split, id):
                    clip = read()
                if clip is None:
                    continue
                known = sentences.get(name, Sentence(name, ()))
                writer.add(
                    split,
                    id=clip.name,
                    glosses=clip.glosses or known.glosses,
                    keypoints=clip.keypoints,
                    signer=signer_of(name) or clip.signer or known.signer,
                    text=clip.text or known.text,
                )
