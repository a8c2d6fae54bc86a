"""Check what `.npy` and `.npz` files state before numpy allocates or expands it."""

import io
import os
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from slr_keras.utils.limits import BYTES, require_file

# Longest header that numpy reads from untrusted files.
_LONGEST_HEADER = 10_000
# Archives below this size, or of a lower ratio of compression, are only bounded by the limit.
_SMALL, _COMPRESSED = 2**28, 200
_HEADS = {1: (2, np.lib.format.read_array_header_1_0), 2: (4, np.lib.format.read_array_header_2_0)}


class _Stated(NamedTuple):
    """Size of an array's header and of its data in bytes, as the header states them."""

    header: int
    data: int


def require_sound_npy(path: str | Path) -> None:
    """Refuse a `.npy` file that is no regular file, holds objects, or is shorter than it states.

    Raises:
        UserError: the path is a pipe or a device.
        ValueError: the header is damaged or states something else than the file holds.
        OSError: the file cannot be read.
    """
    require_file(path)
    with open(path, "rb") as file:
        stated = _stated(file)
        if sum(stated) > os.fstat(file.fileno()).st_size:
            raise ValueError(f"states {stated.data:,} bytes of data, which are not there")


def require_sound_npz(path: str | Path, names: Collection[str] | None = None) -> None:
    """Refuse a `.npz` archive whose arrays would expand beyond the limits.

    Only the directory of the archive and the headers of the arrays are read.

    Args:
        path: the archive.
        names: arrays that will be read; None: all.

    Raises:
        UserError: the path is a pipe or a device, or the arrays are larger than the limit of bytes.
        ValueError: an array holds objects, or its header differs from the archive's directory.
        zipfile.BadZipFile: the archive is damaged.
    """
    require_file(path)
    total = compressed = 0
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if names is not None and name not in names:
                continue
            if name == entry.filename:
                # numpy would expand such an entry to see that it is no array.
                raise ValueError(f"{name} is no array")
            with archive.open(entry) as file:
                stated = _stated(file)
            if sum(stated) != entry.file_size:
                raise ValueError(f"{name} states {stated.data:,} bytes, not those of its entry")
            total += stated.data
            compressed += entry.compress_size
    BYTES.require(total, path)
    if total > _SMALL and total > _COMPRESSED * compressed and not os.environ.get(BYTES.variable):
        statement = f"its arrays expand from {compressed:,} to {total:,} bytes, which is"
        raise BYTES.exceeded(f"{statement} beyond {_COMPRESSED} times and", path)


def is_npz(path: str | Path) -> bool:
    """Whether a regular file begins as an archive, whatever its name.

    Raises:
        UserError: the path is a pipe or a device.
        OSError: the file cannot be read.
    """
    require_file(path)
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _stated(file: IO[bytes]) -> _Stated:
    major, _ = np.lib.format.read_magic(file)
    width, read = _HEADS[min(major, 2)]
    length = file.read(width)
    if len(length) < width or (size := int.from_bytes(length, "little")) > _LONGEST_HEADER:
        raise ValueError("its header is damaged or too long")
    text = file.read(size)
    shape, _, kind = read(io.BytesIO(length + text))
    if kind.hasobject:
        raise ValueError("holds objects, which are not read")
    count = 1
    for side in shape:
        if not isinstance(side, int) or side < 0:
            raise ValueError(f"states the shape {shape}")
        count *= side
    return _Stated(8 + width + size, count * kind.itemsize)
