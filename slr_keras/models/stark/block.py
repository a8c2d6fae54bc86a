"""The STARK block: spatio-temporal attention over keypoints (STARK §2.1, specs/stark.md §3.1-3.7).

Shapes: B batch, T time, P points, C channels in, D channels out, S heads, W window taps,
A = D/4 attention channels of a head. No tensor has more than four axes, so that the same graph
runs on the device.
"""

import keras
import numpy as np
from keras import ops

from slr_keras.models.layers import PACKAGE, Linear, MaskedBatchNormalization

# Frames that share one matrix product of the temporal attention; time is a multiple of it.
CHUNK = 8
# In the names of operations, for whoever quantises the graph: numbers that eight bits do not hold.
TEMPORAL_SOFTMAX, SPATIAL_GRAM, SPATIAL_SOFTMAX = (
    "temporal_softmax",
    "spatial_gram",
    "spatial_softmax",
)


def sizes(tensor) -> tuple:
    """The shape of a tensor, each size static where it is known."""
    return tuple(
        static if static is not None else dynamic
        for static, dynamic in zip(tensor.shape, ops.shape(tensor), strict=True)
    )


@keras.saving.register_keras_serializable(PACKAGE)
class StarkBlock(keras.layers.Layer):
    """One spatio-temporal attention block.

    Every point attends to itself in the `window` frames around it (temporal attention) and, in the
    centre frame, to all points through one matrix per clip (spatial attention).

    Args:
        channels: D, channels of the output.
        heads: S, attention heads ("subspaces"). Defaults to `6`.
        window: W, odd number of frames that the temporal attention sees. Defaults to `7`.
        attention_channels: channels of queries and keys per head. Defaults to `channels // 4`.
        dropout: dropout on both attention maps in training. Defaults to `0.1`.
        slope: negative slope of the leaky ReLU. Defaults to `0.1`.

    Call arguments:
        inputs: `(batch, points, time, channels)`; padded frames are ignored.
        valid: `(batch, time)`, 1 on real frames.

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
        **kwargs,
    ):
        super().__init__(**kwargs)
        if window % 2 == 0:
            raise ValueError(f"window must be odd, so that it has a centre frame; got {window}")
        self.channels = channels
        self.heads = heads
        self.window = window
        self.attention_channels = attention_channels or channels // 4
        self.dropout = dropout
        self.slope = slope
        # Half a window must fit into the neighbouring chunk.
        self.chunk = max(CHUNK, window // 2)
        self.seen = self.chunk + window - 1

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
        self._build_window_constants()

    def _build_window_constants(self):
        """Constants of the chunked form; `w` counts the frames that a chunk sees."""
        heads, chunk, window = self.heads, self.chunk, self.window
        seen = chunk + window - 1
        taps = np.arange(seen) - np.arange(chunk)[:, None]
        inside = (taps >= 0) & (taps < window)
        per_head = np.repeat(inside[:, None], heads, axis=1)
        # (chunk * heads * w): what lies outside a frame's own window takes no part.
        self.outside_bias = np.where(per_head, 0.0, -1e9).astype(np.float32).reshape(-1)
        centre = np.repeat((taps == window // 2)[:, None], heads, axis=1)
        self.not_centre = 1.0 - centre.astype(np.float32).reshape(-1)
        # (chunk * heads * w, chunk * heads): picks the weight of the centre tap.
        picks = np.eye(chunk * heads, dtype=np.float32)[..., None] * centre.reshape(
            1, chunk * heads, seen
        )
        self.centre_picks = picks.reshape(chunk * heads, -1).T
        # (window * heads, chunk * heads * w): spreads the learned offset of each tap to the frames.
        one_hot = np.eye(window)[np.clip(taps, 0, window - 1)] * inside[..., None]
        spread = np.einsum("cwk,sr->kscrw", one_hot, np.eye(heads))
        self.beta_spread = spread.reshape(window * heads, -1).astype(np.float32)

    def call(self, inputs, valid=None, training=False):
        valid = self._mask(inputs, valid)
        frames = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        x = inputs * frames
        query, key = self._queries_and_keys(x, frames)
        temporal = self.temporal_attention(query, key, training=training)
        spatial = self.spatial_attention(query, key, valid, training=training)
        attended = self._aggregate(x, temporal, spatial)
        y = self.output_norm(self.output_linear(attended), valid=valid, training=training)
        y = ops.leaky_relu(self._residual(1, x, valid, training) + y, self.slope)
        y = self.feed_forward_norm(self.feed_forward(y), valid=valid, training=training)
        y = ops.leaky_relu(self._residual(2, x, valid, training) + y, self.slope)
        return y * frames

    def attention_maps(self, inputs, valid=None):
        """Both attention maps, for inspection and tests.

        Returns:
            A_t of shape `(batch, points, time, heads, window)` and A_s of shape
            `(batch, heads, points, points)`, as NumPy arrays, with the learned scales and offsets.
        """
        valid = self._mask(inputs, valid)
        frames = ops.expand_dims(ops.cast(valid, self.compute_dtype), -1)
        query, key = self._queries_and_keys(inputs * frames, frames)
        banded = ops.convert_to_numpy(self.temporal_attention(query, key))
        batch, points, time = inputs.shape[:3]
        banded = banded.reshape(batch, points, -1, self.chunk, self.heads, self.seen)
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

    def _queries_and_keys(self, x, frames):
        # A split, not slices: TensorFlow's gradient of a slice costs more than the product.
        return ops.split(self.query_key(x) * frames, 2, axis=-1)

    def temporal_attention(self, query, key, training=False):
        """A_t of §3.3, `(batch, points, chunks, chunk * heads * w)`.

        A frame attends to `window` frames. A chunk of neighbouring frames shares nearly all of
        them, so that one small matrix product serves the chunk. Frames outside the clip have
        key 0 and take part with logit 0, as in the paper's zero-padded patches.
        """
        batch, points, time, _ = sizes(query)
        heads, width, chunk, seen = self.heads, self.attention_channels, self.chunk, self.seen
        queries = ops.reshape(query, (-1, chunk, heads, width))
        keys = ops.reshape(self._windows(key), (-1, seen, heads, width))
        logits = ops.matmul(ops.transpose(queries, (0, 2, 1, 3)), ops.transpose(keys, (0, 2, 3, 1)))
        logits = ops.transpose(logits, (0, 2, 1, 3))
        logits = ops.reshape(logits, (batch * points, -1, chunk * heads * seen))
        with keras.name_scope(TEMPORAL_SOFTMAX):
            scale = self._in_clip(time) * (1 / width)
            logits = logits * scale + ops.cast(self.outside_bias, logits.dtype)
            attention = ops.softmax(ops.reshape(logits, (-1, seen)), axis=-1)
        attention = ops.reshape(attention, (batch, points, -1, chunk * heads * seen))
        alpha = ops.tile(ops.repeat(self.alpha, seen), (chunk,))
        beta = ops.reshape(ops.transpose(self.beta, (2, 1, 0)), (points, self.window * heads))
        beta = ops.matmul(beta, ops.cast(self.beta_spread, beta.dtype))
        attention = attention * alpha + ops.expand_dims(beta, 1)
        return self.temporal_dropout(attention, training=training)

    def spatial_attention(self, query, key, valid, training=False):
        """A_s of §3.4: one `(points, points)` matrix per clip and head, mean over real frames."""
        query, key = self._clip_features(query), self._clip_features(key)
        with keras.name_scope(SPATIAL_GRAM):
            gram = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        with keras.name_scope(SPATIAL_SOFTMAX):
            count = ops.maximum(ops.sum(valid, axis=-1), 1.0) * self.attention_channels
            gram = gram / ops.cast(ops.reshape(count, (-1, 1, 1, 1)), gram.dtype)
            attention = ops.softmax(gram, axis=-1)
            attention = attention * ops.reshape(self.gamma, (self.heads, 1, 1)) + self.delta
        return self.spatial_dropout(attention, training=training)

    def _clip_features(self, tensor):
        """`(B, P, T, S*A)` to `(B, S, P, T*A)`."""
        batch, points, time, _ = sizes(tensor)
        heads, width = self.heads, self.attention_channels
        tensor = ops.reshape(tensor, (batch, points * time, heads, width))
        tensor = ops.transpose(tensor, (0, 2, 1, 3))
        return ops.reshape(tensor, (batch, heads, points, time * width))

    def _aggregate(self, x, temporal, spatial):
        """X_a of §3.5, `(B, P, T, S*C)`: the centre frame gives the mixture."""
        batch, points, time, channels = sizes(x)
        heads, chunk, seen = self.heads, self.chunk, self.seen
        own = temporal * (self._in_clip(time) * ops.cast(self.not_centre, x.dtype))
        own = ops.matmul(ops.reshape(own, (-1, chunk * heads, seen)), self._windows(x))
        share = ops.matmul(
            ops.reshape(temporal, (-1, chunk * heads * seen)), ops.cast(self.centre_picks, x.dtype)
        )
        # Rows ordered (point, head): the result lies point by point, as everything else.
        matrix = ops.reshape(ops.transpose(spatial, (0, 2, 1, 3)), (batch, points * heads, points))
        mixed = ops.matmul(matrix, ops.reshape(x, (batch, points, time * channels)))
        mixed = ops.reshape(mixed, (batch * points, heads, time, channels))
        mixed = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, channels))
        total = ops.reshape(own, (-1, channels)) + mixed * ops.reshape(share, (-1, 1))
        return ops.reshape(total, (batch, points, time, heads * channels))

    def _windows(self, tensor):
        """The frames that each chunk sees (§3.2): `(B, P, T, C)` to `(chunks, w, C)`.

        Borders are taken from the neighbouring chunks by rolling, which leaves frames of the
        clip's other end beyond its first and last chunk: `_in_clip` is 0 there.
        """
        batch, points, _, channels = sizes(tensor)
        chunk, half = self.chunk, self.window // 2
        if half == 0:
            return ops.reshape(tensor, (-1, chunk, channels))
        chunks = ops.reshape(tensor, (batch * points, -1, chunk * channels))
        edge = half * channels
        tail = ops.split(chunks, [(chunk - half) * channels], axis=-1)[1]
        head = ops.split(chunks, [edge], axis=-1)[0]
        before, after = ops.roll(tail, 1, axis=1), ops.roll(head, -1, axis=1)
        seen = ops.concatenate([before, chunks, after], axis=-1)
        return ops.reshape(seen, (-1, self.seen, channels))

    def _in_clip(self, time):
        """1 where a chunk's window lies inside the padded clip: `(chunks, chunk * heads * w)`."""
        chunks = time // self.chunk
        first = ops.expand_dims(ops.arange(chunks) * self.chunk - self.window // 2, -1)
        frame = first + ops.tile(ops.arange(self.seen), (self.chunk * self.heads,))
        inside = ops.logical_and(frame >= 0, frame < time)
        return ops.cast(inside, self.compute_dtype)

    def _residual(self, index, x, valid, training):
        if not self.projects_residual:
            return x
        linear = getattr(self, f"residual_{index}")
        norm = getattr(self, f"residual_{index}_norm")
        return norm(linear(x), valid=valid, training=training)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:-1], self.channels)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds that the equations need for `(batch, points, time, channels)`.

        specs/stark.md §3.12; the chunked form computes some frames outside the windows on top.
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
        }
