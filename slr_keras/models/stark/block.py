"""The STARK block: spatio-temporal attention over keypoints.

See the paper's §2.1, docs/papers/stark.md §3.1-3.7.

Shapes: B batch, T time, P points, C input channels, D output channels, S heads, W window
taps, A = D/4 attention channels of a head. No tensor has more than four axes, so that the same
graph runs on mobile devices.
"""

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear, MaskedBatchNormalization
from slr_keras.models.stark.policy import OFFLINE, SpatialPolicy
from slr_keras.models.stark.spatial import (
    GroupClock,
    gram,
    mix,
    mix_groups,
    running_means,
    sizes,
)
from slr_keras.models.stark.window import ChunkWindows

# Frames that share one matrix product of the temporal attention; time is a multiple of it.
CHUNK = 8
# Scopes in the names of operations, like TEMPORAL_SOFTMAX.
SPATIAL_GRAM, SPATIAL_SOFTMAX = "spatial_gram", "spatial_softmax"


@keras.saving.register_keras_serializable(PACKAGE)
class StarkBlock(keras.layers.Layer):
    """Spatio-temporal attention block.

    Every point attends to itself in the `window` frames around it (temporal attention) and, in the
    centre frame, to all points by one matrix per clip (spatial attention).

    Args:
        channels: D, channels of the output (hidden_dim).
        heads: S, number of attention heads, the paper's subspaces (num_heads). Defaults to `6`.
        window: W, frames that the temporal attention reads (window_size); odd. Defaults to `7`.
        attention_channels: channels of queries and keys per head (head_dim). Defaults to
            `channels // 4`.
        dropout: dropout rate of both attention maps in training. Defaults to `0.1`.
        slope: negative slope of the leaky ReLU. Defaults to `0.1`.
        spatial_policy: frames that the spatial attention averages over, see `SpatialPolicy`:
            `offline` (the whole clip, as in the paper), `prefix`, `ema` or `windowed`. Defaults to
            `"offline"`.
        spatial_decay: decay of `ema` per frame of the clip. Defaults to `0.97`.
        spatial_memory: length of `windowed` in frames of the clip. Defaults to `64`.
        causal: whether the window ends at the frame itself, which is then its "centre". Defaults
            to `False`.
        group: frames at the block's resolution per call of the streaming model. Defaults to `4`.
        stride: frames of the clip per call of the streaming model. Defaults to `4`.
        delay: delay of the block's input in the streaming model, in frames at the block's
            resolution. `group`, `stride` and `delay` decide which frames share a matrix if the
            policy is not `offline`. Defaults to `0`.

    Call arguments:
        inputs: `(batch, points, time, channels)`; padded frames are ignored.
        valid: `(batch, time)`, 1 on real frames. Defaults to all.

    Returns:
        `(batch, points, time, channels)`, 0 on padded frames.

    >>> import numpy as np
    >>> from slr_keras.models.stark.block import StarkBlock
    >>> block = StarkBlock(16, heads=2, window=3)
    >>> block(np.zeros((1, 5, 8, 16), "float32"), valid=np.ones((1, 8), "float32")).shape
    TensorShape([1, 5, 8, 16])
    """

    def __init__(
        self,
        channels: int,
        heads: int = 6,
        window: int = 7,
        attention_channels: int | None = None,
        dropout: float = 0.1,
        slope: float = 0.1,
        spatial_policy: str = OFFLINE,
        spatial_decay: float = 0.97,
        spatial_memory: int = 64,
        causal: bool = False,
        group: int = 4,
        stride: int = 4,
        delay: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if window % 2 == 0:
            raise OptionError(f"window must be odd, so that it has a centre frame; got {window}")
        self.channels = channels
        self.heads = heads
        self.window = window
        self.attention_channels = attention_channels or channels // 4
        self.dropout = dropout
        self.slope = slope
        self.policy = SpatialPolicy(spatial_policy, spatial_decay, spatial_memory, stride)
        self.causal = causal
        self.group = group
        self.stride = stride
        self.delay = delay
        self.before = window - 1 if causal else window // 2
        self.look_ahead = window - 1 - self.before
        self.clock = GroupClock(group, delay, self.look_ahead)
        # A window must not reach beyond the neighbouring chunk.
        self.chunk = max(CHUNK, self.before)
        self.windows = ChunkWindows(self.chunk, self.before, self.look_ahead, self.heads)

    def build(self, inputs_shape, valid_shape=None):
        points, channels_in = inputs_shape[1], inputs_shape[3]
        heads, window = self.heads, self.window
        policy = self.dtype_policy
        self.query_key = Linear(2 * heads * self.attention_channels, dtype=policy, name="query_key")
        self.output_linear = Linear(self.channels, dtype=policy, name="output")
        self.output_norm = MaskedBatchNormalization(dtype=policy, name="output_norm")
        self.feed_forward = Linear(self.channels, dtype=policy, name="feed_forward")
        self.feed_forward_norm = MaskedBatchNormalization(dtype=policy, name="feed_forward_norm")
        self.query_key.build(inputs_shape)
        self.output_linear.build((*inputs_shape[:-1], heads * channels_in))
        wide = (*inputs_shape[:-1], self.channels)
        for layer in (self.output_norm, self.feed_forward, self.feed_forward_norm):
            layer.build(wide)
        # Where the width does not change both residual branches are the identity.
        self.projects_residual = channels_in != self.channels
        if self.projects_residual:
            self.residuals = []
            for index in (1, 2):
                linear = Linear(self.channels, dtype=policy, name=f"residual_{index}")
                norm = MaskedBatchNormalization(dtype=policy, name=f"residual_{index}_norm")
                linear.build(inputs_shape)
                norm.build(wide)
                setattr(self, f"residual_{index}", linear)
                setattr(self, f"residual_{index}_norm", norm)
        self.alpha = self.add_weight(name="alpha", shape=(heads,), initializer="ones")
        self.beta = self.add_weight(
            name="beta",
            shape=(heads, window, points),
            initializer=keras.initializers.Constant(1 / window),
        )
        self.gamma = self.add_weight(name="gamma", shape=(heads,), initializer="ones")
        self.delta = self.add_weight(
            name="delta",
            shape=(heads, points, points),
            initializer=keras.initializers.Constant(1 / points),
        )
        self.temporal_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.spatial_dropout = keras.layers.Dropout(self.dropout, dtype=policy)

    def call(self, inputs, valid=None, training=False):
        valid = self._mask(inputs, valid)
        frames = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        x = inputs * frames
        query, key = self.queries_and_keys(x, frames)
        temporal = self.temporal_attention(query, key, training=training)
        spatial = self.spatial_attention(query, key, valid, training=training)
        attended = self._aggregate(x, temporal, spatial)
        return self.project(attended, x, valid, training) * frames

    def project(self, attended, x, valid=None, training=False):
        """X_out of §3.6, from `(B, P, T, S*C)`."""
        y = self.output_norm(self.output_linear(attended), valid=valid, training=training)
        y = ops.leaky_relu(self._residual(1, x, valid, training) + y, self.slope)
        y = self.feed_forward_norm(self.feed_forward(y), valid=valid, training=training)
        return ops.leaky_relu(self._residual(2, x, valid, training) + y, self.slope)

    def attention_maps(self, inputs, valid=None):
        """Temporal and spatial attention maps, for inspection.

        Returns:
            A_t of shape `(batch, points, time, heads, window)` and A_s of shape
            `(batch, heads, points, points)` as NumPy arrays, with the learned scales and offsets.
            If the policy is not `offline`, the shape of A_s is `(batch * calls, ...)`.
        """
        valid = self._mask(inputs, valid)
        frames = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        query, key = self.queries_and_keys(inputs * frames, frames)
        banded = ops.convert_to_numpy(self.temporal_attention(query, key))
        batch, points, time = inputs.shape[:3]
        banded = banded.reshape(batch, points, -1, self.chunk, self.heads, self.windows.seen)
        taps = np.stack(
            [banded[:, :, :, c, :, c : c + self.window] for c in range(self.chunk)], axis=3
        )
        taps = taps.reshape(batch, points, time, self.heads, self.window)
        return taps, ops.convert_to_numpy(self.spatial_attention(query, key, valid))

    def _mask(self, inputs, valid):
        if valid is None:
            batch, _, time, _ = sizes(inputs)
            valid = ops.ones((batch, time))
        return ops.expand_dims(valid, 1)

    def queries_and_keys(self, x, frames):
        """Q and K of §3.1, `(B, P, T, S*A)` each, 0 on padded frames."""
        # A split, not slices: TensorFlow's gradient of a slice costs more than the product.
        return ops.split(self.query_key(x) * frames, 2, axis=-1)

    def temporal_attention(self, query, key, training=False):
        """A_t of §3.3, `(batch, points, chunks, chunk * heads * w)`.

        Frames outside the clip have key 0 and count with logit 0, as in the paper's zero-padded
        patches.
        """
        batch, _, time, _ = sizes(query)
        in_clip = self.windows.in_clip(time, self.compute_dtype)
        attention = self.windows.attend(
            query, self.windows.frames(key), self.alpha, self.beta, batch, in_clip
        )
        return self.temporal_dropout(attention, training=training)

    def spatial_attention(self, query, key, valid, training=False):
        """A_s of §3.4, from a mean over real frames: `(points, points)` per head and clip.

        If the policy is not `offline`, there is one matrix per group of frames.
        """
        if self.policy.offline:
            with keras.name_scope(SPATIAL_GRAM):
                mean = gram(query, key, self.heads)
            with keras.name_scope(SPATIAL_SOFTMAX):
                count = ops.maximum(ops.sum(valid, axis=-1), 1.0) * self.attention_channels
                mean = mean / ops.cast(ops.reshape(count, (-1, 1, 1, 1)), mean.dtype)
        else:
            mean = running_means(query, key, valid, self.heads, self.policy, self.clock)
        return self.spatial_dropout(self.spatial_softmax(mean), training=training)

    def spatial_softmax(self, mean):
        """A_s from the mean of Q Kᵀ / A, `(..., S, P, P)`."""
        with keras.name_scope(SPATIAL_SOFTMAX):
            attention = ops.softmax(mean, axis=-1)
            return attention * ops.reshape(self.gamma, (self.heads, 1, 1)) + self.delta

    def _aggregate(self, x, temporal, spatial):
        """X_a of §3.5, `(B, P, T, S*C)`."""
        mixed = mix(spatial, x) if self.policy.offline else mix_groups(spatial, x, self.clock)
        in_clip = self.windows.in_clip(sizes(x)[2], self.compute_dtype)
        return self.windows.aggregate(temporal, self.windows.frames(x), mixed, self.heads, in_clip)

    def _residual(self, index, x, valid, training):
        if not self.projects_residual:
            return x
        linear = getattr(self, f"residual_{index}")
        norm = getattr(self, f"residual_{index}_norm")
        return norm(linear(x), valid=valid, training=training)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:-1], self.channels)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds of the equations for `(batch, points, time, channels)`.

        The chunked form also computes some frames outside the windows (docs/papers/stark.md §3.12).
        """
        batch, points, time, channels = inputs_shape
        heads, width, window = self.heads, self.attention_channels, self.window
        linear = 2 * heads * width * channels + heads * channels * self.channels
        linear += self.channels**2 + 2 * self.projects_residual * channels * self.channels
        temporal = heads * window * (width + channels)
        spatial = heads * points * (width + channels)
        return batch * points * time * (linear + temporal + spatial)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "heads": self.heads,
            "window": self.window,
            "attention_channels": self.attention_channels,
            "dropout": self.dropout,
            "slope": self.slope,
            "spatial_policy": self.policy.name,
            "spatial_decay": self.policy.decay,
            "spatial_memory": self.policy.memory,
            "causal": self.causal,
            "group": self.group,
            "stride": self.stride,
            "delay": self.delay,
        }
