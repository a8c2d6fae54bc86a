"""Arrays in the JSON of a REST request, with limits that are checked before the text is parsed.

A JSON parser makes an object of every value: 4 MB of `[],` are a million lists. The limits follow
from the signatures of the model, and a scan for brackets and commas finds the sizes.
"""

import base64
import binascii
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.serving.model import Signature
from export.serving.request_shapes import Bounds, check_shape
from export.serving.wire import refused

# Limits for inputs of free sizes. Larger clips are sent over gRPC or as encoded pictures.
_MOST_VALUES = 2**22
_MOST_LISTS = 2**20
_SLACK = 64
_STEP = 2**20


@dataclass(frozen=True)
class JsonLimits:
    """Values, and lists or objects, that the largest request of a model has in JSON."""

    values: int
    lists: int

    @classmethod
    def of(cls, signatures: Mapping[str, Signature], bounds: Iterable[Bounds]) -> "JsonLimits":
        """Limits for the signatures of a model.

        Args:
            signatures: by name.
            bounds: most clips and frames of a request to each signature.

        >>> import numpy as np
        >>> from export.serving.model import Signature, Tensor
        >>> from export.serving.request_shapes import Bounds
        >>> keypoints = Tensor(np.dtype("float32"), (None, None, 133, 3), "")
        >>> JsonLimits.of({"a": Signature({"keypoints": keypoints}, {})}, [Bounds(8, 64)]).values
        204360
        """
        largest = [_largest(*pair) for pair in zip(signatures.values(), bounds)]
        values = max((pair[0] for pair in largest), default=0) + _SLACK
        lists = max((pair[1] for pair in largest), default=0) + _SLACK
        return cls(min(values, _MOST_VALUES), min(lists, _MOST_LISTS))

    def check(self, body: bytes) -> None:
        """Refuse a body of more values or lists than the largest request has.

        Raises:
            ServingError: INVALID_ARGUMENT.
        """
        values = lists = 0
        for start in range(0, len(body), _STEP):
            part = body[start : start + _STEP]
            values += part.count(b",")
            lists += part.count(b"[") + part.count(b"{")
            if values > self.values or lists > self.lists:
                raise refused(
                    f"the JSON has more than {self.values:,} values or {self.lists:,} lists, "
                    "which no request to this model needs; send fewer clips or use gRPC"
                )


def _largest(signature: Signature, bounds: Bounds) -> tuple[int, int]:
    values, lists = 0, 2 * bounds.rows
    for name, tensor in signature.inputs.items():
        count = 1
        for size in bounds.largest(signature, name):
            lists += count
            count = min(count * size, 2 * _MOST_VALUES)
        values += count + bounds.rows
        # A string is an object {"b64": ...}.
        lists += count if tensor.dtype.kind == "O" else 0
    return values, lists


def from_json(name: str, value: Any, signature: Signature, bounds: Bounds) -> np.ndarray:
    """The array of nested lists; strings are text or `{"b64": "..."}`.

    Args:
        name: of the input.
        value: parsed JSON.
        signature: of the model, which has the input.
        bounds: most clips and frames of a request.

    Raises:
        ServingError: the shape does not fit, lists differ in length, or values are of another type.
    """
    dtype = signature.inputs[name].dtype
    shape = _shape(value)
    check_shape(name, shape, dtype, signature, bounds)
    level = [value]
    for size in shape:
        if any(type(part) is not list or len(part) != size for part in level):
            raise refused(f"input {name!r}: its lists differ in length")
        level = list(itertools.chain.from_iterable(level))
    try:
        array = _strings(level) if dtype.kind == "O" else _numbers(name, level, dtype)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise refused(f"input {name!r}: {error}") from None
    return array.reshape(shape)


def _shape(value: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(value, list) and len(shape) < 32:
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _numbers(name: str, values: list[Any], dtype: np.dtype) -> np.ndarray:
    types = set(map(type, values))
    allowed = {"b": {bool}, "i": {int}, "u": {int}}.get(dtype.kind, {int, float})
    if types - allowed:
        kinds = ", ".join(sorted(_KINDS.get(kind, kind.__name__) for kind in types - allowed))
        raise refused(f"input {name!r}: holds {kinds}, must be {dtype}")
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if values and (min(values) < limits.min or max(values) > limits.max):
            raise refused(f"input {name!r}: numbers beyond {dtype}")
        return np.array(values, dtype)
    with np.errstate(over="ignore"):
        return np.array(values, np.float64 if dtype.kind == "f" else dtype).astype(dtype)


_KINDS = {str: "text", float: "float64", int: "int64", list: "lists", dict: "objects"}


def _strings(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = [_decoded(value) for value in values]
    return array


def _decoded(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str):
        return base64.b64decode(value["b64"], validate=True)
    raise ValueError('a string is text or {"b64": "..."}')
