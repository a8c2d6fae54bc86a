"""Encoder of one keypoint stream: stem, STARK blocks, pooling (docs/papers/stark.md §3.8-3.9)."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear, MaskedBatchNormalization, sinusoid_table
from slr_keras.models.stark.block import StarkBlock
from slr_keras.models.stark.policy import OFFLINE, SpatialPolicy
from slr_keras.models.stark.spatial import sizes

POSITIONS = ("keypoint", "learned", "none")


@keras.saving.register_keras_serializable(PACKAGE)
class KeypointStem(keras.layers.Layer):
    """Embedding of coordinates and of points: LeakyReLU(BN(FC(x))) + position.

    Args:
        width: channels of the output (embed_dim). Defaults to `64`.
        position: `"keypoint"` (sinusoid over the point's index), `"learned"` or `"none"`. Frames
            have no position code, since a sign means the same at any time. Defaults to
            `"keypoint"`.
        slope: negative slope of the leaky ReLU. Defaults to `0.1`.

    Call arguments:
        inputs: `(batch, points, time, channels)`.
        valid: `(batch, time)`, 1 on real frames. Defaults to all.

    Returns:
        `(batch, points, time, width)`.

    >>> import numpy as np
    >>> from slr_keras.models.stark.encoder import KeypointStem
    >>> KeypointStem(8)(np.zeros((1, 79, 4, 3), "float32")).shape
    TensorShape([1, 79, 4, 8])
    """

    def __init__(self, width: int = 64, position: str = "keypoint", slope: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        if position not in POSITIONS:
            raise OptionError(f"position must be one of {POSITIONS}; got {position!r}")
        self.width = width
        self.position = position
        self.slope = slope

    def build(self, inputs_shape, valid_shape=None):
        self.linear = Linear(self.width, dtype=self.dtype_policy, name="linear")
        self.norm = MaskedBatchNormalization(dtype=self.dtype_policy, name="norm")
        self.linear.build(inputs_shape)
        self.norm.build((*inputs_shape[:-1], self.width))
        points = inputs_shape[1]
        if self.position == "learned":
            self.code = self.add_weight(
                name="position", shape=(points, self.width), initializer="zeros"
            )
        elif self.position == "keypoint":
            self.code = sinusoid_table(points, self.width)
        else:
            self.code = None

    def call(self, inputs, valid=None, training=False):
        if valid is not None:
            valid = ops.expand_dims(valid, 1)
        features = self.norm(self.linear(inputs), valid=valid, training=training)
        features = ops.leaky_relu(features, self.slope)
        if self.code is None:
            return features
        code = ops.expand_dims(ops.convert_to_tensor(self.code), 1)
        return features + ops.cast(code, features.dtype)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:-1], self.width)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "position": self.position,
            "slope": self.slope,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class StarkEncoder(keras.layers.Layer):
    """Encoder of one stream: stem, STARK blocks, mean over points, maximum over time.

    Args:
        widths: output channels of the blocks (hidden_sizes). Defaults to `(64, 96, 128, 256)`.
        stem_width: channels of the stem (embed_dim). Defaults to `64`.
        heads: number of attention heads per block (num_heads). Defaults to `6`.
        window: frames that the temporal attention reads (window_size). Defaults to `7`.
        pools: factors of the max-pooling over time before each block. A last pooling brings their
            product to `stride`. Defaults to `(1, 1, 1, 1)`: as in the paper, only the last pooling.
        stride: frames per output step. Defaults to `4`.
        dropout: dropout rate of the attention maps. Defaults to `0.1`.
        position: position code of the points, see `KeypointStem`. Defaults to `"keypoint"`.
        slope: negative slope of the leaky ReLU. Defaults to `0.1`.
        spatial_policy, spatial_decay, spatial_memory, causal: see `StarkBlock`.

    Call arguments:
        inputs: `(batch, time, points, channels)`; time and the length of every clip are multiples
            of `stride`.
        valid: `(batch, time)`, 1 on real frames.

    Returns:
        `(batch, time / stride, widths[-1])`.

    >>> import numpy as np
    >>> from slr_keras.models.stark.encoder import StarkEncoder
    >>> encoder = StarkEncoder(widths=(8, 16), stem_width=8, heads=2, window=3, pools=(1, 1))
    >>> encoder(np.zeros((1, 8, 5, 3), "float32"), valid=np.ones((1, 8), "float32")).shape
    TensorShape([1, 2, 16])
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 96, 128, 256),
        stem_width: int = 64,
        heads: int = 6,
        window: int = 7,
        pools: tuple[int, ...] = (1, 1, 1, 1),
        stride: int = 4,
        dropout: float = 0.1,
        position: str = "keypoint",
        slope: float = 0.1,
        spatial_policy: str = OFFLINE,
        spatial_decay: float = 0.97,
        spatial_memory: int = 64,
        causal: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        # Also made here, so that invalid values are refused by the constructor.
        SpatialPolicy(spatial_policy, spatial_decay, spatial_memory, stride)
        pooled = 1
        for pool in pools:
            pooled *= pool
        if len(pools) != len(widths) or stride % pooled:
            raise OptionError(
                f"pools {tuple(pools)} must name one factor per block ({len(widths)}) "
                f"whose product divides the stride {stride}"
            )
        self.widths = tuple(widths)
        self.stem_width = stem_width
        self.heads = heads
        self.window = window
        self.pools = tuple(pools)
        self.stride = stride
        self.final_pool = stride // pooled
        self.dropout = dropout
        self.position = position
        self.slope = slope
        self.spatial_policy = spatial_policy
        self.spatial_decay = spatial_decay
        self.spatial_memory = spatial_memory
        self.causal = causal

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.stem = KeypointStem(
            self.stem_width, self.position, self.slope, dtype=policy, name="stem"
        )
        batch, time, points, channels = inputs_shape
        self.stem.build((batch, points, time, channels))
        self.blocks = []
        shape = (batch, points, time, self.stem_width)
        # For the streaming form: frames per call, and the delay in frames.
        group, delay = self.stride, 0
        for index, (pool, width) in enumerate(zip(self.pools, self.widths, strict=True)):
            # A pool waits until it is full.
            group, delay = group // pool, -(-delay // pool)
            block = StarkBlock(
                width,
                heads=self.heads,
                window=self.window,
                dropout=self.dropout,
                slope=self.slope,
                spatial_policy=self.spatial_policy,
                spatial_decay=self.spatial_decay,
                spatial_memory=self.spatial_memory,
                causal=self.causal,
                group=group,
                stride=self.stride,
                delay=delay,
                dtype=policy,
                name=f"block_{index + 1}",
            )
            block.build(shape)
            self.blocks.append(block)
            delay += block.look_ahead
            shape = (*shape[:-1], width)

    def call(self, inputs, valid, training=False):
        steps = sizes(inputs)[1] // self.stride
        inputs, valid = self._pad_to_chunks(inputs, valid)
        # Points before time: a chunk of a point's frames is then one piece of memory.
        x = self.stem(ops.transpose(inputs, (0, 2, 1, 3)), valid=valid, training=training)
        for pool, block in zip(self.pools, self.blocks, strict=True):
            x, valid = pool_time(x, pool), valid[:, ::pool]
            x = block(x, valid=valid, training=training)
        return pool_time(ops.mean(x, axis=1), self.final_pool)[:, :steps]

    def _pad_to_chunks(self, inputs, valid):
        """Pad time to whole chunks of frames; `valid` masks the added frames."""
        rest = -sizes(inputs)[1] % (self.blocks[0].chunk * self.stride // self.final_pool)
        inputs = ops.pad(inputs, ((0, 0), (0, rest), (0, 0), (0, 0)))
        return inputs, ops.pad(valid, ((0, 0), (0, rest)))

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        batch, time = inputs_shape[:2]
        return (batch, None if time is None else time // self.stride, self.widths[-1])

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, time, points, channels)`."""
        batch, time, points, channels = inputs_shape
        total = self.stem.linear.multiply_adds((batch, points, time, channels))
        width = self.stem_width
        for pool, block in zip(self.pools, self.blocks, strict=True):
            time //= pool
            total += block.multiply_adds((batch, points, time, width))
            width = block.channels
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "stem_width": self.stem_width,
            "heads": self.heads,
            "window": self.window,
            "pools": self.pools,
            "stride": self.stride,
            "dropout": self.dropout,
            "position": self.position,
            "slope": self.slope,
            "spatial_policy": self.spatial_policy,
            "spatial_decay": self.spatial_decay,
            "spatial_memory": self.spatial_memory,
            "causal": self.causal,
        }


def pool_time(x, factor: int):
    """Maximum over `factor` neighbouring frames: `(..., time, C)` to `(..., time / factor, C)`.

    The length of a clip is a multiple of the factor, so that no window has real and padded frames.
    """
    if factor == 1:
        return x
    *outer, time, channels = sizes(x)
    windows = ops.reshape(x, (-1, factor, channels))
    return ops.reshape(ops.max(windows, axis=1), (*outer, time // factor, channels))
