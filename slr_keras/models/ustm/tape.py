"""TAPE, the temporal adapter with positional embeddings (docs/papers/ustm.md §4)."""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE, MaskedBatchNormalization, bias_uniform

EPSILON = 1e-5
#: Frames before and after a frame that an adapter reads: four convolutions of kernel size 3.
REACH = 4


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalAdapter(keras.layers.Layer):
    """TAPE: adds features of the neighbouring frames to the maps of a stage.

    With the maps S of a stage and the embedding P of a frame's position in its clip,

        z = LN(S) W_d + b_d + P
        u = BN(Conv1(z)) + BN(Conv3(GELU(BN(Conv3(z)))))
        y = GELU(u + BN(Conv3(GELU(BN(Conv3(u))))))
        X = skip S + LN(y) W_u + b_u

    where Conv3 has kernel size 3 in time, height and width. The published code adds S once inside
    and once outside of the adapter (skip 2); the paper's figure shows one addition (skip 1).

    Args:
        width: channels between W_d and W_u (bottleneck width). Defaults to `64`.
        positions: rows of P, frames of the longest lengthened clip. Defaults to `1000`.
        skip: weight of S in the output. Defaults to `2.0`.

    Call arguments:
        maps: `(frames, height, width, channels)`, clips packed into one sequence (`pack`).
        places: `(frames,)` int32, position of each frame in its clip.
        inside: `(frames,)`, 0 on frames of gaps, which convolutions read as zeros.
        counted: `(frames,)`, 1 on frames that count in batch statistics. Defaults to `inside`.

    Returns:
        the shape of maps; values in gaps are undefined.

    >>> import numpy as np
    >>> from slr_keras.models.ustm.tape import TemporalAdapter
    >>> maps = np.ones((5, 4, 4, 8), "float32")
    >>> TemporalAdapter(width=6)(maps, np.arange(5), np.ones(5, "float32")).shape
    TensorShape([5, 4, 4, 8])
    """

    def __init__(self, width: int = 64, positions: int = 1000, skip: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.positions = positions
        self.skip = skip

    def build(self, maps_shape, *_, **__):
        channels, width, policy = maps_shape[-1], self.width, self.dtype_policy

        def layer_norm(name):
            return keras.layers.LayerNormalization(epsilon=EPSILON, name=name, dtype=policy)

        self.norm_in, self.norm_out = layer_norm("norm_in"), layer_norm("norm_out")
        # Xavier's uniform and no bias, Keras' own defaults.
        self.down = keras.layers.Dense(width, name="down", dtype=policy)
        self.up = keras.layers.Dense(channels, name="up", dtype=policy)
        self.norm_in.build((None, channels))
        self.down.build((None, channels))
        self.norm_out.build((None, width))
        self.up.build((None, width))
        self.table = self.add_weight(
            name="table", shape=(self.positions, width), initializer="zeros"
        )
        for name, size in (("mix", 1), ("near_1", 3), ("near_2", 3), ("far_1", 3), ("far_2", 3)):
            unit = _ConvolutionNorm(width, size, name=name, dtype=policy)
            unit.build((None, *maps_shape[1:3], width))
            setattr(self, name, unit)

    def call(self, maps, places, inside, counted=None, training=False):
        counted = inside if counted is None else counted
        height, wide, channels = maps.shape[1:]
        rows = self.down(self.norm_in(ops.reshape(maps, (-1, channels))))
        # The model refuses clips longer than the table. In a graph its assertion may run after this
        # gather, which would then fail first, with an error about an index.
        table = ops.take(self.table, ops.minimum(places, self.positions - 1), axis=0)
        z = ops.reshape(rows, (-1, height, wide, self.width)) + table[:, None, None]

        def local(x, first, second):
            hidden = ops.gelu(first(x, inside, counted, training=training), approximate=False)
            return second(hidden, inside, counted, training=training)

        u = self.mix(z, inside, counted, training=training) + local(z, self.near_1, self.near_2)
        y = ops.gelu(u + local(u, self.far_1, self.far_2), approximate=False)
        rows = self.up(self.norm_out(ops.reshape(y, (-1, self.width))))
        return self.skip * maps + ops.reshape(rows, (-1, height, wide, channels))

    def compute_output_shape(self, maps_shape, *_, **__):
        return maps_shape

    def multiply_adds(self, maps_shape) -> int:
        """Multiply-adds for `(frames, height, width, channels)`."""
        frames, height, wide, channels = maps_shape
        linear = 2 * channels * self.width + self.width**2
        return frames * height * wide * (linear + 4 * 27 * self.width**2)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "positions": self.positions,
            "skip": self.skip,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class _ConvolutionNorm(keras.layers.Layer):
    """A convolution over time, height and width that keeps all sizes, and batch normalisation."""

    def __init__(self, width, size, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.size = size

    def build(self, inputs_shape, *_):
        self.convolution = keras.layers.Conv3D(
            self.width,
            self.size,
            padding="same",
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            bias_initializer=bias_uniform(self.size**3 * self.width),
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.norm = MaskedBatchNormalization(name="norm", dtype=self.dtype_policy)
        self.convolution.build((1, *inputs_shape))
        self.norm.build(inputs_shape)

    def call(self, inputs, inside, counted, training=False):
        x = inputs
        if self.size > 1:
            x = x * ops.cast(inside, x.dtype)[:, None, None, None]
        # The convolution reads the sequence as one clip; the gaps separate the clips.
        x = ops.squeeze(self.convolution(ops.expand_dims(x, 0)), 0)
        return self.norm(x, valid=counted[:, None, None], training=training)

    def compute_output_shape(self, inputs_shape, *_):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "width": self.width, "size": self.size}
