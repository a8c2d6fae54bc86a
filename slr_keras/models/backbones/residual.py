"""Blocks of residual networks, numerically equal to PyTorch's (docs/papers/c2st.md §2.3)."""

import keras
from keras import ops

from slr_keras.models.backbones.shift import TemporalShift
from slr_keras.models.layers import PACKAGE, MaskedBatchNormalization


@keras.saving.register_keras_serializable(PACKAGE)
class ConvNorm(keras.layers.Layer):
    """A convolution without bias and the batch normalisation of its output.

    The padding is dilation * (kernel // 2) on every side, as in PyTorch. Keras' "same" pads less
    at the top and left if the stride is 2.

    Args:
        filters: channels of the output.
        kernel: size of the kernel (kernel_size), odd.
        stride: stride of the convolution. Defaults to `1`.
        dilation: dilation rate of the kernel. Defaults to `1`.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        valid: `(frames,)`, 1 on frames that count in the batch statistics. Defaults to all.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.residual import ConvNorm
    >>> ConvNorm(5, kernel=3, stride=2)(np.zeros((1, 7, 8, 3), "float32")).shape
    TensorShape([1, 4, 4, 5])
    """

    def __init__(self, filters: int, kernel: int, stride: int = 1, dilation: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel = kernel
        self.stride = stride
        self.dilation = dilation
        self.side = dilation * (kernel // 2)

    def build(self, inputs_shape, valid_shape=None):
        self.convolution = keras.layers.Conv2D(
            self.filters,
            self.kernel,
            strides=self.stride,
            dilation_rate=self.dilation,
            use_bias=False,
            # torch's kaiming_normal_ for the fan out; "normal" here means truncated elsewhere.
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.norm = MaskedBatchNormalization(name="norm", dtype=self.dtype_policy)
        self.convolution.build(inputs_shape)
        self.norm.build((None, None, None, self.filters))

    def call(self, inputs, valid=None, training=False):
        maps = inputs
        if self.side:
            border = (self.side, self.side)
            maps = ops.pad(maps, ((0, 0), border, border, (0, 0)))
        if valid is not None:
            valid = ops.reshape(valid, (-1, 1, 1))
        return self.norm(self.convolution(maps), valid=valid, training=training)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        frames, *sizes, _ = inputs_shape
        spread = 2 * self.side - self.dilation * (self.kernel - 1) - 1
        halved = [size and (size + spread) // self.stride + 1 for size in sizes]
        return (frames, *halved, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel": self.kernel,
            "stride": self.stride,
            "dilation": self.dilation,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(keras.layers.Layer):
    """ReLU(shortcut(x) + convolutions(x)): two of 3x3, or 1x1, 3x3 and 1x1 (a bottleneck).

    Args:
        filters: channels inside the block; the output of a bottleneck has four times as many.
        stride: stride of the first 3x3 convolution. Defaults to `1`.
        bottleneck: whether the block has the form with three convolutions. Defaults to `False`.
        dilation: dilation rate of the 3x3 convolutions. Defaults to `1`.
        shift: a `TemporalShift` of the convolutions' inputs; the shortcut's input is not shifted.
            Defaults to `None`, no shift.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        valid: `(frames,)`, see `ConvNorm`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.residual import ResidualBlock
    >>> ResidualBlock(4, stride=2, bottleneck=True)(np.zeros((1, 8, 8, 3), "float32")).shape
    TensorShape([1, 4, 4, 16])
    """

    def __init__(
        self,
        filters: int,
        stride: int = 1,
        bottleneck: bool = False,
        dilation: int = 1,
        shift: TemporalShift | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        self.bottleneck = bottleneck
        self.dilation = dilation
        self.shift = shift
        self.channels = filters * (4 if bottleneck else 1)

    def build(self, inputs_shape, valid_shape=None):
        sizes = [(3, self.stride), (3, 1)]
        if self.bottleneck:
            # The stride belongs to the 3x3 (torchvision's "v1.5").
            sizes = [(1, 1), (3, self.stride), (1, 1)]
        self.branch = []
        shape = inputs_shape
        for number, (kernel, stride) in enumerate(sizes, 1):
            filters = self.channels if number == len(sizes) else self.filters
            layer = ConvNorm(
                filters,
                kernel,
                stride,
                self.dilation if kernel > 1 else 1,
                name=f"branch_{number}",
                dtype=self.dtype_policy,
            )
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
            self.branch.append(layer)
        self.shortcut = None
        if self.stride != 1 or inputs_shape[-1] != self.channels:
            self.shortcut = ConvNorm(
                self.channels, 1, self.stride, name="shortcut", dtype=self.dtype_policy
            )
            self.shortcut.build(inputs_shape)

    @property
    def convolutions(self) -> list[ConvNorm]:
        """All convolutions, including the one of the shortcut."""
        return [*self.branch, *([self.shortcut] if self.shortcut is not None else [])]

    def call(self, inputs, valid=None, training=False):
        maps = inputs if self.shift is None else self.shift(inputs)
        for layer in self.branch[:-1]:
            maps = ops.relu(layer(maps, valid=valid, training=training))
        maps = self.branch[-1](maps, valid=valid, training=training)
        shortcut = inputs
        if self.shortcut is not None:
            shortcut = self.shortcut(inputs, valid=valid, training=training)
        return ops.relu(shortcut + maps)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        shape = inputs_shape
        for layer in self.branch:
            shape = layer.compute_output_shape(shape)
        return shape

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "stride": self.stride,
            "bottleneck": self.bottleneck,
            "dilation": self.dilation,
            "shift": keras.saving.serialize_keras_object(self.shift),
        }

    @classmethod
    def from_config(cls, config):
        shift = keras.saving.deserialize_keras_object(config.get("shift"))
        return cls(**{**config, "shift": shift})
