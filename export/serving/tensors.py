"""Arrays in messages: `TensorProto` in gRPC, lists and base64 in JSON answers."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.serving.failure import ServingError
from export.serving.wire import DTYPES, STRING, refused

_NUMBERS = {np.dtype(dtype): number for number, dtype in DTYPES.items()}
# Bytes of the largest array of a message without limits of its own.
_MOST = 2**31
_POINTER = 8


def from_proto(name: str, proto: Any, most: int | None = None) -> np.ndarray:
    """The array in a `TensorProto`; a view of `tensor_content` if possible.

    Args:
        name: of the tensor.
        proto: the message.
        most: bytes of the largest array; a single value may stand for all values of a shape.

    Raises:
        ServingError: the numbers do not fill the shape, the array is too large, or the dtype is
            not supported.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    count = math.prod(shape)
    if min(shape, default=0) < 0 or proto.tensor_shape.unknown_rank:
        raise refused(f"input {name!r}: its shape {shape} is impossible")
    if proto.dtype != STRING and proto.dtype not in DTYPES:
        raise refused(f"input {name!r}: dtype {proto.dtype} is not taken")
    most = _MOST if most is None else most
    if proto.dtype == STRING:
        return _strings(name, proto.string_val, shape, most)
    dtype = np.dtype(DTYPES[proto.dtype])
    if count * dtype.itemsize > most:
        raise refused(f"input {name!r}: shape {shape} takes more than {most:,} bytes")
    content = proto.tensor_content
    if content:
        if len(content) != count * dtype.itemsize:
            raise refused(f"input {name!r}: {len(content)} bytes do not fill {shape} of {dtype}")
        return np.frombuffer(content, dtype).reshape(shape)
    import tensorflow as tf

    try:
        return tf.make_ndarray(proto)
    except (ValueError, TypeError, OverflowError) as error:
        raise refused(f"input {name!r}: {str(error)[:200]}") from None


def _strings(name: str, values: Sequence[bytes], shape: tuple[int, ...], most: int) -> np.ndarray:
    count = math.prod(shape)
    if len(values) not in (1, count):
        raise refused(f"input {name!r}: {len(values)} strings do not fill {shape}")
    longest = max(map(len, values), default=0) if len(values) == 1 else 0
    if count * (longest + _POINTER) > most:
        raise refused(f"input {name!r}: {shape} strings take more than {most:,} bytes")
    array = np.empty(count, object)
    array[:] = values if len(values) == count else [values[0]] * count
    return array.reshape(shape)


def fill_proto(proto: Any, array: np.ndarray) -> None:
    """Write an array into an empty `TensorProto`."""
    dim = proto.tensor_shape.dim
    for size in array.shape:
        dim.add(size=size)
    if array.dtype == object:
        proto.dtype = STRING
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.dtype = _NUMBERS[array.dtype]
        proto.tensor_content = array.tobytes()


def to_json(array: np.ndarray) -> Any:
    """Nested lists of an array; bytes become `{"b64": "..."}`.

    >>> import numpy as np
    >>> from export.serving.tensors import to_json
    >>> to_json(np.array([[1.5, 2.0]], "float32"))
    [[1.5, 2.0]]
    """
    return _encoded(array.tolist()) if array.dtype == object else array.tolist()


def _encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_encoded(inner) for inner in value]
    return {"b64": base64.b64encode(value).decode()}


def rows_of(arrays: Mapping[str, np.ndarray]) -> list[dict[str, Any]] | list[Any]:
    """Outputs in row format: one object for each clip, or the bare value of a single output.

    Raises:
        ServingError: outputs differ in their first axis and need the column format.
    """
    counts: Sequence[int] = [len(array) if array.ndim else -1 for array in arrays.values()]
    if len(set(counts)) != 1 or counts[0] < 0:
        raise ServingError(
            "INVALID_ARGUMENT", 'outputs differ in their first axis; send "inputs" instead'
        )
    lists = {name: to_json(array) for name, array in arrays.items()}
    if len(lists) == 1:
        return next(iter(lists.values()))
    return [dict(zip(lists, row)) for row in zip(*lists.values())]
