"""Cross-attention of frames to their parts, and of clips to their segments."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.temporal.instance_norm import wide_dtype

NORMS = ("none", "layer")


@keras.saving.register_keras_serializable(PACKAGE)
class CrossAttention(keras.layers.Layer):
    """softmax(Q Kᵀ) V + V_q: attention to all steps of several sources (eq. 2, 4).

    Q and V_q are linear in the queries. Every source has its own linear K and V, which are
    concatenated over time. As in the paper, there is one head and no scale.

    Args:
        width: d, channels of Q, K and V (hidden_dim).
        norm: `"none"`, or `"layer"`: a layer normalisation after every linear layer. Products of
            normalised vectors have a standard deviation of sqrt(d) (docs/papers/stepnet.md §4), so
            that `"layer"` also scales by 1 / sqrt(d). Defaults to `"none"`.

    Call arguments:
        queries: `(batch, steps, channels)`.
        sources: tensors `(batch, steps, channels)`, each with its own steps and channels.

    Returns:
        `(batch, steps, width)`.

    Raises:
        ValueError: an unknown norm.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import CrossAttention
    >>> x = np.ones((2, 16, 5), "float32")
    >>> CrossAttention(4)(x, [x, x[:, :8]]).shape
    TensorShape([2, 16, 4])
    """

    def __init__(self, width: int, norm: str = "none", **kwargs):
        super().__init__(**kwargs)
        if norm not in NORMS:
            raise OptionError(
                f"the norm of an attention is one of {', '.join(NORMS)}; got {norm!r}"
            )
        self.width = width
        self.norm = norm

    def build(self, queries_shape, sources_shape):
        self.query = self._projection("query", queries_shape)
        self.query_value = self._projection("query_value", queries_shape)
        self.keys = [self._projection(f"key_{i}", s) for i, s in enumerate(sources_shape)]
        self.values = [self._projection(f"value_{i}", s) for i, s in enumerate(sources_shape)]

    def _projection(self, name: str, shape) -> list[keras.layers.Layer]:
        layers = [Linear(self.width, dtype=self.dtype_policy, name=name)]
        if self.norm == "layer":
            layers.append(
                keras.layers.LayerNormalization(
                    epsilon=1e-5, dtype=self.dtype_policy, name=f"{name}_norm"
                )
            )
        for layer in layers:
            layer.build(shape)
            shape = (*shape[:-1], self.width)
        return layers

    def call(self, queries, sources):
        values = _joined(self.values, sources)
        weights = ops.cast(self.weights_of(queries, sources), values.dtype)
        return ops.matmul(weights, values) + _apply(self.query_value, queries)

    def weights_of(self, queries, sources):
        """softmax(Q Kᵀ), `(batch, steps, steps of all sources)`, float32 under mixed precision."""
        wide = wide_dtype(self.compute_dtype)
        queries = ops.cast(_apply(self.query, queries), wide)
        keys = ops.cast(_joined(self.keys, sources), wide)
        if self.norm == "layer":
            queries = queries / math.sqrt(self.width)
        return ops.softmax(ops.matmul(queries, ops.swapaxes(keys, 1, 2)), axis=-1)

    def compute_output_shape(self, queries_shape, sources_shape):
        return (*queries_shape[:2], self.width)

    def multiply_adds(self, queries_shape, sources_shape: Sequence) -> int:
        """Multiply-adds for queries and sources of these shapes."""
        linear = sum(2 * math.prod(shape) * self.width for shape in (queries_shape, *sources_shape))
        batch, steps, _ = queries_shape
        keys = sum(shape[1] for shape in sources_shape)
        return linear + 2 * batch * steps * keys * self.width

    def get_config(self):
        return {**super().get_config(), "width": self.width, "norm": self.norm}


def _apply(layers, x):
    for layer in layers:
        x = layer(x)
    return x


def _joined(projections, sources):
    """Apply its projection to every source and concatenate over time."""
    parts = [_apply(layers, x) for layers, x in zip(projections, sources, strict=True)]
    return ops.concatenate(parts, axis=1)
