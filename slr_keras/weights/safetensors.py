"""Reader and writer of the safetensors format.

A file has 8 bytes with the length N of the header (little-endian), N bytes of JSON with names,
types, shapes and offsets, and the numbers without gaps. The reader checks the header against the
bytes of the file before it uses any value.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    # numpy has no bfloat16: read as bits, widened to float32 below.
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items() if name != "BF16"}
# The format's own limit.
_LONGEST_HEADER = 100_000_000
_MAXIMUM_AXES = 32


def looks_like_safetensors(data: bytes) -> bool:
    """Whether the first bytes fit the format.

    >>> from slr_keras.weights.safetensors import looks_like_safetensors, write_safetensors
    >>> looks_like_safetensors(write_safetensors({}))
    True
    """
    return len(data) > 8 and data[8:9] == b"{"


def read_safetensors(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read the tensors and the metadata of a file.

    Args:
        data: the whole file.

    Returns:
        read-only arrays by name (bfloat16 as float32), and metadata strings by name.

    Raises:
        ValueError: the bytes are not a complete file of the format; the message says why.

    >>> import numpy as np
    >>> from slr_keras.weights.safetensors import read_safetensors, write_safetensors
    >>> read_safetensors(write_safetensors({"a": np.ones(2, "float32")}, {"by": "me"}))
    ({'a': array([1., 1.], dtype=float32)}, {'by': 'me'})
    """
    if len(data) < 8:
        raise ValueError("it is shorter than the length of its header")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(len(data) - 8, _LONGEST_HEADER):
        raise ValueError(f"its header of {length} bytes is longer than the file")
    try:
        header = json.loads(data[8 : 8 + length].decode(), object_pairs_hook=_unique)
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise ValueError("its header is not a table of tensors")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or any(type(v) is not str for v in metadata.values()):
        raise ValueError("its metadata are not texts")
    numbers = memoryview(data)[8 + length :]
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: _place(*item)):
        begin = _place(name, entry)[0]
        if begin != end:
            raise ValueError(f"tensor {name[:80]!r} does not begin where the one before it ends")
        tensors[name], end = _tensor(name, entry, numbers)
    if end != len(numbers):
        raise ValueError(f"it holds {len(numbers)} bytes of numbers where {end} are described")
    return tensors, metadata


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("its header names something twice")
    return table


def _place(name: str, entry: Any) -> tuple[int, int]:
    """Offsets of the first and last byte of a tensor."""
    place = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not _is_sizes(place) or len(place) != 2 or place[0] > place[1]:
        raise ValueError(f"tensor {name[:80]!r} has no valid place")
    return place[0], place[1]


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _tensor(name: str, entry: dict, numbers: memoryview) -> tuple[np.ndarray, int]:
    begin, end = _place(name, entry)
    kind, shape = entry.get("dtype"), entry.get("shape")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"tensor {name[:80]!r} has the unknown type {str(kind)[:40]!r}")
    if not _is_sizes(shape) or len(shape) > _MAXIMUM_AXES or any(n >= 2**62 for n in shape):
        raise ValueError(f"tensor {name[:80]!r} has no valid shape")
    dtype = np.dtype(_TYPES[kind])
    if end > len(numbers):
        raise ValueError(f"tensor {name[:80]!r} reaches beyond the end of the file")
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(f"tensor {name[:80]!r} does not fit its shape")
    array = np.frombuffer(numbers[begin:end], dtype).reshape(shape)
    if kind == "BF16":
        array = (array.astype("<u4") << 16).view("<f4")
    return array, end


def write_safetensors(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Write tensors to bytes; equal tensors give equal bytes.

    Args:
        tensors: arrays by name.
        metadata: strings by name. Defaults to `None`.

    Returns:
        the content of the file.

    Raises:
        KeyError: the format does not have the dtype of an array.

    >>> import numpy as np
    >>> from slr_keras.weights.safetensors import write_safetensors
    >>> len(write_safetensors({"a": np.zeros(2, "float32")})) % 8
    0
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    parts, end = [], 0
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor)
        kind = _NAMES[raw.dtype.newbyteorder("<") if raw.dtype.itemsize > 1 else raw.dtype]
        part = raw.astype(_TYPES[kind], copy=False).tobytes()
        place = [end, end + len(part)]
        header[name] = {"dtype": kind, "shape": list(np.shape(tensor)), "data_offsets": place}
        parts.append(part)
        end += len(part)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # Padded so that the numbers are aligned.
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])
