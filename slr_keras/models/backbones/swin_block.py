"""The blocks of the Swin transformer, and the patch merging between its stages."""

import keras
from keras import ops

from slr_keras.models.backbones.window_attention import WindowAttention, swin_dense
from slr_keras.models.layers import PACKAGE

EPSILON = 1e-5


def layer_norm(name: str, dtype) -> keras.layers.LayerNormalization:
    """Swin's layer normalisation."""
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name, dtype=dtype)


@keras.saving.register_keras_serializable(PACKAGE)
class SwinBlock(keras.layers.Layer):
    """x + Attention(LN(x)), then x + MLP(LN(x)), with stochastic depth (drop_path) in training.

    Args:
        heads: number of attention heads (num_heads).
        window: side of a window (window_size). Defaults to `7`.
        shift: shift of the windows (shift_size), see `WindowAttention`. Defaults to `0`.
        expansion: width of the MLP as a multiple of the block's (mlp_ratio). Defaults to `4`.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        keep: `(frames, 2)`, factors of the two residual branches of each frame; 0 drops a branch.
            Defaults to `None`: both branches count in full.

    Returns:
        the shape of inputs.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.swin_block import SwinBlock
    >>> SwinBlock(heads=2, window=4, shift=2)(np.zeros((1, 8, 8, 8), "float32")).shape
    TensorShape([1, 8, 8, 8])
    """

    def __init__(self, heads: int, window: int = 7, shift: int = 0, expansion: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.window = window
        self.shift = shift
        self.expansion = expansion

    def build(self, inputs_shape, keep_shape=None):
        channels = inputs_shape[-1]
        policy = self.dtype_policy
        self.norm_1 = layer_norm("norm_1", policy)
        self.attention = WindowAttention(
            self.heads, self.window, self.shift, name="attention", dtype=policy
        )
        self.norm_2 = layer_norm("norm_2", policy)
        self.widen = swin_dense(self.expansion * channels, "widen", policy)
        self.narrow = swin_dense(channels, "narrow", policy)
        self.norm_1.build(inputs_shape)
        self.attention.build(inputs_shape)
        self.norm_2.build((None, channels))
        self.widen.build((None, channels))
        self.narrow.build((None, self.expansion * channels))

    def call(self, inputs, keep=None):
        height, width, channels = inputs.shape[1:]
        attended = self.attention(self.norm_1(inputs))
        maps = inputs + self._thin(attended, keep, 0)
        # As rows of a matrix: one product in the matrix library.
        rows = self.norm_2(ops.reshape(maps, (-1, channels)))
        rows = self.narrow(ops.gelu(self.widen(rows), approximate=False))
        return maps + self._thin(ops.reshape(rows, (-1, height, width, channels)), keep, 1)

    def _thin(self, branch, keep, column: int):
        if keep is None:
            return branch
        factors = ops.cast(keep[:, column : column + 1], branch.dtype)
        return branch * ops.expand_dims(ops.expand_dims(factors, -1), -1)

    def compute_output_shape(self, inputs_shape, keep_shape=None):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "window": self.window,
            "shift": self.shift,
            "expansion": self.expansion,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class PatchMerging(keras.layers.Layer):
    """Halve height and width: concatenate 2x2 neighbours, normalise, project to twice the channels.

    Odd sizes are padded with zeros at the bottom and right.

    Call arguments:
        inputs: `(frames, height, width, channels)`, height and width static.

    Returns:
        `(frames, ceil(height / 2), ceil(width / 2), 2 * channels)`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.swin_block import PatchMerging
    >>> PatchMerging()(np.zeros((1, 5, 8, 3), "float32")).shape
    TensorShape([1, 3, 4, 6])
    """

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        self.norm = layer_norm("norm", self.dtype_policy)
        self.reduction = swin_dense(2 * channels, "reduction", self.dtype_policy, use_bias=False)
        self.norm.build((None, 4 * channels))
        self.reduction.build((None, 4 * channels))

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        maps = inputs
        if height % 2 or width % 2:
            maps = ops.pad(maps, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
        # The published order: columns outermost.
        corners = [maps[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        rows = ops.reshape(ops.concatenate(corners, axis=-1), (-1, 4 * channels))
        halved = (-1, (height + 1) // 2, (width + 1) // 2, 2 * channels)
        return ops.reshape(self.reduction(self.norm(rows)), halved)

    def compute_output_shape(self, inputs_shape):
        frames, height, width, channels = inputs_shape
        return (frames, (height + 1) // 2, (width + 1) // 2, 2 * channels)
