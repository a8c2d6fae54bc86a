"""Gloss classifiers: a linear layer, or SMKD's normalised linear layer.

See docs/papers/c2st.md §2.6.
"""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.temporal.instance_norm import wide_dtype

CLASSIFIERS = ("linear", "norm")


@keras.saving.register_keras_serializable(PACKAGE)
class NormLinear(keras.layers.Layer):
    """Linear layer x W whose weight columns are normalised to length 1; no bias, no scale.

    Args:
        units: V, classes with the blank (num_classes).

    Call arguments:
        inputs: `(..., channels)`.

    Returns:
        `(..., units)`.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import NormLinear
    >>> layer = NormLinear(3)
    >>> layer.build((None, 2))
    >>> _ = layer.kernel.assign([[3.0, 0.0, 1.0], [4.0, 5.0, 0.0]])
    >>> np.round(np.asarray(layer(np.array([[1.0, 1.0]], "float32"))), 3)
    array([[1.4, 1. , 1. ]], dtype=float32)
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, inputs_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs_shape[-1], self.units),
            # Xavier's uniform with gain sqrt(2).
            initializer=keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform"),
            autocast=False,
        )

    def call(self, inputs):
        kernel = ops.cast(self.kernel, wide_dtype(self.compute_dtype))
        squares = ops.sum(ops.square(kernel), axis=0, keepdims=True)
        kernel = kernel * ops.rsqrt(ops.maximum(squares, 1e-24))
        return ops.matmul(inputs, ops.cast(kernel, inputs.dtype))

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.units)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for inputs of this shape."""
        total = self.units
        for size in inputs_shape:
            total *= size
        return total

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def make_classifier(kind: str, vocabulary_size: int, **kwargs) -> keras.layers.Layer:
    """Make a classifier by name.

    Args:
        kind: "linear" (with bias, PyTorch's initial weights) or "norm" (`NormLinear`).
        vocabulary_size: V, classes with the blank.
        kwargs: `dtype` and `name` of the layer.

    Raises:
        ValueError: an unknown kind.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import make_classifier
    >>> make_classifier("norm", 7)(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 5, 7])
    """
    if kind not in CLASSIFIERS:
        raise OptionError(f"classifier {kind!r}; it must be one of {', '.join(CLASSIFIERS)}")
    return (Linear if kind == "linear" else NormLinear)(vocabulary_size, **kwargs)
