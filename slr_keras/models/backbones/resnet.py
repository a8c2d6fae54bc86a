"""ResNet for frames and TSM for clips (docs/papers/c2st.md §2.3, docs/papers/stepnet.md §3)."""

import functools
import itertools
import math

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.residual import ConvNorm, ResidualBlock
from slr_keras.models.backbones.shift import TemporalShift
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class ResNet(Backbone):
    """Residual network without its classifier: the last map, or the mean over it.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, in
    torchvision's form. Padding frames do not count in batch statistics (docs/papers/c2st.md §2.3).
    With `clip_frames` the network is TSM (docs/papers/stepnet.md §3): a `TemporalShift` precedes
    the first convolution of every block.

    Args:
        depths: number of blocks in each stage. Defaults to `(2, 2, 2, 2)`, ResNet-18.
        widths: channels inside the blocks of each stage (hidden_sizes). Defaults to
            `(64, 128, 256, 512)`.
        bottleneck: whether blocks have three convolutions, as in ResNet-50 and larger. Defaults to
            `False`.
        stem: kernel size of the first convolution, which has stride 2. Defaults to `7`.
        stem_pool: whether a 3x3 max-pooling with stride 2 follows the first convolution. Defaults
            to `True`.
        channels: channels of the input (in_chans). Defaults to `3`.
        last_stride: stride of the last stage: 2, or 1 for a map of twice the height and width.
            Defaults to `2`.
        last_dilation: dilation rate of the last stage's 3x3 convolutions, except in its first
            block. Defaults to `1`.
        clip_frames: T, frames of each clip, between which channels are shifted; 0 for independent
            frames. Defaults to `0`.
        shift_divisor: see `TemporalShift`. Defaults to `8`.
        partial_bn: whether all batch normalisations but the first are frozen (gamma, beta and
            statistics), which suits few clips per step. Defaults to `False`.
        pooled: whether the output is the mean over the last map. Defaults to `True`.

    Call arguments:
        inputs: `(frames, height, width, channels)`, normalised.
        valid: `(frames,)`, 1 on frames that count in the batch statistics. Defaults to all.
        noise: ignored.

    Returns:
        `(frames, channels)` with `pooled`, otherwise
        `(frames, height / reduction, width / reduction, channels)`. The channels are `widths[-1]`,
        or four times as many with bottlenecks.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import make_backbone
    >>> make_backbone("resnet_micro")(np.zeros((2, 32, 32, 3), "float32")).shape
    TensorShape([2, 128])
    """

    batch_statistics = True
    input_kernel = "stem/convolution/kernel"

    def __init__(
        self,
        depths: tuple[int, ...] = (2, 2, 2, 2),
        widths: tuple[int, ...] = (64, 128, 256, 512),
        bottleneck: bool = False,
        stem: int = 7,
        stem_pool: bool = True,
        channels: int = 3,
        last_stride: int = 2,
        last_dilation: int = 1,
        clip_frames: int = 0,
        shift_divisor: int = 8,
        partial_bn: bool = False,
        pooled: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if len(depths) != len(widths):
            raise OptionError(f"depths {depths} and widths {widths} are not of the same stages")
        if last_stride not in (1, 2):
            raise OptionError(f"last_stride is 1 or 2; got {last_stride}")
        self.depths = tuple(depths)
        self.widths = tuple(widths)
        self.bottleneck = bottleneck
        self.stem = stem
        self.stem_pool = stem_pool
        self.channels = channels
        self.last_stride = last_stride
        self.last_dilation = last_dilation
        self.clip_frames = clip_frames
        self.shift_divisor = shift_divisor
        self.partial_bn = partial_bn
        self.pooled = pooled
        self.width = widths[-1] * (4 if bottleneck else 1)
        self.framewise = pooled and not clip_frames
        strides = (2, 2 if stem_pool else 1, *self._strides())
        self.reduction = math.prod(strides)

    @property
    def example_shape(self) -> tuple[int | None, ...]:
        return (None, None, None, self.channels)

    def _strides(self) -> list[int]:
        """Strides of the first block of every stage."""
        last = len(self.depths) - 1
        return [
            1 if not stage else self.last_stride if stage == last else 2
            for stage in range(last + 1)
        ]

    def build(self, inputs_shape, valid_shape=None, noise_shape=None):
        policy = self.dtype_policy
        self.stem_layer = ConvNorm(self.widths[0], self.stem, 2, name="stem", dtype=policy)
        self.stem_layer.build(self.example_shape)
        self.blocks = []
        shape = (None, None, None, self.widths[0])
        for stage, (depth, stride) in enumerate(zip(self.depths, self._strides())):
            for index in range(depth):
                block = self._block(stage, index, stride if index == 0 else 1)
                block.build(shape)
                shape = (*shape[:3], block.channels)
                self.blocks.append(block)
                for layer in block.convolutions if self.partial_bn else ():
                    layer.norm.trainable = False

    def _block(self, stage: int, index: int, stride: int) -> ResidualBlock:
        policy = self.dtype_policy
        shift = None
        if self.clip_frames:
            shift = TemporalShift(self.clip_frames, self.shift_divisor, dtype=policy)
        return ResidualBlock(
            self.widths[stage],
            stride=stride,
            bottleneck=self.bottleneck,
            dilation=self.last_dilation if index and stage == len(self.depths) - 1 else 1,
            shift=shift,
            name=f"stage_{stage}_block_{index}",
            dtype=policy,
        )

    def stages(self):
        stages = [(self._stem, [self.stem_layer])]
        ends = list(itertools.accumulate(self.depths))
        for start, end in zip([0, *ends], ends, strict=False):
            blocks = self.blocks[start:end]
            stages.append((functools.partial(_in_turn, blocks), blocks))
        return stages

    def _stem(self, inputs, valid, training):
        maps = ops.relu(self.stem_layer(inputs, valid=valid, training=training))
        if not self.stem_pool:
            return maps
        # Zeros serve as -inf: nothing is below them after the ReLU.
        maps = ops.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return ops.max_pool(maps, 3, strides=2, padding="valid", data_format="channels_last")

    def call(self, inputs, valid=None, noise=None, training=False):
        maps = inputs
        for stage, _ in self.stages():
            maps = stage(maps, valid, training)
        return ops.mean(maps, axis=(1, 2)) if self.pooled else maps

    def compute_output_shape(self, inputs_shape, **_):
        if self.pooled:
            return (inputs_shape[0], self.width)
        sizes = (size and -(-size // self.reduction) for size in inputs_shape[1:3])
        return (inputs_shape[0], *sizes, self.width)

    def get_config(self):
        names = (
            "depths widths bottleneck stem stem_pool channels last_stride last_dilation "
            "clip_frames shift_divisor partial_bn pooled"
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}


def _in_turn(blocks, maps, valid, training):
    for block in blocks:
        maps = block(maps, valid=valid, training=training)
    return maps
