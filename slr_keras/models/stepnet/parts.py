"""Spatial parts: means over halves of the frame, and their gates (docs/papers/stepnet.md §4)."""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stepnet.perceptron import Perceptron

#: In the order of `PartPool`'s result; "global" is the whole map.
PARTS = ("left", "right", "top", "bottom", "global")


@keras.saving.register_keras_serializable(PACKAGE)
class PartPool(keras.layers.Layer):
    """Means of every frame's map over its left, right, top and bottom half, and over the whole map.

    Left and right are those of the image, not of the signer. If the number of columns or rows is
    odd, the left or the top half has one less.

    Call arguments:
        maps: `(batch, steps, height, width, channels)`; height and width are at least 2.

    Returns:
        `{part: (batch, steps, channels)}` for the `PARTS`.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import PartPool
    >>> columns = np.arange(4.0, dtype="float32").reshape(1, 1, 1, 4, 1)
    >>> parts = PartPool()(np.tile(columns, (1, 1, 2, 1, 1)))
    >>> {name: float(value[0, 0, 0]) for name, value in parts.items()}
    {'left': 0.5, 'right': 2.5, 'top': 1.5, 'bottom': 1.5, 'global': 1.5}
    """

    def call(self, maps):
        height, width = maps.shape[2:4]
        columns, rows = ops.mean(maps, axis=2), ops.mean(maps, axis=3)
        halves = (
            columns[:, :, : width // 2],
            columns[:, :, width // 2 :],
            rows[:, :, : height // 2],
            rows[:, :, height // 2 :],
            rows,
        )
        return {name: ops.mean(half, axis=2) for name, half in zip(PARTS, halves, strict=True)}

    def compute_output_shape(self, maps_shape):
        return dict.fromkeys(PARTS, (*maps_shape[:2], maps_shape[-1]))


@keras.saving.register_keras_serializable(PACKAGE)
class PartGate(keras.layers.Layer):
    """G(h) = h * sigmoid(MLP(h)), frame by frame.

    Args:
        hidden: widths of the hidden layers of the MLP; empty for a single linear layer. Defaults to
            `None`: one hidden layer of the inputs' width.

    Call arguments:
        inputs: `(..., channels)`.

    Returns:
        the shape of inputs.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import PartGate
    >>> gate = PartGate()
    >>> gate(np.zeros((2, 8, 4), "float32")).shape, gate.count_params()
    (TensorShape([2, 8, 4]), 40)
    """

    def __init__(self, hidden: Sequence[int] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.hidden = None if hidden is None else tuple(hidden)

    def build(self, inputs_shape):
        width = inputs_shape[-1]
        hidden = (width,) if self.hidden is None else self.hidden
        self.perceptron = Perceptron((*hidden, width), dtype=self.dtype_policy, name="perceptron")
        self.perceptron.build(inputs_shape)

    def call(self, inputs):
        return inputs * ops.sigmoid(self.perceptron(inputs))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for one input of this shape."""
        return self.perceptron.multiply_adds(inputs_shape)

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden}
