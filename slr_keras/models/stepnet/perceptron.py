"""Multilayer perceptron."""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear


@keras.saving.register_keras_serializable(PACKAGE)
class Perceptron(keras.layers.Layer):
    """Multilayer perceptron (MLP) on the last axis: linear layers with ReLU between them.

    Args:
        widths: output channels of the layers (hidden_dims and the output's).

    Call arguments:
        inputs: `(..., channels)`.

    Returns:
        `(..., widths[-1])`.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet.perceptron import Perceptron
    >>> Perceptron((4, 2))(np.zeros((1, 8, 3), "float32")).shape
    TensorShape([1, 8, 2])
    """

    def __init__(self, widths: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.widths = tuple(widths)

    def build(self, inputs_shape):
        self.linear = []
        shape = tuple(inputs_shape)
        for number, width in enumerate(self.widths):
            layer = Linear(width, dtype=self.dtype_policy, name=f"linear_{number}")
            layer.build(shape)
            shape = (*shape[:-1], width)
            self.linear.append(layer)

    def call(self, inputs):
        x = self.linear[0](inputs)
        for layer in self.linear[1:]:
            x = layer(ops.relu(x))
        return x

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.widths[-1])

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for one input of this shape."""
        total, shape = 0, tuple(inputs_shape)
        for layer in self.linear:
            total += layer.multiply_adds(shape)
            shape = (*shape[:-1], layer.units)
        return total

    def get_config(self):
        return {**super().get_config(), "widths": self.widths}
