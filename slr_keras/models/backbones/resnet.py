"""Residual networks with PyTorch's numbers (specs/c2st.md §2.3)."""

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.layers import PACKAGE, MaskedBatchNormalization


@keras.saving.register_keras_serializable(PACKAGE)
class ConvNorm(keras.layers.Layer):
    """A convolution without bias and the batch normalisation of its output.

    The padding is kernel // 2 on every side, as in PyTorch; Keras' "same" puts less of it above
    and left where the stride is 2.

    Args:
        filters: channels of the output.
        kernel: side of the kernel, odd.
        stride: of the convolution. Defaults to `1`.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        valid: `(frames,)`, 1 on frames that the statistics may see. Defaults to all.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.resnet import ConvNorm
    >>> ConvNorm(5, kernel=3, stride=2)(np.zeros((1, 7, 8, 3), "float32")).shape
    TensorShape([1, 4, 4, 5])
    """

    def __init__(self, filters: int, kernel: int, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel = kernel
        self.stride = stride

    def build(self, inputs_shape, valid_shape=None):
        self.convolution = keras.layers.Conv2D(
            self.filters,
            self.kernel,
            strides=self.stride,
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
        side = self.kernel // 2
        maps = inputs
        if side:
            maps = ops.pad(maps, ((0, 0), (side, side), (side, side), (0, 0)))
        if valid is not None:
            valid = ops.reshape(valid, (-1, 1, 1))
        return self.norm(self.convolution(maps), valid=valid, training=training)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        frames, *sizes, _ = inputs_shape
        spread = 2 * (self.kernel // 2) - self.kernel
        halved = [size and (size + spread) // self.stride + 1 for size in sizes]
        return (frames, *halved, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel": self.kernel,
            "stride": self.stride,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(keras.layers.Layer):
    """ReLU(shortcut(x) + convolutions(x)): two of 3x3, or 1x1, 3x3 and 1x1 (a bottleneck).

    Args:
        filters: channels inside; a bottleneck gives out four times as many.
        stride: of the first 3x3 convolution. Defaults to `1`.
        bottleneck: the form with three convolutions. Defaults to `False`.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        valid: `(frames,)`, see `ConvNorm`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.resnet import ResidualBlock
    >>> ResidualBlock(4, stride=2, bottleneck=True)(np.zeros((1, 8, 8, 3), "float32")).shape
    TensorShape([1, 4, 4, 16])
    """

    def __init__(self, filters: int, stride: int = 1, bottleneck: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        self.bottleneck = bottleneck
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
                filters, kernel, stride, name=f"branch_{number}", dtype=self.dtype_policy
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

    def call(self, inputs, valid=None, training=False):
        maps = inputs
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
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ResNet(Backbone):
    """Residual network without its classifier; the mean over the last map.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, in
    torchvision's form. Batch statistics see the valid frames only (specs/c2st.md §2.3).

    Args:
        depths: blocks by stage. Defaults to `(2, 2, 2, 2)`, ResNet-18.
        widths: channels inside of the blocks by stage. Defaults to `(64, 128, 256, 512)`.
        bottleneck: three convolutions per block, as from ResNet-50 on. Defaults to `False`.
        stem: side of the first convolution's kernel, which has stride 2. Defaults to `7`.
        stem_pool: whether a 3x3 max-pooling with stride 2 follows it. Defaults to `True`.

    Call arguments:
        inputs: `(frames, height, width, 3)`, normalised.
        valid: `(frames,)`, 1 on frames that batch statistics may see. Defaults to all.
        noise: ignored: nothing is drawn.

    Returns:
        `(frames, widths[-1])`, four times as many channels with bottlenecks.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import make_backbone
    >>> make_backbone("resnet_micro")(np.zeros((2, 32, 32, 3), "float32")).shape
    TensorShape([2, 128])
    """

    batch_statistics = True

    def __init__(
        self,
        depths: tuple[int, ...] = (2, 2, 2, 2),
        widths: tuple[int, ...] = (64, 128, 256, 512),
        bottleneck: bool = False,
        stem: int = 7,
        stem_pool: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if len(depths) != len(widths):
            raise ValueError(f"depths {depths} and widths {widths} are not of the same stages")
        self.depths = tuple(depths)
        self.widths = tuple(widths)
        self.bottleneck = bottleneck
        self.stem = stem
        self.stem_pool = stem_pool
        self.width = widths[-1] * (4 if bottleneck else 1)

    def build(self, inputs_shape, valid_shape=None, noise_shape=None):
        policy = self.dtype_policy
        self.stem_layer = ConvNorm(self.widths[0], self.stem, 2, name="stem", dtype=policy)
        self.stem_layer.build((None, None, None, 3))
        self.blocks = []
        shape = (None, None, None, self.widths[0])
        for stage, (depth, width) in enumerate(zip(self.depths, self.widths)):
            for index in range(depth):
                block = ResidualBlock(
                    width,
                    stride=2 if stage and index == 0 else 1,
                    bottleneck=self.bottleneck,
                    name=f"stage_{stage}_block_{index}",
                    dtype=policy,
                )
                block.build(shape)
                shape = (*shape[:3], block.channels)
                self.blocks.append(block)

    def call(self, inputs, valid=None, noise=None, training=False):
        maps = ops.relu(self.stem_layer(inputs, valid=valid, training=training))
        if self.stem_pool:
            # Zeros serve as -inf: nothing is below them after the ReLU.
            maps = ops.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
            maps = ops.max_pool(maps, 3, strides=2, padding="valid", data_format="channels_last")
        for block in self.blocks:
            maps = block(maps, valid=valid, training=training)
        return ops.mean(maps, axis=(1, 2))

    def get_config(self):
        return {
            **super().get_config(),
            "depths": self.depths,
            "widths": self.widths,
            "bottleneck": self.bottleneck,
            "stem": self.stem,
            "stem_pool": self.stem_pool,
        }
