"""Classification heads of StepNet (docs/papers/stepnet.md §6)."""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stepnet.spatial import PAIRS
from slr_keras.models.temporal.instance_norm import wide_dtype


def head_names(pairs: Sequence[str], temporal: bool, segments: int = 0) -> tuple[str, ...]:
    """Names of the features that have a head; the last one is the prediction.

    Args:
        pairs: pairs of parts in the spatial branch; empty without that branch.
        temporal: whether there is a temporal branch.
        segments: number of segments that have a head each. Defaults to `0`.

    >>> from slr_keras.models.stepnet.head import head_names
    >>> head_names(("left_right",), temporal=True)
    ('left', 'right', 'left_right', 'global', 'spatial', 'temporal', 'fused')
    >>> head_names((), temporal=False)
    ('global',)
    """
    names = [part for pair in pairs for part in PAIRS[pair]]
    names += [*pairs, "global", "spatial"] if pairs else []
    if temporal:
        names += [f"segment_{number}" for number in range(1, segments + 1)]
        names.append("temporal")
    if pairs and temporal:
        names.append("fused")
    return tuple(names) or ("global",)


@keras.saving.register_keras_serializable(PACKAGE)
class StepNetHead(keras.layers.Layer):
    """Classification head: mean over time, dropout, and a linear layer with small initial weights.

    It computes in float32 also under mixed precision.

    Args:
        classes: C, number of glosses (num_classes).
        dropout: dropout rate of the mean. Defaults to `0.5`.

    Call arguments:
        inputs: `(batch, steps, channels)`.

    Returns:
        logits `(batch, classes)`.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import StepNetHead
    >>> StepNetHead(7)(np.ones((2, 16, 3), "float32")).shape
    TensorShape([2, 7])
    """

    def __init__(self, classes: int, dropout: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.dropout = dropout
        wide = wide_dtype(self.compute_dtype)
        self.drop = keras.layers.Dropout(dropout, dtype=wide, name="dropout")
        self.linear = keras.layers.Dense(
            classes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.001),
            dtype=wide,
            name="linear",
        )

    def build(self, inputs_shape):
        self.linear.build((inputs_shape[0], inputs_shape[-1]))

    def call(self, inputs, training=False):
        mean = ops.mean(ops.cast(inputs, self.linear.compute_dtype), axis=1)
        return self.linear(self.drop(mean, training=training))

    def compute_output_shape(self, inputs_shape):
        return (inputs_shape[0], self.classes)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        return inputs_shape[0] * inputs_shape[-1] * self.classes

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "dropout": self.dropout}
