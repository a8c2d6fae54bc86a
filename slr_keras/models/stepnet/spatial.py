"""Part-level spatial modelling (docs/papers/stepnet.md §4)."""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.stepnet.attention import CrossAttention
from slr_keras.models.stepnet.parts import PartGate

PAIRS = {"left_right": ("left", "right"), "top_bottom": ("top", "bottom")}
FUSIONS = ("attention", "concatenate")


@keras.saving.register_keras_serializable(PACKAGE)
class SpatialBranch(keras.layers.Layer):
    """Gated parts, and attention of whole frames to the parts of all frames (eq. 1, 2).

    g_lr = G_l(h_l) + G_r(h_r), g_tb likewise; f_s is the attention of g_sg to g_lr and g_tb.

    Args:
        width: d, channels of f_s (hidden_dim).
        pairs: names of `PAIRS`. Defaults to both.
        gate_hidden: widths of the gates' hidden layers, see `PartGate`. Defaults to `None`.
        fusion: `"attention"`, or `"concatenate"`: a linear layer on [g_lr, g_tb, g_sg]. Defaults to
            `"attention"`.
        norm: see `CrossAttention`. Defaults to `"none"`.

    Call arguments:
        parts: the result of `PartPool`.

    Returns:
        by name: `"spatial"`, f_s `(batch, steps, width)`; for each pair its g, and for each part
        `"gated_<part>"`, G(h), all `(batch, steps, channels)`.

    Raises:
        ValueError: no pair, or an unknown pair, fusion or norm.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import PartPool, SpatialBranch
    >>> features = SpatialBranch(6)(PartPool()(np.ones((2, 8, 4, 4, 5), "float32")))
    >>> features["spatial"].shape, features["left_right"].shape
    (TensorShape([2, 8, 6]), TensorShape([2, 8, 5]))
    """

    def __init__(
        self,
        width: int,
        pairs: Sequence[str] = tuple(PAIRS),
        gate_hidden: Sequence[int] | None = None,
        fusion: str = "attention",
        norm: str = "none",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not pairs or not set(pairs) <= set(PAIRS):
            raise OptionError(f"parts are pairs of {', '.join(PAIRS)}; got {tuple(pairs)}")
        if fusion not in FUSIONS:
            raise OptionError(f"spatial_fusion is one of {', '.join(FUSIONS)}; got {fusion!r}")
        self.width = width
        self.pairs = tuple(pairs)
        self.gate_hidden = None if gate_hidden is None else tuple(gate_hidden)
        self.fusion = fusion
        self.norm = norm
        policy = self.dtype_policy
        self.gates = {
            part: PartGate(self.gate_hidden, dtype=policy, name=f"gate_{part}")
            for pair in self.pairs
            for part in PAIRS[pair]
        }
        if fusion == "attention":
            self.fuse = CrossAttention(width, norm, dtype=policy, name="attention")
        else:
            self.fuse = Linear(width, dtype=policy, name="linear")

    def build(self, parts_shape: Mapping):
        shape = tuple(parts_shape["global"])
        for gate in self.gates.values():
            gate.build(shape)
        self.fuse.build(*self._fuse_shapes(shape))

    def _fuse_shapes(self, shape):
        if self.fusion == "attention":
            return shape, [shape] * len(self.pairs)
        return ((*shape[:-1], shape[-1] * (len(self.pairs) + 1)),)

    def call(self, parts):
        gated = {part: gate(parts[part]) for part, gate in self.gates.items()}
        sums = {pair: gated[a] + gated[b] for pair, (a, b) in PAIRS.items() if pair in self.pairs}
        whole = parts["global"]
        if self.fusion == "attention":
            spatial = self.fuse(whole, list(sums.values()))
        else:
            spatial = self.fuse(ops.concatenate([*sums.values(), whole], axis=-1))
        gated = {f"gated_{part}": value for part, value in gated.items()}
        return {**gated, **sums, "spatial": spatial}

    def compute_output_shape(self, parts_shape):
        shape = tuple(parts_shape["global"])
        names = [*(f"gated_{part}" for part in self.gates), *self.pairs]
        return {**dict.fromkeys(names, shape), "spatial": (*shape[:2], self.width)}

    def multiply_adds(self, parts_shape: Mapping) -> int:
        """Multiply-adds for parts of these shapes."""
        shape = tuple(parts_shape["global"])
        gates = sum(gate.multiply_adds(shape) for gate in self.gates.values())
        return gates + self.fuse.multiply_adds(*self._fuse_shapes(shape))

    def get_config(self):
        names = ("width", "pairs", "gate_hidden", "fusion", "norm")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
