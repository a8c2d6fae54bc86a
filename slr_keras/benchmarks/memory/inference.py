"""Shape inference for one operation: output shapes, and contents where they follow."""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_shape_pb2
from tensorflow.python.eager import context
from tensorflow.python.eager.execute import execute

from slr_keras.benchmarks.memory.ledger import Tensor, bytes_of

# Shapes, lengths and indices are small; a larger content would be one of activations.
LARGEST_VALUE = 2**18
# Their outputs have a content of their own on every run.
_UNKNOWN = ("Random", "Multinomial", "Dropout")


class Inference:
    """TensorFlow's own shape functions, asked once per operation, attributes and input shapes.

    Where all contents that an operation reads are known and small, it is run, so that lengths that
    the data of a batch decides are known as they are in a real run.

    >>> import tensorflow as tf
    >>> from slr_keras.benchmarks.memory.inference import Inference
    >>> from slr_keras.benchmarks.memory.ledger import Ledger, Tensor
    >>> graph = tf.function(tf.linalg.matmul).get_concrete_function(
    ...     tf.TensorSpec((None, 3)), tf.TensorSpec((3, 4))).graph
    >>> product = next(op for op in graph.get_operations() if op.type == "MatMul")
    >>> buffer = Ledger().buffer(0)
    >>> inputs = [Tensor(tf.float32, (9, 3), buffer), Tensor(tf.float32, (3, 4), buffer)]
    >>> Inference()(product, inputs)
    [(tf.float32, (9, 4), None)]
    """

    def __init__(self):
        self._found: dict = {}
        self._attributes: dict[tf.Operation, tuple] = {}

    def __call__(self, op: tf.Operation, inputs: list[Tensor]) -> list[tuple]:
        """Type, shape and content (or None) of each output."""
        if op not in self._attributes:
            attributes = {k: v for k, v in op.node_def.attr.items() if not k.startswith("_")}
            key = tuple((k, attributes[k].SerializeToString()) for k in sorted(attributes))
            self._attributes[op] = (op.type, key), attributes
        key, attributes = self._attributes[op]
        key = (*key, *(_key(tensor) for tensor in inputs))
        if key not in self._found:
            self._found[key] = _infer(op, attributes, inputs)
        return self._found[key]


def _key(tensor: Tensor) -> tuple:
    value = None if tensor.value is None else tensor.value.tobytes()
    return tensor.dtype, tensor.shape, value


def _infer(op: tf.Operation, attributes: dict, inputs: list[Tensor]) -> list[tuple]:
    with tf.Graph().as_default() as scratch:
        given = [
            tf.compat.v1.placeholder(tensor.dtype, tensor.shape)
            if tensor.value is None
            else tf.constant(tensor.value, tensor.dtype)
            for tensor in inputs
        ]
        dtypes = [output.dtype for output in op.outputs]
        made = scratch.create_op(op.type, given, dtypes, attrs=attributes, op_def=op.op_def)
    shapes = [output.shape for output in made.outputs]
    known = all(tensor.value is not None for tensor in inputs)
    small = all(
        not shape.is_fully_defined() or bytes_of(shape.as_list(), dtype) <= LARGEST_VALUE
        for shape, dtype in zip(shapes, dtypes)
    )
    if known and small and not any(word in op.type for word in _UNKNOWN):
        values = [value.numpy() for value in _evaluate(op, [tensor.value for tensor in inputs])]
        return [(dtype, value.shape, value) for dtype, value in zip(dtypes, values)]
    for shape in shapes:
        if not shape.is_fully_defined():
            raise OpenShapeError(
                f"{op.name} ({op.type}) gives {shape}, which only its data decides"
            )
    return [(dtype, tuple(shape.as_list()), None) for dtype, shape in zip(dtypes, shapes)]


def _evaluate(op: tf.Operation, values: list[np.ndarray]) -> list[tf.Tensor]:
    """Run an operation on contents."""
    attributes = []
    for attribute in op.op_def.attr:
        attributes += [attribute.name, _plain(op.get_attr(attribute.name))]
    with tf.init_scope(), tf.device("CPU"):
        given = [tf.constant(value) for value in values]
        return execute(op.type, len(op.outputs), given, tuple(attributes), context.context())


def _plain(value):
    """An attribute as eager execution takes it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tensor_shape_pb2.TensorShapeProto):
        shape = tf.TensorShape(value)
        return None if shape.rank is None else shape.as_list()
    return value.as_datatype_enum if isinstance(value, tf.DType) else value


class OpenShapeError(ValueError):
    """A shape that depends on the content of activations."""
