"""Torch tensors in pickles, and both formats of `torch.save`, as numpy arrays.

A tensor pickled by plain `pickle.dump` holds its numbers as the bytes of a nested `torch.save` of
its storage. Both formats of `torch.save`, nested or as the file itself, are read: the older row of
pickles with the numbers behind them, and the zip archive.
"""

import io
import math
import struct
import zipfile
from typing import Any, BinaryIO

import numpy as np

from slr_keras.data.pickles.pickle_machine import (
    Bounded,
    Machine,
    Names,
    Refused,
    raw_bytes,
    shorten,
)

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
# numpy allows no more axes (32 before its second version).
_MAXIMUM_AXES = 32
_BFLOAT16 = "BFloat16Storage"
_STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    # Read as the upper halves of float32, which numpy has.
    _BFLOAT16: "u2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "UntypedStorage": "u1",
}


def _kind(storage_type: Any) -> str:
    return getattr(storage_type, "name", "").rpartition(".")[2]


def _numbers(stored: np.ndarray, storage_type: Any) -> np.ndarray:
    """The numbers of a storage; float32 for bfloat16."""
    if _kind(storage_type) != _BFLOAT16:
        return stored
    return (stored.astype(np.uint32) << 16).view(np.float32)


def _storage_dtype(storage_type: Any) -> np.dtype:
    kind = _kind(storage_type)
    if kind not in _STORAGES:
        raise Refused(f"it has a tensor storage of the unknown type {shorten(kind)}")
    return np.dtype(_STORAGES[kind]).newbyteorder("<")


def _storage_key(key: Any, elements: Any) -> str:
    # Only a short text may be looked up: the hash of a nested tuple can take for ever.
    if not isinstance(key, str) or type(elements) is not int or elements < 0:
        raise Refused("it has a tensor storage without a name or a size")
    return key


def read_legacy(stream: Bounded, names: Names, machine: type[Machine] = Machine) -> Any:
    """Read the old format after its magic number: version, system, value, keys, storages."""
    storages: dict[str, np.ndarray] = {}
    types: dict[str, Any] = {}
    declared = 0

    def persistent(reference: Any) -> np.ndarray:
        nonlocal declared
        kind, storage_type, key, _, elements, *view = reference
        if kind != "storage" or any(part is not None for part in view):
            raise Refused("it refers to an object that is not a whole storage")
        key = _storage_key(key, elements)
        dtype = _storage_dtype(storage_type)
        if key not in storages:
            declared += elements * dtype.itemsize
            if declared > stream.remaining:
                raise EOFError(f"{elements} numbers announced, more than the file holds")
            storages[key] = _numbers(np.empty(elements, dtype), storage_type)
            types[key] = storage_type
        return storages[key]

    version = Machine({}).run(stream)
    if version != _LEGACY_PROTOCOL:
        raise Refused(f"its torch.save protocol is not the known {_LEGACY_PROTOCOL}")
    Machine({}).run(stream)  # the writer's type sizes; numbers are little-endian in every case
    value = machine(names, persistent, stream.remaining).run(stream)
    keys = Machine({}).run(stream)
    if any(type(key) is not str for key in keys) or sorted(keys) != sorted(storages):
        raise ValueError("its tensors and its numbers do not match")
    for key in keys:
        raw = storages[key]
        (elements,) = struct.unpack("<q", stream.read(8))
        if elements != len(raw):
            raise ValueError(f"storage {key} has {elements} numbers where {len(raw)} are declared")
        # In place: the tensors of `value` are views of it already.
        dtype = _storage_dtype(types[key])
        stored = np.frombuffer(stream.read(elements * dtype.itemsize), dtype)
        raw[:] = _numbers(stored, types[key])
    return value


def read_zip(file: BinaryIO, size: int, names: Names, machine: type[Machine] = Machine) -> Any:
    """Read the zip format: `<name>/data.pkl` and `<name>/data/<key>`, not compressed."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise Refused("its archive is compressed, which torch.save never does")
        if sum(entry.file_size for entry in entries) > size:
            raise Refused("its archive declares more bytes than the file holds")
        pickles = [e.filename for e in entries if e.filename.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise Refused("it is a zip archive, but not one that torch.save made")
        root = pickles[0].partition("/")[0]
        order = "<"
        if f"{root}/byteorder" in archive.namelist():
            order = {b"little": "<", b"big": ">"}[archive.read(f"{root}/byteorder")]
        storages: dict[str, np.ndarray] = {}

        def persistent(reference: Any) -> np.ndarray:
            kind, storage_type, key, _, elements = reference
            if kind != "storage":
                raise Refused("it refers to an object that is not a storage")
            key = _storage_key(key, elements)
            if key not in storages:
                dtype = _storage_dtype(storage_type).newbyteorder(order)
                stored = np.frombuffer(archive.read(f"{root}/data/{key}"), dtype)
                storages[key] = _numbers(stored, storage_type)
                if len(storages[key]) != elements:
                    raise ValueError(f"storage {key} does not hold {elements} numbers")
            return storages[key]

        data = archive.read(pickles[0])
        return machine(names, persistent, size).run(Bounded(io.BytesIO(data), len(data)))


def _load_from_bytes(data: Any) -> np.ndarray:
    data = raw_bytes(data)
    # A storage holds numbers only, so nothing inside of it may nest again.
    if data.startswith(b"PK\x03\x04"):
        value = read_zip(io.BytesIO(data), len(data), STORAGE_NAMES)
    else:
        stream = Bounded(io.BytesIO(data), len(data))
        if Machine({}).run(stream) != LEGACY_MAGIC:
            raise Refused("a tensor's storage is not a torch.save")
        value = read_legacy(stream, STORAGE_NAMES)
    if not isinstance(value, np.ndarray):
        raise Refused("a tensor's storage holds something else")
    return value


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> np.ndarray:
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise Refused("it has a tensor without a storage")
    if len(size) != len(stride) or len(size) > _MAXIMUM_AXES:
        raise Refused("it has a tensor without a stride for every axis")
    if any(type(part) is not int or part < 0 for part in (offset, *size, *stride)):
        raise Refused("it has a tensor whose shape is not made of numbers")
    if 0 in size:
        return np.zeros(size, storage.dtype)
    # Axis by axis first, so that the product itself stays small.
    available = len(storage)
    if any(part > available for part in size) or math.prod(size) > available:
        raise Refused(f"it has a tensor larger than its storage of {available} numbers")
    if offset + sum((n - 1) * step for n, step in zip(size, stride)) >= available:
        raise Refused(f"it has a tensor that reaches beyond its storage of {available} numbers")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


STORAGE_NAMES: Names = {
    f"{module}.{name}": None for name in _STORAGES for module in ("torch", "torch.storage")
}
TORCH_NAMES: Names = {
    **STORAGE_NAMES,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch.storage._load_from_bytes": _load_from_bytes,
}
