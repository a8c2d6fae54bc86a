"""Pooling of the steps of a clip into one vector: mean, parts in their order, attention."""

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear

POOLINGS = ("mean", "quarters", "attention")
QUARTERS = 4


@keras.saving.register_keras_serializable(PACKAGE)
class ClipPooling(keras.layers.Layer):
    """Pool the real steps of a clip into one vector.

    A mean over a clip loses the order of its movements. `"quarters"` keeps it: the means of four
    equal parts of the clip, concatenated; a step on a border counts in both parts by its share.
    `"attention"` concatenates means under learnt weights.

    Args:
        kind: `"mean"`, `"quarters"` or `"attention"`. Defaults to `"quarters"`.
        queries: number of means of `"attention"`. Defaults to `4`.

    Call arguments:
        inputs: `(batch, steps, channels)`.
        valid: `(batch, steps)`, 1 on the first, real steps.

    Returns:
        `(batch, parts * channels)`.

    >>> import numpy as np
    >>> from slr_keras.models.pooling import ClipPooling
    >>> x = np.arange(8, dtype="float32").reshape(1, 8, 1)
    >>> np.asarray(ClipPooling("quarters")(x, np.ones((1, 8), "float32"))).tolist()
    [[0.5, 2.5, 4.5, 6.5]]
    """

    def __init__(self, kind: str = "quarters", queries: int = QUARTERS, **kwargs):
        super().__init__(**kwargs)
        if kind not in POOLINGS:
            raise OptionError(f"pooling must be one of {POOLINGS}; got {kind!r}")
        self.kind = kind
        self.queries = queries
        self.parts = {"mean": 1, "quarters": QUARTERS, "attention": queries}[kind]

    def build(self, inputs_shape, valid_shape=None):
        if self.kind == "attention":
            self.scores = Linear(self.queries, dtype=self.dtype_policy, name="scores")
            self.scores.build(inputs_shape)

    def call(self, inputs, valid):
        weights = ops.cast(self._weights(inputs, ops.cast(valid, "float32")), inputs.dtype)
        pooled = ops.matmul(weights, inputs)
        return ops.reshape(pooled, (-1, self.parts * inputs.shape[-1]))

    def _weights(self, inputs, valid):
        """Weights `(batch, parts, steps)`; each row sums to 1."""
        if self.kind == "attention":
            scores = ops.cast(ops.transpose(self.scores(inputs), (0, 2, 1)), "float32")
            return ops.softmax(scores + 1e9 * (ops.expand_dims(valid, 1) - 1.0), axis=-1)
        length = ops.reshape(ops.maximum(ops.sum(valid, axis=1), 1.0), (-1, 1, 1))
        borders = np.arange(self.parts + 1, dtype=np.float32) / self.parts
        low, high = (
            ops.reshape(ops.convert_to_tensor(side), (1, self.parts, 1)) * length
            for side in (borders[:-1], borders[1:])
        )
        start = ops.arange(ops.shape(inputs)[1], dtype="float32")
        inside = ops.minimum(start + 1.0, high) - ops.maximum(start, low)
        return ops.relu(inside) * (self.parts / length)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (inputs_shape[0], self.parts * inputs_shape[-1])

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, steps, channels = inputs_shape
        scores = channels * self.queries if self.kind == "attention" else 0
        return batch * steps * (self.parts * channels + scores)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind, "queries": self.queries}
