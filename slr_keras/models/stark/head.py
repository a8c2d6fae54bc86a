"""The gloss decoder of STARK, unchanged from MSKA's visual head (docs/papers/stark.md §2.2)."""

import keras
import numpy as np
from keras import ops

from slr_keras.models.layers import (
    PACKAGE,
    Linear,
    MaskedBatchNormalization,
    bias_uniform,
    fan_in_uniform,
    sinusoid_frequencies,
)


@keras.saving.register_keras_serializable(PACKAGE)
class GlossHead(keras.layers.Layer):
    """Head from features to gloss logits.

    Linear layer, batch normalisation, ReLU, position code, convolutional feed-forward block, layer
    normalisation, linear layer.

    Args:
        vocabulary_size: V, classes with the blank.
        width: channels inside the head (hidden_dim). Defaults to `512`.
        feed_forward_width: channels between the two convolutions (intermediate_dim). Defaults to
            `2048`.
        dropout: dropout rate. Defaults to `0.1`.
        kernel_size: kernel size of the convolutions. Defaults to `3`.
        causal: whether the convolutions read no later steps. Defaults to `False`.

    Call arguments:
        inputs: `(batch, steps, channels)`.
        valid: `(batch, steps)`, 1 on real steps. Defaults to all.

    Returns:
        logits `(batch, steps, vocabulary_size)` in float32.

    >>> import numpy as np
    >>> from slr_keras.models.stark.head import GlossHead
    >>> head = GlossHead(22, width=16, feed_forward_width=32)
    >>> head(np.zeros((1, 5, 8), "float32"), valid=np.ones((1, 5), "float32")).shape
    TensorShape([1, 5, 22])
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int = 512,
        feed_forward_width: int = 2048,
        dropout: float = 0.1,
        kernel_size: int = 3,
        causal: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.width = width
        self.feed_forward_width = feed_forward_width
        self.dropout = dropout
        self.kernel_size = kernel_size
        self.causal = causal
        self.look_ahead = 0 if causal else kernel_size // 2

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        wide = (*inputs_shape[:-1], self.width)
        wider = (*inputs_shape[:-1], self.feed_forward_width)
        self.input_linear = Linear(self.width, dtype=policy, name="input")
        self.input_norm = MaskedBatchNormalization(dtype=policy, name="input_norm")
        self.inner_norm = keras.layers.LayerNormalization(
            epsilon=1e-6, dtype=policy, name="inner_norm"
        )
        self.expand = self._convolution(self.feed_forward_width, self.width, "expand")
        self.contract = self._convolution(self.width, self.feed_forward_width, "contract")
        self.output_norm = keras.layers.LayerNormalization(
            epsilon=1e-6, dtype=policy, name="output_norm"
        )
        self.output_linear = Linear(self.vocabulary_size, dtype=policy, name="output")
        self.position_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.expand_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.contract_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.input_linear.build(inputs_shape)
        for layer in (
            self.input_norm,
            self.inner_norm,
            self.expand,
            self.output_norm,
            self.output_linear,
        ):
            layer.build(wide)
        self.contract.build(wider)

    def _convolution(self, filters, channels, name):
        return keras.layers.Conv1D(
            filters,
            self.kernel_size,
            padding="causal" if self.causal else "same",
            kernel_initializer=fan_in_uniform(),
            bias_initializer=bias_uniform(self.kernel_size * channels),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs, valid=None, training=False):
        if valid is None:
            valid = ops.ones(ops.shape(inputs)[:2])
        steps = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        x = self.input_norm(self.input_linear(inputs), valid=valid, training=training)
        x = ops.relu(x)
        x = x + self.positions(ops.arange(ops.shape(inputs)[1], dtype="float32"))
        x = self.position_dropout(x, training=training)
        # Zeros after a clip's end, as without padding: results do not depend on the batch.
        y = self.expand(self.inner_norm(x) * steps)
        y = self.expand_dropout(ops.relu(y), training=training)
        y = self.contract(y * steps)
        x = x + self.contract_dropout(y, training=training)
        return ops.cast(self.output_linear(self.output_norm(x)), "float32")

    def positions(self, steps):
        """Position code of step numbers: `(steps,)` float32 to `(steps, width)`."""
        frequencies, phases = sinusoid_frequencies(self.width)
        index = ops.expand_dims(steps, -1)
        code = ops.sin(
            index * ops.convert_to_tensor(frequencies.astype(np.float32))
            + ops.convert_to_tensor(phases.astype(np.float32))
        )
        return ops.cast(code, self.compute_dtype)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:-1], self.vocabulary_size)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, steps, channels = inputs_shape
        convolutions = 2 * self.kernel_size * self.width * self.feed_forward_width
        linear = self.width * (channels + self.vocabulary_size)
        return batch * steps * (convolutions + linear)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "feed_forward_width": self.feed_forward_width,
            "dropout": self.dropout,
            "kernel_size": self.kernel_size,
            "causal": self.causal,
        }
