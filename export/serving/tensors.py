"""Arrays in messages: `TensorProto` in gRPC, numbers and base64 in the JSON of REST."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.serving.failure import ServingError

# Dtypes of clips and scores by TensorFlow's number in a message.
_DTYPES = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    19: np.float16,
}
_NUMBERS = {np.dtype(dtype): number for number, dtype in _DTYPES.items()}
_STRING = 7
# A message with a huge shape and without numbers must not exhaust the memory of the server.
_MOST = 2**31


def from_proto(name: str, proto: Any) -> np.ndarray:
    """The array in a `TensorProto`; a view of `tensor_content` if possible.

    Raises:
        ServingError: the numbers do not fill the shape, or the dtype is not supported.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    count = 1
    for size in shape:
        count *= size
    if min(shape, default=0) < 0 or count > _MOST or proto.tensor_shape.unknown_rank:
        raise ServingError("INVALID_ARGUMENT", f"input {name!r}: its shape {shape} is impossible")
    content = proto.tensor_content
    if content and proto.dtype in _DTYPES:
        dtype = np.dtype(_DTYPES[proto.dtype])
        if len(content) != count * dtype.itemsize:
            raise ServingError(
                "INVALID_ARGUMENT",
                f"input {name!r}: {len(content)} bytes do not fill {shape} of {dtype}",
            )
        return np.frombuffer(content, dtype).reshape(shape)
    if proto.dtype == _STRING:
        return _strings(name, list(proto.string_val), shape, count)
    if proto.dtype not in _DTYPES:
        raise ServingError("INVALID_ARGUMENT", f"input {name!r}: dtype {proto.dtype} is not taken")
    import tensorflow as tf

    try:
        return tf.make_ndarray(proto)
    except (ValueError, TypeError) as error:
        raise ServingError("INVALID_ARGUMENT", f"input {name!r}: {error}") from None


def _strings(name: str, values: list[bytes], shape: tuple[int, ...], count: int) -> np.ndarray:
    if len(values) == 1:
        values = values * count
    if len(values) != count:
        raise ServingError(
            "INVALID_ARGUMENT", f"input {name!r}: {len(values)} strings do not fill {shape}"
        )
    array = np.empty(count, object)
    array[:] = values
    return array.reshape(shape)


def fill_proto(proto: Any, array: np.ndarray) -> None:
    """Write an array into an empty `TensorProto`."""
    dim = proto.tensor_shape.dim
    for size in array.shape:
        dim.add(size=size)
    if array.dtype == object:
        proto.dtype = _STRING
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.dtype = _NUMBERS[array.dtype]
        proto.tensor_content = array.tobytes()


def from_json(name: str, value: Any, dtype: np.dtype) -> np.ndarray:
    """The array of nested lists; strings are text or `{"b64": "..."}`.

    Raises:
        ServingError: lists differ in length, or values do not have the dtype.

    >>> import numpy as np
    >>> from export.serving.tensors import from_json
    >>> from_json("a", [[{"b64": "aGk="}]], np.dtype(object)).tolist()
    [[b'hi']]
    """
    try:
        if dtype.kind == "O":
            return _json_strings(value)
        array = np.array(value)
    except (ValueError, binascii.Error) as error:
        raise ServingError("INVALID_ARGUMENT", f"input {name!r}: {_plain(error)}") from None
    kinds = "iu" if dtype.kind in "iu" else "iuf"
    if dtype.kind == "b":
        kinds = "b"
    if array.dtype.kind not in kinds:
        kind = "text" if array.dtype.kind in "UO" else str(array.dtype)
        raise ServingError("INVALID_ARGUMENT", f"input {name!r}: holds {kind}, must be {dtype}")
    if dtype.kind in "iu" and array.size:
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ServingError("INVALID_ARGUMENT", f"input {name!r}: numbers beyond {dtype}")
    return array.astype(dtype)


def _json_strings(value: Any) -> np.ndarray:
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        if not level:
            break
        level = level[0]
    flat: list[bytes] = []

    def walk(part: Any, depth: int) -> None:
        if depth == len(shape):
            flat.append(_decoded(part))
            return
        if not isinstance(part, list) or len(part) != shape[depth]:
            raise ValueError("its lists differ in length")
        for inner in part:
            walk(inner, depth + 1)

    walk(value, 0)
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape)


def _decoded(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str):
        return base64.b64decode(value["b64"], validate=True)
    raise ValueError('a string is text or {"b64": "..."}')


def _plain(error: Exception) -> str:
    text = str(error)
    return "its lists differ in length" if "inhomogeneous" in text else text


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
