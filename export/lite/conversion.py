"""A function of TensorFlow to the bytes of a `.tflite` file, in one of four precisions.

Nothing here knows what the function computes. Only built-in operations come out: a graph that
needs others is refused.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from export.lite.flatbuffer import output_names, without_ranges
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

FLOAT32, FLOAT16, DYNAMIC, INT8 = PRECISIONS = ("fp32", "fp16", "dynamic", "int8")
SIGNATURE = "serving_default"

Inputs = Mapping[str, np.ndarray]


def convert(
    function: "tf.types.experimental.PolymorphicFunction",
    precision: str,
    representative: Callable[[], Iterable[Inputs]] | None = None,
    float_scopes: Sequence[str] = (),
    float_operations: Sequence[str] = (),
) -> bytes:
    """Convert a function with one fixed signature.

    | precision | weights | arithmetic |
    | --- | --- | --- |
    | `fp32` | float32 | float32 |
    | `fp16` | float16 | float32, or float16 where a device has it |
    | `dynamic` | int8 | int8 products of activations that are quantised as they come |
    | `int8` | int8 | int8 throughout, but in the scopes and operations kept in float32 |

    Dense layers get one scale a matrix in `dynamic`: with one scale a row the converter of newer
    TensorFlows writes FULLY_CONNECTED v12, which runtimes up to 2.16 refuse. In `int8` they have
    one a row, which those runtimes take.

    Args:
        function: a `tf.function` with an `input_signature` of named `tf.TensorSpec` of static
            shapes; gives a dictionary of tensors.
        precision: one of `PRECISIONS`.
        representative: for `int8`: gives inputs by name, finite ones, such as the network meets.
        float_scopes: for `int8`: regular expressions, found in the names of operations that stay
            in float32, such as the name of a `tf.name_scope`. What reads their results does, too.
        float_operations: for `int8`: kinds of operation that stay in float32, such as `SOFTMAX`.

    Returns:
        The file's bytes; its signature has the function's names.

    Raises:
        UserError: the graph needs operations that are not built in, or no representative inputs
            are given; names them.

    Example::

        @tf.function(input_signature=[tf.TensorSpec((1, 64, 79, 3), name="keypoints")])
        def network(keypoints):
            return {"logits": model(keypoints)}

        file = convert(network, "fp16")
    """
    import tensorflow as tf

    if precision not in PRECISIONS:
        raise UserError(f"precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    if precision == INT8 and representative is None:
        raise UserError("int8: the ranges of activations are read from representative inputs")
    frozen = _frozen(function)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures={SIGNATURE: frozen})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        # Not all of TensorFlow's releases have it.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        if precision == INT8:
            return _integer(converter, representative, float_scopes, float_operations)
        if precision != FLOAT32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == FLOAT16:
            converter.target_spec.supported_types = [tf.float16]
        return _converted(converter)


def _frozen(function: Any) -> Any:
    """The same function with the variables' values in it, folded as far as they can be.

    The converter's own freezing does not see all variables of a Keras 3 model.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    concrete = function.get_concrete_function()
    constant = convert_variables_to_constants_v2(concrete)
    specs = [tf.TensorSpec(t.shape, t.dtype, t.name.partition(":")[0]) for t in constant.inputs]
    names = sorted(concrete.structured_outputs)

    @tf.function(input_signature=specs, autograph=False)
    def call(*inputs):
        return dict(zip(names, constant(*inputs), strict=True))

    return call.get_concrete_function()


def _converted(converter: "tf.lite.TFLiteConverter") -> bytes:
    from tensorflow.lite.python.convert_phase import ConverterError

    try:
        return converter.convert()
    except ConverterError as error:
        lines = [line.strip() for line in str(error).splitlines() if "op" in line]
        needs = "; ".join(lines[:4]) or str(error)[:400]
        raise UserError(f"the graph does not convert to built-in operations: {needs}") from error


def _integer(
    converter: "tf.lite.TFLiteConverter",
    representative: Callable[[], Iterable[Inputs]],
    float_scopes: Sequence[str],
    float_operations: Sequence[str],
) -> bytes:
    """Calibrate, then quantise all but what is kept."""
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    def inputs() -> Iterator[dict[str, np.ndarray]]:
        for example in representative():
            yield dict(example)

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = inputs
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    converter._experimental_calibrate_only = True
    calibrated = _converted(converter)
    kept = {
        n for n in output_names(calibrated) if any(re.search(scope, n) for scope in float_scopes)
    }
    # Named in the list alone, operations that only move numbers are quantised all the same. The
    # results have no range either: quantised for who reads them, they cost STARK half a point more.
    return mlir_quantize(
        without_ranges(calibrated, kept),
        disable_per_channel_for_dense_layers=False,
        denylisted_nodes=kept,
        denylisted_ops=set(float_operations),
    )
