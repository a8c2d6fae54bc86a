"""The index of a dictionary: one archive, such as `signs.index`.

| entry | content |
| --- | --- |
| `index.json` | format, version, digests of encoder and contract, and the files with fingerprints |
| `vectors.npy` | (files, components) float32: naming components at unit length |
| `postures.npy` | (files, 4, points, 3) float16: moments of each clip, for thumbnails |
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import LARGEST_JSON, atomic_path, guarded, parse_json, refuse_waiting
from slr_keras.utils.npy import require_sound_npz
from slr_keras.utils.schema import any_text, checked, digest, record, sequence, text, whole

FORMAT, VERSION, SUFFIX = "slr_keras.dictionary", 1, ".index"
DESCRIPTION, VECTORS, POSTURES = "index.json", "vectors", "postures"
#: Moments of a clip that a thumbnail shows.
MOMENTS = 4
_AGAIN = "delete it, and the dictionary is indexed again"
_FOREIGN = "not the index of a dictionary; name another file with --index"


def _path(value: Any, field: str) -> None:
    """The path of a file; its bytes need not be UTF-8, so that lone surrogates are allowed."""
    if not isinstance(value, str) or not value:
        text(value, field)


# Nanoseconds since 1970 exceed the usual limit of numbers; old files have negative ones.
_TIME = whole(-(2**63), 2**63)
_FILE = record({"file": _path, "size": whole(), "modified": _TIME, "digest": digest})
_MAKING = {"encoder": digest, "contract": digest, "layout": any_text}
_SCHEMA = record({**_MAKING, "files": sequence(_FILE)})


@dataclass(frozen=True)
class IndexedFile:
    """A file of the dictionary, as it was when it was encoded.

    Attributes:
        file: path inside the dictionary, with "/".
        size: in bytes.
        modified: time of its last change, in nanoseconds.
        digest: SHA-256 of its bytes, in hexadecimal digits.
    """

    file: str
    size: int
    modified: int
    digest: str


@dataclass(frozen=True)
class Making:
    """What the vectors of an index depend on, apart from the files.

    Attributes:
        encoder: digest of the encoder.
        contract: digest of its contract.
        layout: name of the layout that the user stated; "" for the layouts of the files.
    """

    encoder: str
    contract: str
    layout: str = ""


@dataclass(frozen=True, eq=False)
class Index:
    """The encoded files of a dictionary.

    Attributes:
        making: encoder and contract.
        files: in the order of the rows.
        vectors: `(files, components)` float32, of unit length.
        postures: `(files, MOMENTS, points, 3)` float16: prepared points.
    """

    making: Making
    files: tuple[IndexedFile, ...]
    vectors: np.ndarray
    postures: np.ndarray

    @classmethod
    def of(
        cls,
        making: Making,
        files: Sequence[IndexedFile],
        rows: Sequence[tuple[np.ndarray, np.ndarray]],
        components: int,
        points: int,
    ) -> "Index":
        """The index of files and of the vector and the postures of each."""
        vectors = np.empty((len(files), components), np.float32)
        postures = np.empty((len(files), MOMENTS, points, 3), np.float16)
        for row, (vector, moments) in enumerate(rows):
            vectors[row], postures[row] = vector, moments
        return cls(making, tuple(files), vectors, postures)


def write_index(path: Path, index: Index) -> None:
    """Write an index beside its place, and rename it.

    Raises:
        UserError: the file cannot be written there.
    """
    value = {
        "format": FORMAT,
        "version": VERSION,
        **vars(index.making),
        "files": [vars(file) for file in index.files],
    }
    try:
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            # Names that are no UTF-8 become escapes.
            archive.writestr(DESCRIPTION, json.dumps(value))
            for name, array in ((VECTORS, index.vectors), (POSTURES, index.postures)):
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                archive.writestr(f"{name}.npy", content.getvalue())
    except OSError as error:
        raise UserError(
            f"{path}: the index cannot be written ({error.strerror or error}); name another place "
            "with --index"
        ) from error


def read_index(path: Path) -> Index | None:
    """Read an index; sizes are compared with the limits before anything is read.

    Returns:
        None if there is no file.

    Raises:
        UserError: the file is foreign, damaged, or of another version.
    """
    refuse_waiting(path)
    if not path.exists():
        return None
    if path.is_dir() or not _is_archive(path):
        raise UserError(f"{path}: {_FOREIGN}")
    with guarded(path, "a damaged index", _AGAIN):
        value = _description(path)
        require_sound_npz(path, (VECTORS, POSTURES))
        with np.load(path, allow_pickle=False) as archive:
            vectors, postures = archive[VECTORS], archive[POSTURES]
        files = tuple(
            IndexedFile(file["file"], file["size"], file["modified"], file["digest"])
            for file in value["files"]
        )
        _require_fitting(files, vectors, postures)
        making = Making(value["encoder"], value["contract"], value["layout"])
        return Index(making, files, vectors, postures)


def _is_archive(path: Path) -> bool:
    with guarded(path, "cannot be read"), open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _description(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        if DESCRIPTION not in archive.namelist():
            raise UserError(f"{path}: {_FOREIGN}")
        entry = archive.getinfo(DESCRIPTION)
        if entry.file_size > LARGEST_JSON:
            raise ValueError(f"{DESCRIPTION} states {entry.file_size:,} bytes")
        value = parse_json(archive.read(entry))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{path}: {_FOREIGN}")
    if value.get("version") != VERSION:
        raise UserError(
            f"{path}: an index of version {value.get('version')!r}, and this program reads version "
            f"{VERSION}; name another file with --index, or delete this one"
        )
    return checked(value, _SCHEMA, path, _AGAIN)


def _require_fitting(
    files: Sequence[IndexedFile], vectors: np.ndarray, postures: np.ndarray
) -> None:
    """Refuse arrays that do not belong to the files.

    Raises:
        ValueError: says what does not fit.
    """
    for name, array, axes, kind in (
        (VECTORS, vectors, 2, np.float32),
        (POSTURES, postures, 4, np.float16),
    ):
        if array.ndim != axes or array.dtype != kind or len(array) != len(files):
            raise ValueError(f"{name} has shape {array.shape} of {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
    if postures.shape[1] != MOMENTS or postures.shape[3] != 3:
        raise ValueError(f"{POSTURES} has shape {postures.shape}")
    lengths = np.linalg.norm(vectors, axis=1)
    if (lengths > 1.001).any():
        raise ValueError("vectors are longer than 1")
    if len({file.file for file in files}) < len(files):
        raise ValueError("a file is there twice")
