"""Blocks of SignConv: residual convolution, and self-attention (docs/papers/sign_conv.md §2)."""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear, MaskedBatchNormalization


@keras.saving.register_keras_serializable(PACKAGE)
class ConvolutionBlock(keras.layers.Layer):
    """Residual convolution over time: x + dropout(ReLU(BN(conv(x)))).

    Args:
        width: channels.
        kernel_size: steps that the convolution reads. Defaults to `3`.
        depthwise: whether the convolution is one filter for each channel followed by a linear
            layer, which costs `kernel_size` times less. Defaults to `False`.
        dropout: rate at which whole channels of a clip are dropped. Defaults to `0.15`.
        causal: whether the convolution reads no later steps. Defaults to `False`.

    Call arguments:
        inputs: `(batch, steps, width)`, 0 after the end of a clip.
        valid: `(batch, steps)`, 1 on real steps.

    Returns:
        `(batch, steps, width)`, 0 after the end of a clip.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv.block import ConvolutionBlock
    >>> ConvolutionBlock(8)(np.zeros((1, 5, 8), "float32"), np.ones((1, 5), "float32")).shape
    TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        width: int,
        kernel_size: int = 3,
        depthwise: bool = False,
        dropout: float = 0.15,
        causal: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width = width
        self.kernel_size = kernel_size
        self.depthwise = depthwise
        self.dropout = dropout
        self.causal = causal
        self.look_ahead = 0 if causal else kernel_size // 2

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        padding = "causal" if self.causal else "same"
        if self.depthwise:
            # Keras pads a depthwise convolution on both sides only.
            self.filters = keras.layers.DepthwiseConv1D(
                self.kernel_size, padding="valid", use_bias=False, dtype=policy, name="filters"
            )
            self.filters.build(inputs_shape)
            self.mix = Linear(self.width, dtype=policy, name="mix")
            self.mix.build(inputs_shape)
        else:
            self.convolution = keras.layers.Conv1D(
                self.width,
                self.kernel_size,
                padding=padding,
                use_bias=False,
                kernel_initializer="he_normal",
                dtype=policy,
                name="convolution",
            )
            self.convolution.build(inputs_shape)
        self.norm = MaskedBatchNormalization(dtype=policy, name="norm")
        self.norm.build(inputs_shape)
        self.channel_dropout = keras.layers.SpatialDropout1D(self.dropout, dtype=policy)

    def inner_steps(self, inputs):
        """The convolution of the steps that have all neighbours: `kernel_size - 1` fewer."""
        if self.depthwise:
            return self.mix(self.filters(inputs))
        return ops.conv(inputs, self.convolution.kernel, padding="valid")

    def _convolved(self, inputs):
        if not self.depthwise:
            return self.convolution(inputs)
        before = self.kernel_size - 1 - self.look_ahead
        return self.inner_steps(ops.pad(inputs, ((0, 0), (before, self.look_ahead), (0, 0))))

    def call(self, inputs, valid, training=False):
        change = self.norm(self._convolved(inputs), valid=valid, training=training)
        change = self.channel_dropout(ops.relu(change), training=training)
        return (inputs + change) * ops.expand_dims(ops.cast(valid, inputs.dtype), -1)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return inputs_shape

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, width)`."""
        batch, steps, width = inputs_shape
        each = width * (self.kernel_size + width) if self.depthwise else self.kernel_size * width**2
        return batch * steps * each

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "kernel_size": self.kernel_size,
            "depthwise": self.depthwise,
            "dropout": self.dropout,
            "causal": self.causal,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class AttentionBlock(keras.layers.Layer):
    """Pre-norm transformer block: self-attention over real steps, and a feed-forward layer.

    Steps have no position code: the convolutions before the block see the order.

    Args:
        width: channels.
        heads: number of attention heads (num_heads). Defaults to `4`.
        dropout: dropout rate of attention maps and of both branches. Defaults to `0.15`.
        causal: whether a step attends to no later step. Defaults to `False`.

    Call arguments:
        inputs: `(batch, steps, width)`.
        valid: `(batch, steps)`, 1 on real steps.

    Returns:
        `(batch, steps, width)`, 0 after the end of a clip.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv.block import AttentionBlock
    >>> AttentionBlock(8)(np.zeros((1, 5, 8), "float32"), np.ones((1, 5), "float32")).shape
    TensorShape([1, 5, 8])
    """

    def __init__(
        self, width: int, heads: int = 4, dropout: float = 0.15, causal: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.width = width
        self.heads = heads
        self.dropout = dropout
        self.causal = causal

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.input_norm = keras.layers.LayerNormalization(dtype=policy, name="input_norm")
        self.inner_norm = keras.layers.LayerNormalization(dtype=policy, name="inner_norm")
        for norm in (self.input_norm, self.inner_norm):
            norm.build(inputs_shape)
        self.projections = Linear(3 * self.width, dtype=policy, name="projections")
        self.output_linear = Linear(self.width, dtype=policy, name="output")
        self.expand = Linear(2 * self.width, dtype=policy, name="expand")
        self.contract = Linear(self.width, dtype=policy, name="contract")
        for linear in (self.projections, self.output_linear, self.expand):
            linear.build(inputs_shape)
        self.contract.build((*inputs_shape[:-1], 2 * self.width))
        self.drop = keras.layers.Dropout(self.dropout, dtype=policy)

    def call(self, inputs, valid, training=False):
        x = inputs + self.drop(
            self.output_linear(self._attended(self.input_norm(inputs), valid, training)),
            training=training,
        )
        y = self.contract(ops.relu(self.expand(self.inner_norm(x))))
        x = x + self.drop(y, training=training)
        return x * ops.expand_dims(ops.cast(valid, x.dtype), -1)

    def _attended(self, x, valid, training):
        steps, each = ops.shape(x)[1], self.width // self.heads
        rows = ops.reshape(self.projections(x), (-1, steps, 3, self.heads, each))
        query, key, value = (ops.transpose(rows[:, :, i], (0, 2, 1, 3)) for i in range(3))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) * each**-0.5
        allowed = ops.reshape(ops.cast(valid, "float32"), (-1, 1, 1, steps))
        if self.causal:
            order = ops.arange(steps)
            earlier = ops.expand_dims(order, 1) >= ops.expand_dims(order, 0)
            allowed = allowed * ops.cast(earlier, "float32")
        scores = ops.cast(scores, "float32") + 1e9 * (allowed - 1.0)
        maps = self.drop(ops.cast(ops.softmax(scores, axis=-1), x.dtype), training=training)
        mixed = ops.transpose(ops.matmul(maps, value), (0, 2, 1, 3))
        return ops.reshape(mixed, (-1, steps, self.width))

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return inputs_shape

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, width)`."""
        batch, steps, width = inputs_shape
        return batch * steps * (8 * width**2 + 2 * steps * width)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "heads": self.heads,
            "dropout": self.dropout,
            "causal": self.causal,
        }
