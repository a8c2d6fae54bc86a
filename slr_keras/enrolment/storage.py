"""The enrolment file, such as `my_signs.slr`; see docs/reference/enrolment-file.md."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from slr_keras.enrolment.description import FORMAT, SCHEMA, VERSION, assembled, described
from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path, guarded, parse_json, refuse_waiting
from slr_keras.utils.npy import require_sound_npz
from slr_keras.utils.schema import checked

SUFFIX, DESCRIPTION = ".slr", "enrolment.json"
VECTORS, MIRRORED, BACKGROUND = "vectors", "mirrored", "background"
_KINDS = {VECTORS: "<f4", MIRRORED: "<f4", BACKGROUND: "<f8"}
#: Limits of a file.
MOST_BACKGROUND = 1_000_000
LARGEST_DESCRIPTION = 2**25
# Header of an array, which is padded to 64 bytes.
_HEADER = 1024
_AGAIN = "restore the file, or enrol the recordings again"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def is_enrolment(path: str | Path) -> bool:
    """Whether a path names an enrolment file, by its suffix.

    >>> from slr_keras.enrolment.storage import is_enrolment
    >>> is_enrolment("my_signs.slr"), is_enrolment("clip.mp4")
    (True, False)
    """
    return Path(path).suffix == SUFFIX


def write_enrolment(path: str | Path, enrolment: Enrolment) -> None:
    """Write an enrolment file, atomically; the same enrolment gives the same bytes.

    Raises:
        UserError: the name has another suffix than `.slr`.
    """
    if not is_enrolment(path):
        raise UserError(f"{path}: an enrolment file is named {SUFFIX}, as in my_signs{SUFFIX}")
    description = json.dumps(described(enrolment), indent=1, ensure_ascii=False) + "\n"
    arrays = {
        VECTORS: enrolment.vectors,
        MIRRORED: enrolment.mirrored,
        BACKGROUND: enrolment.impostors.background,
    }
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _add(archive, DESCRIPTION, description.encode())
        for name, array in arrays.items():
            content = io.BytesIO()
            plain = np.ascontiguousarray(array, _KINDS[name])
            np.lib.format.write_array(content, plain, version=(1, 0), allow_pickle=False)
            _add(archive, f"{name}.npy", content.getvalue())


def read_enrolment(path: str | Path) -> Enrolment:
    """Read an enrolment file; sizes are compared with the limits before anything is expanded.

    Raises:
        UserError: the file is missing, foreign, damaged, or of another version; says what to do.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(
            f"{path}: no such file; `slr enrol recordings --to {path}` makes an enrolment file"
        )
    refuse_waiting(path)
    if path.is_dir() or not _is_archive(path):
        raise UserError(f"{path}: not an enrolment file; `slr enrol` makes one")
    with guarded(path, "a damaged enrolment file", _AGAIN), zipfile.ZipFile(path) as archive:
        entries = _entries(archive, path)
        value = _description(archive, entries, path)
        examples = sum(len(sign["examples"]) for sign in value["signs"])
        shape = (examples, value["encoder"]["dimension"])
        require_sound_npz(path, set(_KINDS))
        vectors, mirrored = (_array(archive, entries, name, shape) for name in (VECTORS, MIRRORED))
        background = _array(archive, entries, BACKGROUND, None)
        return assembled(value, vectors, mirrored, background, path)


def _is_archive(path: Path) -> bool:
    with guarded(path, "cannot be read"), open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    entries = {info.filename: info for info in infos}
    if DESCRIPTION not in entries:
        raise UserError(
            f"{path}: not an enrolment file (no {DESCRIPTION} in it); `slr enrol` makes one"
        )
    if len(entries) < len(infos):
        raise ValueError("an entry is there twice")
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{info.filename} is compressed in an unknown way")
    return entries


def _description(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], path: Path
) -> dict[str, Any]:
    entry = entries[DESCRIPTION]
    if entry.file_size > LARGEST_DESCRIPTION:
        raise ValueError(f"{DESCRIPTION} states {entry.file_size:,} bytes")
    value = parse_json(_content(archive, entry).decode("utf-8"))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{path}: not an enrolment file; `slr enrol` makes one")
    version = value.get("version")
    if type(version) is int and version > VERSION:
        raise UserError(
            f"{path}: has version {version}, and this program reads version {VERSION}; install a "
            "newer slr_keras"
        )
    if version != VERSION or type(version) is not int:
        raise UserError(
            f"{path}: has version {version!r}, which is no longer read (this program reads version "
            f"{VERSION}); enrol the recordings again"
        )
    return checked(value, SCHEMA, path, _AGAIN)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry, which must be as many as the directory states."""
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ValueError(f"{entry.filename} has another size than stated")
    return content


def _array(
    archive: zipfile.ZipFile,
    entries: Mapping[str, zipfile.ZipInfo],
    name: str,
    shape: tuple[int, ...] | None,
) -> np.ndarray:
    """An array of a known shape; None: of any number of values."""
    kind = np.dtype(_KINDS[name])
    if f"{name}.npy" not in entries:
        raise ValueError(f"no {name}.npy in it")
    entry = entries[f"{name}.npy"]
    most = MOST_BACKGROUND if shape is None else int(np.prod(shape))
    if entry.file_size > most * kind.itemsize + _HEADER:
        raise ValueError(f"{name}.npy states {entry.file_size:,} bytes")
    stream: IO[bytes] = io.BytesIO(_content(archive, entry))
    array = np.lib.format.read_array(stream, allow_pickle=False)
    wanted = (array.size,) if shape is None else shape
    if array.dtype != kind or array.shape != wanted:
        raise ValueError(f"{name}.npy holds {array.dtype} of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}.npy holds values that are not finite")
    return np.ascontiguousarray(array)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
