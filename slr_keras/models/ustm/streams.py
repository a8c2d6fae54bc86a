"""MSTCN, the multi-scale temporal convolution in parallel streams (docs/papers/ustm.md §5.1)."""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear, bias_uniform, fan_in_uniform

DILATIONS = (1, 2, 3, 4)


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalStreams(keras.layers.Layer):
    """Six parallel streams at different temporal scales, concatenated.

    Each stream begins with a linear layer and ReLU. A maximum over three frames follows in the
    first stream, nothing in the second, and in each other one a dilated convolution of kernel size
    3 with ReLU.

    Args:
        width: channels of each stream (hidden_dim). Defaults to `1024`.
        dilations: dilation rates of the convolutions. Defaults to `(1, 2, 3, 4)`.
        masked: `False` for the published form, which does not mask frames after a clip's end.
            Defaults to `True`.

    Call arguments:
        features: `(batch, frames, channels)`.
        valid: `(batch, frames)`, 1 on frames of the clip, which come first. Defaults to all.

    Returns:
        `(batch, frames, (2 + dilations) * width)`; values on padding are undefined.

    >>> import numpy as np
    >>> from slr_keras.models.ustm import TemporalStreams
    >>> TemporalStreams(8)(np.ones((2, 16, 5), "float32")).shape
    TensorShape([2, 16, 48])
    """

    def __init__(
        self,
        width: int = 1024,
        dilations: tuple[int, ...] = DILATIONS,
        masked: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width = width
        self.dilations = tuple(dilations)
        self.masked = masked

    def build(self, features_shape, valid_shape=None):
        policy = self.dtype_policy
        self.entries = [
            Linear(self.width, name=f"entry_{stream}", dtype=policy)
            for stream in range(2 + len(self.dilations))
        ]
        self.convolutions = [
            keras.layers.Conv1D(
                self.width,
                3,
                padding="same",
                dilation_rate=dilation,
                activation="relu",
                kernel_initializer=fan_in_uniform(),
                bias_initializer=bias_uniform(3 * self.width),
                name=f"dilated_{dilation}",
                dtype=policy,
            )
            for dilation in self.dilations
        ]
        for layer in self.entries:
            layer.build(features_shape)
        for layer in self.convolutions:
            layer.build((*features_shape[:2], self.width))

    def call(self, features, valid=None):
        # The bias changes the zeros after a clip, which the convolutions at its end read.
        views = [ops.relu(layer(features)) for layer in self.entries]
        if self.masked and valid is not None:
            keep = ops.expand_dims(ops.cast(valid, views[0].dtype), -1)
            views = [view * keep for view in views]
        highest = ops.max_pool(views[0], 3, 1, padding="same")
        rest = [layer(view) for layer, view in zip(self.convolutions, views[2:], strict=True)]
        return ops.concatenate([highest, views[1], *rest], axis=-1)

    def compute_output_shape(self, features_shape, valid_shape=None):
        return (*features_shape[:2], (2 + len(self.dilations)) * self.width)

    def multiply_adds(self, features_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, frames, channels)`."""
        batch, frames, channels = features_shape
        entries = (2 + len(self.dilations)) * channels * self.width
        return batch * frames * (entries + 3 * len(self.dilations) * self.width**2)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "dilations": self.dilations,
            "masked": self.masked,
        }
