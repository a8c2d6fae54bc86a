"""Causal Transformer language model of glosses (docs/papers/c2st.md §3, offline variant)."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.gloss_lm.interface import GlossLanguageModel, State
from slr_keras.models.gloss_lm.transformer import CausalBlock
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class CausalLanguageModel(GlossLanguageModel):
    """Transformer for P(next gloss | previous glosses); its last hidden vector is the context.

    The input is the blank followed by the glosses; the output at position t depends on t glosses.
    One forward pass thus computes all prefixes, and `extend` computes one more position from cached
    keys and values. The embedding of glosses is also the output layer (tied weights).

    The context of a prefix longer than `capacity` is that of its first `capacity` glosses.

    Args:
        vocabulary_size: V, ids with the blank.
        width: size of a vector (hidden_dim). Defaults to `256`.
        blocks: number of Transformer blocks (num_layers). Defaults to `2`.
        heads: number of attention heads (num_heads), a divisor of the width. Defaults to `4`.
        feed_forward_width: width of the feed-forward layers (intermediate_dim). Defaults to four
            times the width.
        dropout: dropout rate in training. Defaults to `0.3`.
        capacity: maximum number of glosses in a context. Defaults to `64`.

    Raises:
        ValueError: the heads do not divide the width.

    >>> import numpy as np
    >>> from slr_keras.models.gloss_lm import CausalLanguageModel
    >>> model = CausalLanguageModel(9, width=8, heads=2)
    >>> contexts = model(np.array([[3, 4, 0]]), np.array([2]))
    >>> state = model.extend(model.initial_state(1), np.array([3]))
    >>> contexts.shape, bool(np.allclose(model.vector(state), contexts[:, 1], atol=1e-5))
    (TensorShape([1, 4, 8]), True)
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int = 256,
        blocks: int = 2,
        heads: int = 4,
        feed_forward_width: int | None = None,
        dropout: float = 0.3,
        capacity: int = 64,
        **kwargs,
    ):
        super().__init__(vocabulary_size, width, **kwargs)
        if width % heads:
            raise OptionError(f"width {width} is not a multiple of {heads} heads")
        self.block_count = blocks
        self.heads = heads
        self.feed_forward_width = feed_forward_width or 4 * width
        self.dropout = dropout
        self.capacity = capacity
        policy = self.dtype_policy
        small = keras.initializers.RandomNormal(stddev=0.02)
        self.glosses = keras.layers.Embedding(
            vocabulary_size, width, small, dtype=policy, name="glosses"
        )
        self.positions = keras.layers.Embedding(
            capacity + 1, width, small, dtype=policy, name="positions"
        )
        self.input_dropout = keras.layers.Dropout(dropout, dtype=policy)
        self.blocks = [
            CausalBlock(heads, self.feed_forward_width, dropout, dtype=policy, name=f"block_{i}")
            for i in range(blocks)
        ]
        self.output_norm = keras.layers.LayerNormalization(dtype=policy, name="output_norm")
        for layer in (self.glosses, self.positions):
            layer.build((None, None))
        for layer in (*self.blocks, self.output_norm):
            layer.build((None, None, width))
        self.bias = self.add_weight(
            name="bias", shape=(vocabulary_size,), initializer="zeros", autocast=False
        )
        self.build()

    def encode_prefixes(self, labels, label_lengths, training=False):
        lengths = ops.expand_dims(ops.cast(label_lengths, "int32"), 1)
        time = ops.shape(labels)[1]
        real = ops.arange(time)[None, :] < lengths
        labels = ops.where(real, ops.cast(labels, "int32"), 0)
        tokens = ops.pad(labels[:, : self.capacity], ((0, 0), (1, 0)))
        x = self.glosses(tokens) + self.positions(ops.arange(ops.shape(tokens)[1]))
        x = self.input_dropout(x, training=training)
        for block in self.blocks:
            x = block(x, training=training)
        x = self.output_norm(x)
        last = ops.minimum(lengths, self.capacity)
        places = ops.minimum(ops.arange(time + 1)[None, :], last)
        return ops.take_along_axis(x, ops.expand_dims(places, -1), axis=1)

    def next_gloss_logits(self, vectors):
        """Logits of the next gloss, `(..., width)` to `(..., V)` float32; id 0 is the end."""
        table = ops.cast(self.glosses.embeddings, "float32")
        return ops.matmul(ops.cast(vectors, "float32"), ops.transpose(table)) + self.bias

    def initial_state(self, batch) -> State:
        memory = (batch, self.block_count, self.capacity + 1, self.width)
        state = {
            "keys": ops.zeros(memory, self.compute_dtype),
            "values": ops.zeros(memory, self.compute_dtype),
            "count": ops.zeros((batch,), "int32"),
        }
        return self._advanced(state, ops.zeros((batch,), "int32"))

    def extend(self, state: State, gloss) -> State:
        gloss = ops.cast(gloss, "int32")
        goes_on = ops.logical_and(gloss > 0, state["count"] < self.capacity)
        count = ops.where(goes_on, state["count"] + 1, state["count"])
        longer = self._advanced({**state, "count": count}, gloss)
        return {
            name: ops.where(_beside(goes_on, values), longer[name], values)
            for name, values in state.items()
        }

    def vector(self, state: State):
        return state["vector"]

    def _advanced(self, state, token):
        """The state after the token at position `count`."""
        place = state["count"]
        x = self.glosses(token) + self.positions(place)
        keys, values = [], []
        for number, block in enumerate(self.blocks):
            memory = state["keys"][:, number], state["values"][:, number]
            x, new_keys, new_values = block.step(x, *memory, place)
            keys.append(new_keys)
            values.append(new_values)
        return {
            "keys": ops.stack(keys, axis=1),
            "values": ops.stack(values, axis=1),
            "count": place,
            "vector": self.output_norm(x),
        }

    def get_config(self):
        return {
            **super().get_config(),
            "blocks": self.block_count,
            "heads": self.heads,
            "feed_forward_width": self.feed_forward_width,
            "dropout": self.dropout,
            "capacity": self.capacity,
        }


def _beside(flags, values):
    """Flags `(batch,)` with as many axes as values."""
    return ops.reshape(flags, (-1, *[1] * (len(values.shape) - 1)))
