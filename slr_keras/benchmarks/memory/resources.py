"""Variables and lists of tensors in a dry run; every function is `(op, inputs, ledger)`."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from slr_keras.benchmarks.memory.ledger import (
    Ledger,
    Tensor,
    TensorList,
    Value,
    bytes_of,
)


def _new(shape: tuple[int, ...], dtype: tf.DType, ledger: Ledger) -> Tensor:
    return Tensor(dtype, shape, ledger.buffer(bytes_of(shape, dtype)))


def _known(value, dtype: tf.DType, ledger: Ledger) -> Tensor:
    value = np.asarray(value, dtype.as_numpy_dtype)
    return Tensor(dtype, value.shape, ledger.buffer(value.nbytes), value)


def _nothing(op, inputs, ledger) -> list[Value]:
    return []


def _constant(op, inputs, ledger):
    return [_known(tf.make_ndarray(op.get_attr("value")), op.outputs[0].dtype, ledger)]


# === Shapes ===


def _shapes(op, inputs, ledger):
    return [
        _known(tensor.shape, output.dtype, ledger) for tensor, output in zip(inputs, op.outputs)
    ]


def _rank(op, inputs, ledger):
    return [_known(len(inputs[0].shape), tf.int32, ledger)]


def _size(op, inputs, ledger):
    return [_known(math.prod(inputs[0].shape), op.outputs[0].dtype, ledger)]


# === Variables ===


def _read(op, inputs, ledger):
    return [inputs[0].tensor]


def _gather(op, inputs, ledger):
    variable, indices = inputs
    shape = (*indices.shape, *variable.tensor.shape[1:])
    return [_new(shape, variable.tensor.dtype, ledger)]


def _variable_shape(op, inputs, ledger):
    return [_known(inputs[0].tensor.shape, op.outputs[0].dtype, ledger)]


# === Lists ===


def _shape_of(tensor: Tensor) -> tuple[int, ...] | None:
    """An item's shape as an operation is given it; a scalar below 0 leaves it open."""
    if tensor.value is None or not tensor.value.ndim:
        return None
    return tuple(int(size) for size in tensor.value)


def _item_type(op) -> tf.DType:
    return op.get_attr("element_dtype")


def _empty(op, inputs, ledger):
    return [TensorList((), _shape_of(inputs[0]), _item_type(op))]


def _reserve(op, inputs, ledger):
    shape, count = inputs
    return [TensorList((None,) * int(count.value), _shape_of(shape), _item_type(op))]


def _from_tensor(op, inputs, ledger):
    count, *shape = inputs[0].shape
    items = tuple(_new(tuple(shape), inputs[0].dtype, ledger) for _ in range(count))
    return [TensorList(items, tuple(shape), inputs[0].dtype)]


def _push(op, inputs, ledger):
    items, item = inputs
    return [TensorList((*items.items, item), items.shape, items.dtype)]


def _written(items: TensorList, item: Tensor | None, shape: Tensor, ledger: Ledger) -> Tensor:
    """An item; zeros where nothing was written."""
    if item is not None:
        return item
    given = _shape_of(shape)
    closed = given is not None and all(size >= 0 for size in given)
    return _new(given if closed else items.item_shape(), items.dtype, ledger)


def _pop(op, inputs, ledger):
    items, shape = inputs
    rest = TensorList(items.items[:-1], items.shape, items.dtype)
    return [rest, _written(items, items.items[-1], shape, ledger)]


def _get(op, inputs, ledger):
    items, index, shape = inputs
    # The items of a list are alike.
    place = 0 if index.value is None else int(index.value)
    return [_written(items, items.items[place], shape, ledger)]


def _set(op, inputs, ledger):
    items, index, item = inputs
    place = int(index.value)
    count = max(len(items.items), place + 1)
    changed = [*items.items, *[None] * (count - len(items.items))]
    changed[place] = item
    return [TensorList(tuple(changed), items.shape, items.dtype)]


def _stack(op, inputs, ledger):
    items, shape = inputs
    given = _shape_of(shape)
    closed = given is not None and all(size >= 0 for size in given)
    item = given if closed else items.item_shape()
    return [_new((len(items.items), *item), items.dtype, ledger)]


def _length(op, inputs, ledger):
    return [_known(len(inputs[0].items), tf.int32, ledger)]


def _scatter(op, inputs, ledger):
    item, indices, _, count = inputs
    most = int(indices.value.max(initial=-1)) + 1
    items: list[Tensor | None] = [None] * max(most, int(count.value))
    for index in indices.value:
        items[int(index)] = _new(item.shape[1:], item.dtype, ledger)
    return [TensorList(tuple(items), item.shape[1:], item.dtype)]


# === What a branch that may not be taken hands to its gradient ===


def _optional(op, inputs, ledger):
    return [TensorList(tuple(inputs), None, tf.variant)]


def _optional_value(op, inputs, ledger):
    return list(inputs[0].items)


def on_lists(op: tf.Operation, inputs: list[Value], ledger: Ledger) -> list[Value]:
    """What operations on tensors do to lists, and to variables' handles."""
    if op.type in ("Identity", "IdentityN", "StopGradient"):
        return list(inputs)
    if op.type == "ZerosLike":
        (items,) = inputs
        zeros = (item and _new(item.shape, item.dtype, ledger) for item in items.items)
        return [TensorList(tuple(zeros), items.shape, items.dtype)]
    if op.type == "AddN":
        columns = zip(*(items.items for items in inputs))
        sums = (next((item for item in column if item is not None), None) for column in columns)
        sums = (item and _new(item.shape, item.dtype, ledger) for item in sums)
        return [TensorList(tuple(sums), inputs[0].shape, inputs[0].dtype)]
    raise UnknownOperationError(f"{op.name}: a dry run does not know {op.type}")


class UnknownOperationError(ValueError):
    """An operation on lists or variables that is not among those here."""


def _element_shape(op, inputs, ledger):
    return [_known(inputs[0].item_shape(), op.outputs[0].dtype, ledger)]


RESOURCES: Mapping[str, Callable[..., list[Value]]] = {
    "Const": _constant,
    "Shape": _shapes,
    "ShapeN": _shapes,
    "Rank": _rank,
    "Size": _size,
    "NoOp": _nothing,
    "Assert": _nothing,
    "ReadVariableOp": _read,
    "ResourceGather": _gather,
    "VariableShape": _variable_shape,
    "AssignVariableOp": _nothing,
    "AssignAddVariableOp": _nothing,
    "AssignSubVariableOp": _nothing,
    "ResourceApplyAdam": _nothing,
    "EmptyTensorList": _empty,
    "TensorListReserve": _reserve,
    "TensorListFromTensor": _from_tensor,
    "TensorListPushBack": _push,
    "TensorListPopBack": _pop,
    "TensorListGetItem": _get,
    "TensorListSetItem": _set,
    "TensorListStack": _stack,
    "TensorListLength": _length,
    "TensorListElementShape": _element_shape,
    "TensorListScatterV2": _scatter,
    "OptionalNone": _optional,
    "OptionalFromValue": _optional,
    "OptionalGetValue": _optional_value,
}
