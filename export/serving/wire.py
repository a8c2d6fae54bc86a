"""Reads the outline of a `PredictRequest` without building its tensors.

A protobuf parser believes a message: a few bytes of empty fields become objects of a hundred bytes
each. This reader walks over the encoded fields, with a limit of their number, and notes dtype,
shape and size of every input. The server compares them with the model before it decodes a value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from export.serving.failure import ServingError

# Fields of one message at all levels; a picture is one field.
_MOST_FIELDS = 20_000
_MOST_DIMENSIONS = 16
# Bytes of names, version, signature and output filter.
_MOST_OTHER = 65_536
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
# Numbers of the fields of PredictRequest and TensorProto.
_INPUTS = 2
_KEY, _VALUE = 1, 2
_DTYPE, _SHAPE, _CONTENT, _STRINGS = 1, 2, 4, 8
_DIM, _UNKNOWN_RANK, _SIZE = 2, 3, 1

# Dtypes of clips and scores by TensorFlow's number in a message.
DTYPES = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    19: np.float16,
}
STRING = 7


@dataclass(frozen=True)
class Outline:
    """An encoded tensor, of which dtype and shape are known.

    Attributes:
        dtype: of the array; object for strings.
        shape: of the array.
        content: bytes of `tensor_content`.
        values: bytes of the other fields of values.
        strings: number of strings.
        longest: bytes of the longest string.
        encoded: the encoded `TensorProto`.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    content: int
    values: int
    strings: int
    longest: int
    encoded: memoryview


def outline(message: bytes) -> tuple[bytes, dict[str, Outline]]:
    """Split an encoded `PredictRequest`.

    Returns:
        the encoded request without inputs, and the outlines of the inputs by name.

    Raises:
        ServingError: the message is not a `PredictRequest`, or has too many fields.

    >>> from tensorflow_serving.apis.predict_pb2 import PredictRequest
    >>> from export.serving.wire import outline
    >>> request = PredictRequest()
    >>> request.inputs["lengths"].dtype = 3
    >>> request.inputs["lengths"].tensor_shape.dim.add(size=2)
    size: 2
    <BLANKLINE>
    >>> rest, inputs = outline(request.SerializeToString())
    >>> inputs["lengths"].shape
    (2,)
    """
    view, walker = memoryview(message), _Walker()
    rest, inputs, kept = bytearray(), {}, 0
    for number, value, start, end in walker.fields(view):
        if number == _INPUTS and isinstance(value, memoryview):
            name, tensor = _entry(walker, value)
            inputs[name] = _tensor(walker, name, tensor)
        else:
            kept += end - start
            if kept > _MOST_OTHER:
                raise refused(f"more than {_MOST_OTHER:,} bytes beside the inputs")
            rest += view[start:end]
    return bytes(rest), inputs


def _entry(walker: "_Walker", entry: memoryview) -> tuple[str, memoryview]:
    name, tensor = "", memoryview(b"")
    for number, value, _, _ in walker.fields(entry):
        if number == _KEY and isinstance(value, memoryview):
            name = bytes(value[:256]).decode(errors="replace")
        elif number == _VALUE and isinstance(value, memoryview):
            tensor = value
    return name, tensor


def _tensor(walker: "_Walker", name: str, tensor: memoryview) -> Outline:
    dtype, content, values, strings, longest = 0, 0, 0, 0, 0
    shape: list[int] = []
    for number, value, start, end in walker.fields(tensor):
        if number == _DTYPE and isinstance(value, int):
            dtype = value
        elif number == _SHAPE and isinstance(value, memoryview):
            shape += _sizes(walker, name, value)
        elif number == _CONTENT and isinstance(value, memoryview):
            content = len(value)
        elif number == _STRINGS and isinstance(value, memoryview):
            strings += 1
            longest = max(longest, len(value))
        else:
            values += end - start
    if dtype != STRING and dtype not in DTYPES:
        raise refused(f"input {name!r}: dtype {dtype} is not taken")
    kind = np.dtype(object if dtype == STRING else DTYPES[dtype])
    return Outline(kind, tuple(shape), content, values, strings, longest, tensor)


def _sizes(walker: "_Walker", name: str, shape: memoryview) -> list[int]:
    sizes = []
    for number, value, _, _ in walker.fields(shape):
        if number == _UNKNOWN_RANK and value:
            raise refused(f"input {name!r}: its shape is not known")
        if number != _DIM or not isinstance(value, memoryview):
            continue
        size = 0
        for part, inner, _, _ in walker.fields(value):
            if part == _SIZE and isinstance(inner, int):
                size = inner
        sizes.append(size)
        # On the wire, a negative size is a number of 64 bits.
        if size >= 2**63 or len(sizes) > _MOST_DIMENSIONS:
            raise refused(f"input {name!r}: its shape is impossible")
    return sizes


class _Walker:
    """Walks over encoded messages, and counts their fields."""

    def __init__(self) -> None:
        self._count = 0

    def fields(self, view: memoryview) -> Iterator[tuple[int, int | memoryview, int, int]]:
        """Number, value, start and end of each field; a fixed number is given as its bytes."""
        at, end = 0, len(view)
        while at < end:
            self._count += 1
            if self._count > _MOST_FIELDS:
                raise refused(f"the message has more than {_MOST_FIELDS:,} fields")
            start = at
            tag, at = _varint(view, at)
            wire = tag & 7
            value: int | memoryview
            if wire == _VARINT:
                value, at = _varint(view, at)
            else:
                if wire == _BYTES:
                    size, at = _varint(view, at)
                elif wire in _FIXED:
                    size = _FIXED[wire]
                else:
                    raise _broken()
                value, at = view[at : at + size], at + size
                if at > end:
                    raise _broken()
            yield tag >> 3, value, start, at


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise _broken()


def _broken() -> ServingError:
    return refused("the message is not a request of the interface")


def refused(message: str) -> ServingError:
    """The error of a request that does not fit the interface."""
    return ServingError("INVALID_ARGUMENT", message)
