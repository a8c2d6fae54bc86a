"""Read the keypoint pickles of the published code bases without torch and without executing code.

The keypoints of PHOENIX-2014-T, PHOENIX-2014 and CSL-Daily are passed around as Python pickles
(specs: MSKA's `dict name -> {name, gloss, text, num_frames, keypoint: FloatTensor (T, 133, 3)}`,
TwoStream's `dict name -> {keypoints: ndarray (T, 133, 3)}` beside gzipped lists of annotations).
Un-pickling runs whatever the file says; this reader interprets it instead
(`slr_keras.data.pickles.pickle_machine`): torch tensors and numpy arrays of numbers become numpy
arrays, dictionaries, lists, tuples, texts and numbers stay what they are, anything else is refused.
No size that a file declares is believed before the bytes are there.
"""

import gzip
import os
import re
from pathlib import Path
from typing import IO, Any

import numpy as np

from slr_keras.data.pickles.pickle_machine import (
    Bounded,
    Machine,
    Names,
    Pending,
    Refused,
    raw_bytes,
    shorten,
)
from slr_keras.data.pickles.pickle_torch import (
    LEGACY_MAGIC,
    TORCH_NAMES,
    read_legacy,
    read_zip,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded

# Deflate cannot pass 1032; text and coordinates stay far below 200. A bomb does not.
_GZIP_EXPANSION = 200
_GZIP_ALLOWANCE = 16 << 20
# Expansion of annotations, up to which their values may fill memory.
_GZIP_USUAL = 8


def read_pickle(path: str | Path) -> Any:
    """Read a pickle of plain data, numpy arrays and torch tensors; no code is executed.

    Args:
        path: a pickle or a `torch.save` file, plain or gzipped.

    Returns:
        dictionaries, lists, tuples, texts, bytes, numbers, and numpy arrays for tensors.

    Raises:
        UserError: the file cannot be read, is incomplete, or requests anything but plain data; the
            message names the file and the request.

    >>> import pathlib, pickle, tempfile
    >>> from slr_keras.data.pickles.unpickle import read_pickle
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "clips.pkl")
    ...     _ = path.write_bytes(pickle.dumps({"a": {"gloss": "RAIN SOON"}}))
    ...     read_pickle(path)
    {'a': {'gloss': 'RAIN SOON'}}
    """
    path = Path(path)
    remedy = "it is truncated, damaged or of another format: fetch it again"
    with guarded(path, "not a whole pickle", remedy), open(path, "rb") as file:
        try:
            return _read_file(file)
        except Refused as error:
            raise UserError(
                f"{path}: this pickle is not plain data and was not loaded: {error}"
            ) from error


def _read_file(file: IO[bytes]) -> Any:
    size = os.fstat(file.fileno()).st_size
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        limit = _GZIP_EXPANSION * size + _GZIP_ALLOWANCE
        return _read_stream(Bounded(gzip.GzipFile(fileobj=file), limit), _GZIP_USUAL * size)
    if head.startswith(b"PK\x03\x04"):
        return read_zip(file, size, _NAMES)
    return _read_stream(Bounded(file, size))


def _read_stream(stream: Bounded, most: int | None = None) -> Any:
    value = Machine(_NAMES, most=most).run(stream)
    if type(value) is int and value == LEGACY_MAGIC:
        return read_legacy(stream, _NAMES)
    return value


# --- numpy ------------------------------------------------------------------------------------
_NUMERIC = re.compile(r"\?|b1|[iu][1248]|f[248]|[bBhHiIlLqQefd]")


class _Dtype(Pending):
    def __init__(self, text: Any, *_: Any):
        if not isinstance(text, str) or not _NUMERIC.fullmatch(text):
            raise Refused(f"it has an array of {shorten(text)}, which is not a number type")
        self.dtype = np.dtype(text)

    def finish(self, state: Any) -> np.dtype:
        if state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise Refused("it has an array of a composed type")
        return self.dtype.newbyteorder(state[1])


class _Array(Pending):
    def __init__(self, *_: Any):
        pass

    def finish(self, state: Any) -> np.ndarray:
        _, shape, dtype, fortran, raw = state
        return _from_buffer(raw, dtype, shape, "F" if fortran else "C")


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if isinstance(dtype, _Dtype):
        dtype = dtype.dtype
    if not isinstance(dtype, np.dtype) or order not in ("C", "F"):
        raise Refused("it has an array without a number type")
    return np.frombuffer(raw_bytes(raw), dtype).reshape(shape, order=order)


def _scalar(dtype: Any, raw: Any) -> int | float | bool:
    return _from_buffer(raw, dtype, (), "C").item()


def _encode(text: Any, encoding: Any) -> bytes:
    """How Python 3 writes bytes in the older pickle protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise Refused(f"it encodes text as {shorten(encoding)}")
    return raw_bytes(text)


def _empty_bytes() -> bytes:
    """`bytes()`: the same protocols' way to write none; with an argument it fills memory."""
    return b""


def _ordered_dict(items: Any = ()) -> dict:
    if not all(isinstance(key, str) for key, _ in items):
        raise Refused("it has an ordered dictionary whose keys are not text")
    return dict(items)


_NUMPY_NAMES: Names = {
    "numpy.ndarray": None,
    "numpy.dtype": _Dtype,
    # numpy 2 moved its core to `numpy._core`.
    **{
        f"numpy.{core}.{name}": construct
        for core in ("core", "_core")
        for name, construct in (
            ("multiarray._reconstruct", _Array),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
}
_NAMES: Names = {
    **_NUMPY_NAMES,
    **TORCH_NAMES,
    "_codecs.encode": _encode,
    "__builtin__.bytes": _empty_bytes,
    "builtins.bytes": _empty_bytes,
    "collections.OrderedDict": _ordered_dict,
}
