"""I3D: Inception-v1 inflated to clips (docs/papers/stepnet.md §10)."""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, MaskedBatchNormalization

# Filters of the branches: 1x1; 1x1 and 3x3; 1x1 and 3x3; 1x1 behind the pooling.
MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
BRANCHES = ("b0", "b1a", "b1b", "b2a", "b2b", "b3b")
# Those of 3x3x3, and what stands in front of them.
BEHIND = {"b1b": "b1a", "b2b": "b2a"}
# Frames of a clip come down by these factors in front of 1a, 4b and 5b.
TIME_STRIDES = (2, 2, 2)
REDUCTION = 32


@keras.saving.register_keras_serializable(PACKAGE)
class ConvNorm3d(keras.layers.Layer):
    """A convolution over space and time without bias, batch normalisation, ReLU.

    The padding is TensorFlow's "same"; epsilon is 1e-3 as in the published network.

    Args:
        filters: channels of the output.
        kernel: size of the kernel in time, height and width (kernel_size).
        strides: strides in time, height and width. Defaults to `(1, 1, 1)`.

    Call arguments:
        inputs: `(clips, frames, height, width, channels)`.
        valid: `(clips,)`, 1 on clips that count in the batch statistics. Defaults to all.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.i3d import ConvNorm3d
    >>> ConvNorm3d(5, kernel=7, strides=(2, 2, 2))(np.zeros((1, 4, 9, 8, 3), "float32")).shape
    TensorShape([1, 2, 5, 4, 5])
    """

    def __init__(self, filters: int, kernel: int, strides: Sequence[int] = (1, 1, 1), **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel = kernel
        self.strides = tuple(strides)

    def build(self, inputs_shape, valid_shape=None):
        self.convolution = keras.layers.Conv3D(
            self.filters,
            self.kernel,
            strides=self.strides,
            padding="same",
            use_bias=False,
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.norm = MaskedBatchNormalization(0.99, 1e-3, name="norm", dtype=self.dtype_policy)
        self.convolution.build(inputs_shape)
        self.norm.build((None, None, None, None, self.filters))

    def call(self, inputs, valid=None, training=False):
        if valid is not None:
            valid = ops.reshape(valid, (-1, 1, 1, 1))
        return ops.relu(self.norm(self.convolution(inputs), valid=valid, training=training))

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*_strided(inputs_shape, self.strides)[:4], self.filters)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(clips, frames, height, width, channels)`."""
        clips, frames, height, width, filters = self.compute_output_shape(inputs_shape)
        taps = self.kernel**3 * inputs_shape[-1]
        return clips * frames * height * width * filters * taps

    def get_config(self):
        names = ("filters", "kernel", "strides")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(PACKAGE)
class InceptionBlock(keras.layers.Layer):
    """Four branches side by side: 1x1x1, two of 1x1x1 and 3x3x3, and pooling with 1x1x1.

    Args:
        filters: channels of the branches' convolutions, in the order of `BRANCHES`.

    Call arguments:
        inputs: `(clips, frames, height, width, channels)`.
        valid: `(clips,)`, see `ConvNorm3d`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.i3d import InceptionBlock
    >>> InceptionBlock((1, 2, 3, 4, 5, 6))(np.zeros((1, 2, 4, 4, 3), "float32")).shape
    TensorShape([1, 2, 4, 4, 15])
    """

    def __init__(self, filters: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.channels = sum(self.filters[place] for place in (0, 2, 4, 5))

    def build(self, inputs_shape, valid_shape=None):
        self.convolutions = {}
        for name, filters in zip(BRANCHES, self.filters, strict=True):
            kernel = 3 if name in BEHIND else 1
            layer = ConvNorm3d(filters, kernel, name=name, dtype=self.dtype_policy)
            layer.build(self._input_of(name, inputs_shape))
            self.convolutions[name] = layer

    def _input_of(self, name, inputs_shape):
        if name not in BEHIND:
            return inputs_shape
        return self.convolutions[BEHIND[name]].compute_output_shape(inputs_shape)

    def call(self, inputs, valid=None, training=False):
        def apply(maps, *names):
            for name in names:
                maps = self.convolutions[name](maps, valid=valid, training=training)
            return maps

        branches = [
            apply(inputs, "b0"),
            apply(inputs, "b1a", "b1b"),
            apply(inputs, "b2a", "b2b"),
            apply(_pooled(inputs, 3, (1, 1, 1)), "b3b"),
        ]
        return ops.concatenate(branches, axis=-1)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:4], self.channels)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(clips, frames, height, width, channels)`."""
        return sum(
            layer.multiply_adds(self._input_of(name, inputs_shape))
            for name, layer in self.convolutions.items()
        )

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(PACKAGE)
class I3d(Backbone):
    """Inception-v1 inflated to three dimensions, up to its last block (Mixed_5c).

    Reference: Carreira and Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics
    Dataset", CVPR 2017.

    Args:
        channels: channels of the input (in_chans): 3 for RGB, 2 for flow. Defaults to `3`.
        time_strides: strides in time of the first convolution and of the last two poolings; with
            `(2, 1, 1)` 16 frames give 8 steps. Defaults to `(2, 2, 2)`.

    Call arguments:
        inputs: `(clips, frames, height, width, channels)`, normalised to -1..1.
        valid: `(clips,)`, 1 on clips that count in the batch statistics. Defaults to all.
        noise: ignored.

    Returns:
        `(clips, frames / 8, height / 32, width / 32, 1024)`, rounded up.

    Raises:
        ValueError: a stride in time other than 1 and 2.

    >>> from slr_keras.models.backbones import make_backbone
    >>> make_backbone("i3d").compute_output_shape((1, 64, 256, 256, 3))
    (1, 8, 8, 8, 1024)
    """

    batch_statistics = True
    framewise = False
    input_kernel = "stem_1a/convolution/kernel"
    width = sum(MIXED["5c"][place] for place in (0, 2, 4, 5))
    reduction = REDUCTION

    def __init__(self, channels: int = 3, time_strides: Sequence[int] = TIME_STRIDES, **kwargs):
        super().__init__(**kwargs)
        if len(time_strides) != 3 or not set(time_strides) <= {1, 2}:
            raise OptionError(f"time_strides are three of 1 and 2; got {tuple(time_strides)}")
        self.channels = channels
        self.time_strides = tuple(time_strides)

    @property
    def example_shape(self) -> tuple[int | None, ...]:
        return (None, None, None, None, self.channels)

    def build(self, inputs_shape, valid_shape=None, noise_shape=None):
        def unit(name, filters, kernel, strides=(1, 1, 1)):
            return ConvNorm3d(filters, kernel, strides, name=name, dtype=self.dtype_policy)

        first, second, third = self.time_strides
        # Poolings, as their kernel and strides, between the layers.
        self.steps = [
            unit("stem_1a", 64, 7, (first, 2, 2)),
            ((1, 3, 3), (1, 2, 2)),
            unit("stem_2b", 64, 1),
            unit("stem_2c", 192, 3),
            ((1, 3, 3), (1, 2, 2)),
            *(self._mixed(name) for name in ("3b", "3c")),
            ((3, 3, 3), (second, 2, 2)),
            *(self._mixed(name) for name in ("4b", "4c", "4d", "4e", "4f")),
            ((2, 2, 2), (third, 2, 2)),
            *(self._mixed(name) for name in ("5b", "5c")),
        ]
        shape = self.example_shape
        for step in self.steps:
            if not isinstance(step, tuple):
                step.build(shape)
            shape = _after(step, shape)

    def _mixed(self, name: str) -> InceptionBlock:
        return InceptionBlock(MIXED[name], name=f"mixed_{name}", dtype=self.dtype_policy)

    def stages(self):
        def pool(step):
            return lambda maps, valid, training: _pooled(maps, *step)

        def run(step):
            return lambda maps, valid, training: step(maps, valid=valid, training=training)

        return [
            (pool(step), []) if isinstance(step, tuple) else (run(step), [step])
            for step in self.steps
        ]

    def call(self, inputs, valid=None, noise=None, training=False):
        maps = inputs
        for stage, _ in self.stages():
            maps = stage(maps, valid, training)
        return maps

    def compute_output_shape(self, inputs_shape, **_):
        shape = inputs_shape
        for stride in (*self.time_strides, 1, 1):
            shape = _strided(shape, (stride, 2, 2))
        return (*shape[:4], self.width)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(clips, frames, height, width, channels)`."""
        total, shape = 0, inputs_shape
        for step in self.steps:
            if not isinstance(step, tuple):
                total += step.multiply_adds(shape)
            shape = _after(step, shape)
        return total

    def get_config(self):
        config = {"channels": self.channels, "time_strides": self.time_strides}
        return {**super().get_config(), **config}


def _pooled(maps, size, strides):
    return ops.max_pool(maps, size, strides, padding="same", data_format="channels_last")


def _after(step, shape):
    return _strided(shape, step[1]) if isinstance(step, tuple) else step.compute_output_shape(shape)


def _strided(shape, strides):
    """The shape after a layer with "same" padding and these strides in time, height and width."""
    sizes = (size and -(-size // stride) for size, stride in zip(shape[1:4], strides, strict=True))
    return (shape[0], *sizes, shape[-1])
