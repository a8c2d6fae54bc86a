"""Part-level temporal modelling (docs/papers/stepnet.md §5)."""

import keras

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stepnet.attention import CrossAttention
from slr_keras.models.stepnet.partition import TemporalPartition
from slr_keras.models.temporal import GruStack


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalBranch(keras.layers.Layer):
    """GRUs over the clip and over its overlapping segments, and attention between them (eq. 3, 4).

    f_t is the attention of the clip's g_t to the segments' g_1..g_N.

    Args:
        width: d, channels of f_t and of the segments' GRUs (hidden_dim); the clip's GRU keeps the
            channels of its input.
        segments: N, number of segments. Defaults to `3`.
        segment_steps: L, steps of each segment. Defaults to `8`.
        gru: whether there are GRUs; otherwise the pooled features take their place. Defaults to
            `True`.
        gru_layers: layers of each GRU (num_layers). Defaults to `2`.
        bidirectional: whether the GRUs are bidirectional. Defaults to `True`.
        norm: see `CrossAttention`. Defaults to `"none"`.

    Call arguments:
        inputs: `(batch, steps, channels)`, steps static.

    Returns:
        by name: `"temporal"`, f_t `(batch, steps, width)`, and `"segment_1"` to `"segment_N"`, g_n
        `(batch, L, width)`; without GRUs, g_n has the channels of inputs.

    Raises:
        ValueError: segments that do not cover the clip, or an odd width.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import TemporalBranch
    >>> features = TemporalBranch(6)(np.ones((2, 16, 4), "float32"))
    >>> features["temporal"].shape, features["segment_3"].shape
    (TensorShape([2, 16, 6]), TensorShape([2, 8, 6]))
    """

    def __init__(
        self,
        width: int,
        segments: int = 3,
        segment_steps: int = 8,
        gru: bool = True,
        gru_layers: int = 2,
        bidirectional: bool = True,
        norm: str = "none",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.width = width
        self.segments = segments
        self.segment_steps = segment_steps
        self.gru = gru
        self.gru_layers = gru_layers
        self.bidirectional = bidirectional
        self.norm = norm
        policy = self.dtype_policy
        self.partition = TemporalPartition(segments, segment_steps, dtype=policy, name="partition")
        self.attention = CrossAttention(width, norm, dtype=policy, name="attention")

    def build(self, inputs_shape):
        shape = tuple(inputs_shape)
        pieces = self.partition.compute_output_shape(shape)
        self.clip_gru, self.segment_grus = None, []
        if self.gru:
            self.clip_gru = self._gru(shape[-1], "gru_clip", shape)
            self.segment_grus = [
                self._gru(self.width, f"gru_segment_{number}", piece)
                for number, piece in enumerate(pieces, 1)
            ]
            pieces = [(*piece[:2], self.width) for piece in pieces]
        self.attention.build(shape, pieces)

    def _gru(self, width: int, name: str, shape) -> GruStack:
        stack = GruStack(
            width, self.gru_layers, self.bidirectional, dtype=self.dtype_policy, name=name
        )
        stack.build(shape)
        return stack

    def call(self, inputs, training=False):
        whole, pieces = inputs, self.partition(inputs)
        if self.gru:
            whole = self.clip_gru(inputs, training=training)
            pieces = [
                gru(x, training=training) for gru, x in zip(self.segment_grus, pieces, strict=True)
            ]
        segments = {f"segment_{number}": piece for number, piece in enumerate(pieces, 1)}
        return {**segments, "temporal": self.attention(whole, pieces)}

    def compute_output_shape(self, inputs_shape):
        *pieces, _ = self._shapes(inputs_shape)
        segments = {f"segment_{number}": piece for number, piece in enumerate(pieces, 1)}
        return {**segments, "temporal": (*inputs_shape[:2], self.width)}

    def _shapes(self, inputs_shape):
        """Shapes of the attention's inputs: of the segments, then of the clip."""
        pieces = self.partition.compute_output_shape(tuple(inputs_shape))
        if self.gru:
            pieces = [(*piece[:2], self.width) for piece in pieces]
        return [*pieces, tuple(inputs_shape)]

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        *pieces, whole = self._shapes(inputs_shape)
        total = self.attention.multiply_adds(whole, pieces)
        if self.gru:
            total += self.clip_gru.multiply_adds(whole)
            cut = self.partition.compute_output_shape(whole)
            total += sum(gru.multiply_adds(x) for gru, x in zip(self.segment_grus, cut))
        return total

    def get_config(self):
        names = "width segments segment_steps gru gru_layers bidirectional norm"
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}
