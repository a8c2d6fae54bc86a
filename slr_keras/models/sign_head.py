"""Head that names one sign for each clip: pooling over steps, dropout, linear layer.

See docs/papers/stepnet.md §6.
"""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.pooling import ClipPooling


@keras.saving.register_keras_serializable(PACKAGE)
class SignHead(keras.layers.Layer):
    """Classification head: pooling over real steps, dropout, linear layer.

    Args:
        classes: number of signs (num_classes).
        dropout: dropout rate of the pooled features. Defaults to `0.5`.
        pooling: see `ClipPooling`. Defaults to `"mean"`, as published for StepNet's heads.

    Call arguments:
        inputs: `(batch, steps, channels)`.
        valid: `(batch, steps)`, 1 on real steps. Defaults to all.

    Returns:
        logits `(batch, classes)` in float32.

    >>> import numpy as np
    >>> from slr_keras.models.sign_head import SignHead
    >>> head = SignHead(3)
    >>> head(np.zeros((2, 5, 8), "float32"), valid=np.ones((2, 5), "float32")).shape
    TensorShape([2, 3])
    """

    def __init__(self, classes: int, dropout: float = 0.5, pooling: str = "mean", **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.dropout = dropout
        self.pooling = pooling
        self.pool = ClipPooling(pooling, dtype=self.dtype_policy, name="pool")

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.pool.build(inputs_shape)
        self.pooled_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.linear = Linear(self.classes, dtype=policy, name="linear")
        self.linear.build(self.pool.compute_output_shape(inputs_shape))

    def call(self, inputs, valid=None, training=False):
        if valid is None:
            valid = ops.ones(ops.shape(inputs)[:2])
        pooled = self.pooled_dropout(self.pool(inputs, valid), training=training)
        return ops.cast(self.linear(pooled), "float32")

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (inputs_shape[0], self.classes)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, _, channels = inputs_shape
        linear = batch * self.pool.parts * channels * self.classes
        return linear + self.pool.multiply_adds(inputs_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "classes": self.classes,
            "dropout": self.dropout,
            "pooling": self.pooling,
        }
