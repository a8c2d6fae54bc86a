"""Attention within shifted windows, as in Swin (docs/papers/ustm.md §3.2).

No tensor has more than four axes, so that the same graph runs on mobile devices.
"""

import functools

import keras
import numpy as np
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE

MASKED = -100.0  # as published: masked positions keep a weight of about e^-100


def swin_dense(units: int, name: str, dtype, use_bias: bool = True) -> keras.layers.Dense:
    """A fully connected layer with Swin's initial weights: normal, deviation 0.02, bias 0."""
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    return keras.layers.Dense(
        units, use_bias=use_bias, kernel_initializer=initializer, name=name, dtype=dtype
    )


@functools.lru_cache(maxsize=64)
def relative_positions(window: int) -> np.ndarray:
    """Row of the bias table for every pair of a query and a key token of a window.

    For tokens i at (r_i, c_i) the row is (r_i - r_j + w - 1) (2w - 1) + (c_i - c_j + w - 1).

    Returns:
        `(window ** 4,)` int32, query tokens outermost.

    >>> from slr_keras.models.backbones.window_attention import relative_positions
    >>> relative_positions(2).reshape(4, 4)[0].tolist()
    [4, 3, 1, 0]
    """
    rows, columns = np.divmod(np.arange(window * window), window)
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return (down * (2 * window - 1) + right).reshape(-1).astype("int32")


@functools.lru_cache(maxsize=64)
def shift_mask(
    height: int, width: int, window: int, shift_down: int, shift_right: int
) -> np.ndarray:
    """Attention mask of rolled windows; it hides positions that were no neighbours before the roll.

    Args:
        height, width: size of the padded map, multiples of `window`.
        window: side of a window.
        shift_down, shift_right: rows and columns by which the map was rolled up and left.

    Returns:
        `(windows, window ** 2, window ** 2)` float32: 0 where visible, -100 where not.

    >>> from slr_keras.models.backbones.window_attention import shift_mask
    >>> shift_mask(4, 4, 2, 1, 0)[2, 0].tolist()
    [0.0, 0.0, -100.0, -100.0]
    """

    def regions(size: int, shift: int) -> np.ndarray:
        positions = np.arange(size)
        if shift == 0:
            return np.zeros_like(positions)
        return (positions >= size - window).astype(int) + (positions >= size - shift)

    region = 3 * regions(height, shift_down)[:, None] + regions(width, shift_right)[None, :]
    tiles = region.reshape(height // window, window, width // window, window)
    tiles = tiles.transpose(0, 2, 1, 3).reshape(-1, window * window)
    hidden = tiles[:, :, None] != tiles[:, None, :]
    return np.where(hidden, np.float32(MASKED), np.float32(0))


def partition(maps, window: int):
    """`(frames, height, width, channels)` to `(frames * windows, window ** 2, channels)`."""
    width, channels = maps.shape[2:]
    columns = width // window
    tiles = ops.reshape(maps, (-1, window, columns, window * channels))
    tiles = ops.transpose(tiles, (0, 2, 1, 3))
    return ops.reshape(tiles, (-1, window * window, channels))


def unpartition(tiles, height: int, width: int, window: int):
    """The inverse of `partition`."""
    channels = tiles.shape[-1]
    columns = width // window
    tiles = ops.reshape(tiles, (-1, columns, window, window * channels))
    tiles = ops.transpose(tiles, (0, 2, 1, 3))
    return ops.reshape(tiles, (-1, height, width, channels))


def roll(maps, down: int, right: int):
    """Roll maps `down` rows down and `right` columns right.

    Written with slices, which every runtime supports.
    """
    for axis, steps in ((1, down), (2, right)):
        size = maps.shape[axis]
        if steps % size:
            at = size - steps % size
            if axis == 1:
                parts = [maps[:, at:], maps[:, :at]]
            else:
                parts = [maps[:, :, at:], maps[:, :, :at]]
            maps = ops.concatenate(parts, axis=axis)
    return maps


@keras.saving.register_keras_serializable(PACKAGE)
class WindowAttention(keras.layers.Layer):
    """Multi-head self-attention within each window of a map; windows may be shifted.

    softmax(q kᵀ / sqrt(d) + bias[relative position] + mask) v per head. If the window does not
    divide the map, the map is padded with zeros at the bottom and right; as published, the padding
    is not masked.

    Args:
        heads: number of attention heads (num_heads).
        window: side of a window (window_size). Defaults to `7`.
        shift: tokens by which windows are shifted down and right (shift_size). An axis that one
            window covers is not shifted. Defaults to `0`.

    Call arguments:
        inputs: `(frames, height, width, channels)`, height and width static.

    Returns:
        the same shape.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.window_attention import WindowAttention
    >>> WindowAttention(heads=2, window=4, shift=2)(np.zeros((1, 6, 8, 8), "float32")).shape
    TensorShape([1, 6, 8, 8])
    """

    def __init__(self, heads: int, window: int = 7, shift: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.window = window
        self.shift = shift

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        if channels % self.heads:
            raise OptionError(f"{self.heads} heads do not divide {channels} channels")
        self.qkv = swin_dense(3 * channels, "qkv", self.dtype_policy)
        self.projection = swin_dense(channels, "projection", self.dtype_policy)
        self.qkv.build((None, channels))
        self.projection.build((None, channels))
        self.position_bias = self.add_weight(
            name="position_bias",
            shape=((2 * self.window - 1) ** 2, self.heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        below, right = -height % self.window, -width % self.window
        maps = inputs
        if below or right:
            maps = ops.pad(maps, ((0, 0), (0, below), (0, right), (0, 0)))
        tall, wide = height + below, width + right
        down = self.shift if self.window < tall else 0
        across = self.shift if self.window < wide else 0
        maps = roll(maps, -down, -across)
        tokens = ops.reshape(partition(maps, self.window), (-1, channels))
        tokens = self._attend(tokens, self._bias(tall, wide, down, across))
        maps = unpartition(tokens, tall, wide, self.window)
        return roll(maps, down, across)[:, :height, :width]

    def _bias(self, height: int, width: int, down: int, across: int):
        """`(1, windows * heads, tokens, tokens)`, or `(1, heads, ...)` if all windows are alike."""
        area = self.window**2
        # Gathered along the last axis: along the first its gradient would be sparse.
        table = ops.transpose(self.position_bias)
        bias = ops.take(table, relative_positions(self.window), axis=1)
        bias = ops.reshape(bias, (1, self.heads, area, area))
        if down or across:
            mask = shift_mask(height, width, self.window, down, across)
            bias = bias + ops.cast(mask[:, None], bias.dtype)
        return ops.reshape(bias, (1, -1, area, area))

    def _attend(self, tokens, bias):
        channels, area = tokens.shape[-1], self.window**2
        depth = channels // self.heads
        qkv = ops.reshape(self.qkv(tokens), (-1, area, 3 * self.heads, depth))
        qkv = ops.transpose(qkv, (0, 2, 1, 3))
        query = qkv[:, : self.heads] * depth**-0.5
        key = qkv[:, self.heads : 2 * self.heads]
        value = qkv[:, 2 * self.heads :]
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = ops.reshape(scores, (-1, bias.shape[1], area, area)) + bias
        weights = ops.softmax(ops.cast(scores, "float32"))
        weights = ops.reshape(ops.cast(weights, value.dtype), (-1, self.heads, area, area))
        outputs = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self.projection(ops.reshape(outputs, (-1, channels)))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "window": self.window,
            "shift": self.shift,
        }
