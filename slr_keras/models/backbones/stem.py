"""Convolutional stem of a vision transformer."""

import keras
from keras import ops

from slr_keras.models.backbones.residual import ConvNorm
from slr_keras.models.layers import PACKAGE, bias_uniform, fan_in_uniform


@keras.saving.register_keras_serializable(PACKAGE)
class ConvolutionalStem(keras.layers.Layer):
    """3x3 convolutions of stride 2, each with batch normalisation and ReLU, and a linear layer.

    The padding of the convolutions makes positions distinguishable, which attention with relative
    positions followed by a mean does not.

    Reference: Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021.

    Args:
        widths: channels of the convolutions; a token covers a square of `2 ** len(widths)` pixels.
        embedding: channels of a token (embed_dim).

    Call arguments:
        inputs: `(frames, height, width, 3)`, normalised.
        valid: `(frames,)`, 1 on frames that count in the batch statistics. Defaults to all.

    Returns:
        `(frames, height / 2 ** len(widths), width / 2 ** len(widths), embedding)`, rounded up.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.stem import ConvolutionalStem
    >>> ConvolutionalStem((4, 8), 6)(np.zeros((1, 16, 8, 3), "float32")).shape
    TensorShape([1, 4, 2, 6])
    """

    def __init__(self, widths: tuple[int, ...], embedding: int, **kwargs):
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.embedding = embedding

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        shape = (None, None, None, inputs_shape[-1])
        self.convolutions = []
        for number, width in enumerate(self.widths, 1):
            layer = ConvNorm(width, 3, stride=2, name=f"convolution_{number}", dtype=policy)
            layer.build(shape)
            shape = (*shape[:3], width)
            self.convolutions.append(layer)
        self.project = keras.layers.Dense(
            self.embedding,
            kernel_initializer=fan_in_uniform(),
            bias_initializer=bias_uniform(shape[-1]),
            name="project",
            dtype=policy,
        )
        self.project.build(shape)

    def call(self, inputs, valid=None, training=False):
        maps = inputs
        for layer in self.convolutions:
            maps = ops.relu(layer(maps, valid=valid, training=training))
        return self.project(maps)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        shape = inputs_shape
        for layer in self.convolutions:
            shape = layer.compute_output_shape(shape)
        return (*shape[:3], self.embedding)

    def multiply_adds(self, height: int, width: int) -> int:
        """Multiply-adds for one frame of this size in pixels."""
        total, channels = 0, 3
        for filters in self.widths:
            height, width = -(-height // 2), -(-width // 2)
            total += height * width * 9 * channels * filters
            channels = filters
        return total + height * width * channels * self.embedding

    def get_config(self):
        return {**super().get_config(), "widths": self.widths, "embedding": self.embedding}
