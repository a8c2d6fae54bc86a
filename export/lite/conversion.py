"""Conversion of a TensorFlow function to a `.tflite` file in one of four precisions.

The conversion does not depend on what the function computes. A graph that needs operations which
are not built into TFLite is refused.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from export.lite.flatbuffer import output_names, without_ranges
from slr_keras.utils.errors import UserError
from slr_keras.utils.quiet import without_native_notes

if TYPE_CHECKING:
    import tensorflow as tf

FLOAT32, FLOAT16, DYNAMIC, INT8 = PRECISIONS = ("fp32", "fp16", "dynamic", "int8")
SIGNATURE = "serving_default"

Inputs = Mapping[str, np.ndarray]


@without_native_notes()
def convert(
    function: "tf.types.experimental.PolymorphicFunction",
    precision: str,
    representative: Callable[[], Iterable[Inputs]] | None = None,
    float_scopes: Sequence[str] = (),
    float_operations: Sequence[str] = (),
) -> bytes:
    """Convert a function that has one fixed signature.

    | precision | weights | arithmetic |
    | --- | --- | --- |
    | `fp32` | float32 | float32 |
    | `fp16` | float16 | float32, or float16 if the device supports it |
    | `dynamic` | int8 | int8 products; activations are quantised at run time |
    | `int8` | int8 | int8, except for the scopes and operations kept in float32 |

    In `dynamic` dense layers have one scale for each matrix: with one scale for each row, the
    converter of newer TensorFlow versions writes FULLY_CONNECTED v12, which runtimes up to 2.16
    refuse. In `int8` dense layers have one scale for each row, which these runtimes support.

    Args:
        function: a `tf.function` with an `input_signature` of named `tf.TensorSpec` of static
            shapes; returns a dictionary of tensors.
        precision: one of `PRECISIONS`.
        representative: for `int8`: yields typical inputs by name, with finite values.
        float_scopes: for `int8`: regular expressions. Operations whose names contain a match, such
            as the name of a `tf.name_scope`, stay in float32, and so do the readers of their
            results.
        float_operations: for `int8`: kinds of operation that stay in float32, such as `SOFTMAX`.

    Returns:
        The bytes of the file; its signature has the names of the function.

    Raises:
        UserError: the graph needs operations that are not built in (the message names them), or
            representative inputs are missing.

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
        raise UserError("int8: representative inputs are needed to calibrate the activations")
    frozen = _frozen(function)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures={SIGNATURE: frozen})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        # Some TensorFlow releases lack this attribute and ignore it.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        if precision == INT8:
            return _integer(converter, representative, float_scopes, float_operations)
        if precision != FLOAT32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == FLOAT16:
            converter.target_spec.supported_types = [tf.float16]
        return _converted(converter)


def _frozen(function: Any) -> Any:
    """The same function with the variables replaced by constants, which are folded.

    The converter itself does not find all variables of a Keras 3 model.
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
    """Calibrate, then quantise everything but the parts that stay in float32."""
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
    # A name in the list alone does not protect operations that only move numbers. The results get
    # no range either: quantising them for their readers costs STARK another half point of WER.
    return mlir_quantize(
        without_ranges(calibrated, kept),
        disable_per_channel_for_dense_layers=False,
        denylisted_nodes=kept,
        denylisted_ops=set(float_operations),
    )
