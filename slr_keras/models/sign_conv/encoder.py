"""Encoder of SignConv: features to steps of the network's width (docs/papers/sign_conv.md §2)."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear, MaskedBatchNormalization
from slr_keras.models.sign_conv.block import AttentionBlock, ConvolutionBlock


@keras.saving.register_keras_serializable(PACKAGE)
class ConvolutionEncoder(keras.layers.Layer):
    """Linear stem, residual convolutions, and attention blocks if any.

    With a stride of 4, neighbouring steps are averaged in pairs twice: after the stem, and after
    the first of the convolutions.

    Args:
        width: channels (hidden_dim).
        blocks: number of convolution blocks.
        kernel_size, depthwise, dropout, causal: see `ConvolutionBlock`.
        attention_blocks: number of attention blocks after the convolutions. Defaults to `0`.
        attention_heads: see `AttentionBlock`. Defaults to `4`.
        stride: frames per step, 1, 2 or 4. Defaults to `1`.

    Call arguments:
        inputs: `(batch, frames, features)`, 0 after the end of a clip.
        valid: `(batch, frames)`, 1 on real frames; lengths are multiples of the stride.

    Returns:
        `(batch, frames / stride, width)`.

    >>> import numpy as np
    >>> from slr_keras.models.sign_conv.encoder import ConvolutionEncoder
    >>> encoder = ConvolutionEncoder(8, blocks=2, stride=4)
    >>> encoder(np.zeros((1, 8, 5), "float32"), np.ones((1, 8), "float32")).shape
    TensorShape([1, 2, 8])
    """

    def __init__(
        self,
        width: int,
        blocks: int,
        kernel_size: int = 3,
        depthwise: bool = False,
        dropout: float = 0.15,
        causal: bool = False,
        attention_blocks: int = 0,
        attention_heads: int = 4,
        stride: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if stride not in (1, 2, 4):
            raise OptionError(f"stride must be 1, 2 or 4; got {stride}")
        if width % attention_heads and attention_blocks:
            raise OptionError(f"width {width} must be a multiple of {attention_heads} heads")
        self.width = width
        self.blocks = blocks
        self.kernel_size = kernel_size
        self.depthwise = depthwise
        self.dropout = dropout
        self.causal = causal
        self.attention_blocks = attention_blocks
        self.attention_heads = attention_heads
        self.stride = stride

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.stem = Linear(self.width, dtype=policy, name="stem")
        self.stem.build(inputs_shape)
        shape = (*inputs_shape[:-1], self.width)
        self.stem_norm = MaskedBatchNormalization(dtype=policy, name="stem_norm")
        self.stem_norm.build(shape)
        self.convolutions = [
            ConvolutionBlock(
                self.width,
                self.kernel_size,
                self.depthwise,
                self.dropout,
                self.causal,
                dtype=policy,
                name=f"block_{number}",
            )
            for number in range(1, self.blocks + 1)
        ]
        self.attentions = [
            AttentionBlock(
                self.width,
                self.attention_heads,
                self.dropout,
                self.causal,
                dtype=policy,
                name=f"attention_{number}",
            )
            for number in range(1, self.attention_blocks + 1)
        ]
        for block in (*self.convolutions, *self.attentions):
            block.build(shape)

    def call(self, inputs, valid, training=False):
        x = self.stem_norm(self.stem(inputs), valid=valid, training=training)
        x = x * ops.expand_dims(ops.cast(valid, x.dtype), -1)
        if self.stride > 1:
            x, valid = pair_means(x), valid[:, ::2]
        for number, block in enumerate(self.convolutions):
            x = block(x, valid, training=training)
            if number == 0 and self.stride > 2:
                x, valid = pair_means(x), valid[:, ::2]
        for block in self.attentions:
            x = block(x, valid, training=training)
        return x

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        batch, time = inputs_shape[:2]
        return (batch, None if time is None else time // self.stride, self.width)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, frames, features)`."""
        batch, time, features = inputs_shape
        total = batch * time * features * self.width
        shape = (batch, time // min(self.stride, 2), self.width)
        for number, block in enumerate((*self.convolutions, *self.attentions)):
            total += block.multiply_adds(shape)
            if number == 0:
                shape = (batch, time // self.stride, self.width)
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.blocks,
            "kernel_size": self.kernel_size,
            "depthwise": self.depthwise,
            "dropout": self.dropout,
            "causal": self.causal,
            "attention_blocks": self.attention_blocks,
            "attention_heads": self.attention_heads,
            "stride": self.stride,
        }


def pair_means(x):
    """Means of pairs of neighbouring steps: `(batch, T, C)` to `(batch, T / 2, C)`."""
    pairs = ops.reshape(x, (-1, 2, x.shape[-1]))
    steps = ops.shape(x)[1] // 2
    return ops.reshape(ops.mean(pairs, axis=1), (-1, steps, x.shape[-1]))
