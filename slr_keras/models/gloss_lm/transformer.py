"""Causal Transformer block."""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear


@keras.saving.register_keras_serializable(PACKAGE)
class CausalBlock(keras.layers.Layer):
    """Causal Transformer block: x + attention(LN(x)), then x + W_2 gelu(W_1 LN(x)).

    Args:
        heads: number of attention heads (num_heads), a divisor of the width.
        feed_forward_width: width of the feed-forward layer (intermediate_dim).
        dropout: dropout rate of both residual branches in training.

    Call arguments:
        inputs: `(batch, places, width)`; a place attends to itself and to earlier ones.

    Returns:
        the shape of inputs.

    >>> import numpy as np
    >>> from slr_keras.models.gloss_lm.transformer import CausalBlock
    >>> CausalBlock(2, 16, 0.1)(np.zeros((1, 5, 8), "float32")).shape
    TensorShape([1, 5, 8])
    """

    def __init__(self, heads: int, feed_forward_width: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.feed_forward_width = feed_forward_width
        self.dropout = dropout

    def build(self, inputs_shape):
        width, policy = inputs_shape[-1], self.dtype_policy
        self.attention_norm = keras.layers.LayerNormalization(dtype=policy, name="attention_norm")
        self.project = Linear(3 * width, dtype=policy, name="project")
        self.merge = Linear(width, dtype=policy, name="merge")
        self.feed_forward_norm = keras.layers.LayerNormalization(
            dtype=policy, name="feed_forward_norm"
        )
        self.expand = Linear(self.feed_forward_width, dtype=policy, name="expand")
        self.contract = Linear(width, dtype=policy, name="contract")
        self.drop = keras.layers.Dropout(self.dropout, dtype=policy)
        for layer in (self.attention_norm, self.project, self.merge):
            layer.build(inputs_shape)
        for layer in (self.feed_forward_norm, self.expand):
            layer.build(inputs_shape)
        self.contract.build((*inputs_shape[:-1], self.feed_forward_width))

    def call(self, inputs, training=False):
        queries, keys, values = ops.split(self.project(self.attention_norm(inputs)), 3, axis=-1)
        place = ops.arange(ops.shape(inputs)[1])
        allowed = (place[None, :] <= place[:, None])[None]
        seen = self.merge(self._attend(queries, keys, values, allowed))
        x = inputs + self.drop(seen, training=training)
        return x + self.drop(self._feed_forward(x), training=training)

    def step(self, inputs, keys, values, place):
        """Compute one place from the cached keys and values of the earlier ones.

        Args:
            inputs: `(batch, width)`.
            keys, values: `(batch, capacity, width)`; values at `place` and later are not read.
            place: `(batch,)` int32, index of the place.

        Returns:
            the output `(batch, width)`, and the keys and values including those of this place.
        """
        query, key, value = ops.split(self.project(self.attention_norm(inputs)), 3, axis=-1)
        index = ops.arange(ops.shape(keys)[1])[None, :]
        here = ops.expand_dims(index == place[:, None], -1)
        keys = ops.where(here, key[:, None], keys)
        values = ops.where(here, value[:, None], values)
        allowed = (index <= place[:, None])[:, None]
        x = inputs + self.merge(self._attend(query[:, None], keys, values, allowed)[:, 0])
        return x + self._feed_forward(x), keys, values

    def _attend(self, queries, keys, values, allowed):
        """Attention of `(batch, places, width)` by a mask `(batch or 1, places, seen)`."""
        queries, keys, values = map(self._by_head, (queries, keys, values))
        scores = ops.einsum("bqhd,bkhd->bhqk", queries, keys)
        # The softmax is float32 under any policy.
        scores = ops.cast(scores, "float32") * (queries.shape[-1] ** -0.5)
        scores = ops.where(allowed[:, None], scores, -1e9)
        weights = ops.cast(ops.softmax(scores, axis=-1), values.dtype)
        seen = ops.einsum("bhqk,bkhd->bqhd", weights, values)
        return ops.reshape(seen, (*ops.shape(seen)[:2], self.heads * seen.shape[-1]))

    def _by_head(self, x):
        batch, places = ops.shape(x)[:2]
        return ops.reshape(x, (batch, places, self.heads, x.shape[-1] // self.heads))

    def _feed_forward(self, x):
        return self.contract(ops.gelu(self.expand(self.feed_forward_norm(x))))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "feed_forward_width": self.feed_forward_width,
            "dropout": self.dropout,
        }
