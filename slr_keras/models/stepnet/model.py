"""StepNet: a clip of one sign seen by parts of the picture and by parts of time."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.backbones import Backbone
from slr_keras.models.complexity import ModuleCost
from slr_keras.models.layers import PACKAGE
from slr_keras.models.stepnet.encoder import (
    STREAMS,
    MapEncoder,
    default_pixels,
    make_clip_backbone,
)
from slr_keras.models.stepnet.head import StepNetHead, head_names
from slr_keras.models.stepnet.partition import segment_starts
from slr_keras.models.stepnet.parts import PartPool
from slr_keras.models.stepnet.perceptron import Perceptron
from slr_keras.models.stepnet.spatial import PAIRS, SpatialBranch
from slr_keras.models.stepnet.temporal import TemporalBranch

# Blank and <unk>, which are no signs.
RESERVED = 2


@keras.saving.register_keras_serializable(PACKAGE)
class StepNet(keras.Model):
    """Isolated sign language recognition from RGB or optical flow.

    Reference: Shen, Zheng and Yang, "StepNet: Spatial-temporal Part-aware Network for Isolated Sign
    Language Recognition", ACM TOMM 20(7), 2024. Sizes that the paper leaves open are the ones by
    which the model has its 194M parameters; others would, too (specs/stepnet.md §7).

    Args:
        vocabulary_size: C + 2: glosses, blank and <unk>; class c is gloss id c + 2.
        image_size: (height, width), multiples of the backbone's reduction. Defaults to
            `(256, 256)`.
        clip_frames: T, frames of every clip. Defaults to `16`.
        stream: `"rgb"`, or `"flow"`: five fields of 128 + motion for each frame. Defaults to
            `"rgb"`.
        backbone: `"tsm_r50"`, `"tsm_micro"` or `"i3d"`. Defaults to `"tsm_r50"`.
        backbone_options: arguments of the backbone beyond its preset: `last_stride`,
            `last_dilation`, `shift_divisor`, `partial_bn`; of I3D `time_strides`.
        width: d, of queries, keys, values and the fused features. Defaults to `1024`.
        spatial, temporal: whether these branches exist; with neither it is the backbone with the
            mean over its maps, TSM itself. Defaults to `True`.
        left_right, top_bottom: whether these parts exist. Defaults to `True`.
        spatial_fusion: `"attention"` or `"concatenate"`, see `SpatialBranch`.
        gate_hidden: see `PartGate`. Defaults to `None`, one hidden layer as wide as the maps.
        attention_norm: see `CrossAttention`. Defaults to `"none"`.
        segments, segment_steps: see `TemporalBranch`. Defaults to `3` and half of the steps.
        gru, gru_layers, bidirectional: see `TemporalBranch`.
        fusion_hidden: widths within the MLP of the fusion; none is a single linear layer. Defaults
            to `None`, one of `width`.
        part_heads: whether the heads of the parts see them `"pooled"` or `"gated"`. Defaults to
            `"pooled"`.
        segment_heads: whether each segment has a head, too. Defaults to `False`.
        heads: `"all"`, or `"reported"` for the one that is the prediction. Defaults to `"all"`.
        dropout: before every head. Defaults to `0.5`.
        pixels: see `PixelNormalization`. Defaults to that of the backbone's published weights.
        recompute: forget the backbone's activations and compute them again for the gradient.

    Inputs:
        `{"video": (batch, clip_frames, height, width, channels) uint8}`, 3 channels or 10 of flow;
        with `"mask" (batch, clip_frames)`, clips whose mask is 0 throughout only complete a batch.

    Outputs:
        logits `(batch, C)` by head: `"left"`, `"right"`, `"top"`, `"bottom"`, `"left_right"`,
        `"top_bottom"`, `"global"`, `"spatial"`, `"temporal"` and `"fused"`, which is the result.

    Raises:
        ValueError: arguments that do not fit each other.
        UserError: a clip of another length.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("stepnet_tiny", vocabulary_size=7)
    >>> model({"video": np.zeros((1, 16, 64, 64, 3), "uint8")})["fused"].shape
    TensorShape([1, 5])
    """

    #: What the model reads of a batch.
    clip_inputs = ("video", "mask")
    stride = 1

    def __init__(
        self,
        vocabulary_size: int,
        image_size: Sequence[int] = (256, 256),
        clip_frames: int = 16,
        stream: str = "rgb",
        backbone: str = "tsm_r50",
        backbone_options: Mapping[str, Any] | None = None,
        width: int = 1024,
        spatial: bool = True,
        temporal: bool = True,
        left_right: bool = True,
        top_bottom: bool = True,
        spatial_fusion: str = "attention",
        gate_hidden: Sequence[int] | None = None,
        attention_norm: str = "none",
        segments: int = 3,
        segment_steps: int | None = None,
        gru: bool = True,
        gru_layers: int = 2,
        bidirectional: bool = True,
        fusion_hidden: Sequence[int] | None = None,
        part_heads: str = "pooled",
        segment_heads: bool = False,
        heads: str = "all",
        dropout: float = 0.5,
        pixels: str | None = None,
        recompute: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _one_of("stream", stream, STREAMS)
        _one_of("part_heads", part_heads, ("pooled", "gated"))
        _one_of("heads", heads, ("all", "reported"))
        if vocabulary_size <= RESERVED:
            raise ValueError(f"vocabulary_size is {vocabulary_size}: blank, <unk> and no gloss")
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.image_size = tuple(image_size)
        self.clip_frames = clip_frames
        self.stream = stream
        self.backbone = backbone
        # YAML and saved models give lists where Python has tuples.
        self.backbone_options = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in (backbone_options or {}).items()
        }
        self.width = width
        self.spatial = spatial
        self.temporal = temporal
        self.left_right = left_right
        self.top_bottom = top_bottom
        self.spatial_fusion = spatial_fusion
        self.gate_hidden = gate_hidden
        self.attention_norm = attention_norm
        self.segments = segments
        self.gru = gru
        self.gru_layers = gru_layers
        self.bidirectional = bidirectional
        self.fusion_hidden = fusion_hidden
        self.part_heads = part_heads
        self.segment_heads = segment_heads
        self.heads = heads
        self.dropout = dropout
        self.recompute = recompute

        # === Layers ===
        policy = self.dtype_policy
        network = make_clip_backbone(
            backbone, clip_frames, stream, dtype=policy, **self.backbone_options
        )
        self.pixels = pixels or default_pixels(network, stream)
        self.frame_encoder = MapEncoder(
            network, clip_frames, self.pixels, recompute, dtype=policy, name="frame_encoder"
        )
        _check_image_size(self.image_size, network)
        self.part_pool = PartPool(dtype=policy, name="part_pool")
        _, self.steps, *_ = self.frame_encoder.compute_output_shape(self._video_shape)
        self.segment_steps = segment_steps or -(-self.steps // 2)
        self.spatial_branch = self._spatial_branch() if spatial else None
        self.temporal_branch = self._temporal_branch() if temporal else None
        self.fusion = None
        if spatial and temporal:
            hidden = (width,) if fusion_hidden is None else tuple(fusion_hidden)
            self.fusion = Perceptron((*hidden, width), dtype=policy, name="fusion")
        pairs = self.spatial_branch.pairs if spatial else ()
        names = head_names(pairs, temporal, segments if segment_heads else 0)
        #: Heads whose mean is the result, unless a recipe names others.
        self.reported_heads = names[-1:]
        self.head_layers = {
            name: StepNetHead(self.classes, dropout, dtype=policy, name=f"head_{name}")
            for name in (names if heads == "all" else self.reported_heads)
        }
        self.build()

    def _spatial_branch(self) -> SpatialBranch:
        switches = {"left_right": self.left_right, "top_bottom": self.top_bottom}
        pairs = tuple(pair for pair in PAIRS if switches[pair])
        if not pairs:
            raise ValueError("left_right and top_bottom are both off; set spatial to false instead")
        return SpatialBranch(
            self.width,
            pairs,
            self.gate_hidden,
            self.spatial_fusion,
            self.attention_norm,
            dtype=self.dtype_policy,
            name="spatial_branch",
        )

    def _temporal_branch(self) -> TemporalBranch:
        segment_starts(self.steps, self.segment_steps, self.segments)
        return TemporalBranch(
            self.width,
            self.segments,
            self.segment_steps,
            self.gru,
            self.gru_layers,
            self.bidirectional,
            self.attention_norm,
            dtype=self.dtype_policy,
            name="temporal_branch",
        )

    def build(self, input_shape=None):
        """Make all weights; the shapes follow from the arguments."""
        if self.built:
            return
        self.frame_encoder.build(self._video_shape)
        for layer, _, seen in self._modules(self.feature_shapes()):
            layer.build(seen)
        self.built = True

    # === Shapes ===

    @property
    def classes(self) -> int:
        """C, glosses that the model tells apart."""
        return self.vocabulary_size - RESERVED

    @property
    def _video_shape(self):
        return (None, self.clip_frames, *self.image_size, STREAMS[self.stream])

    def feature_shapes(self, batch: int | None = None) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the maps and of all features (Table 3)."""
        maps = self.frame_encoder.compute_output_shape((batch, *self._video_shape[1:]))
        shapes = {"maps": maps, **self.part_pool.compute_output_shape(maps)}
        if self.spatial_branch is not None:
            shapes |= self.spatial_branch.compute_output_shape(shapes)
        if self.temporal_branch is not None:
            shapes |= self.temporal_branch.compute_output_shape(shapes["global"])
        if self.fusion is not None:
            shapes["fused"] = (*maps[:2], self.width)
        return shapes

    def _modules(self, shapes: Mapping[str, Any]) -> list[tuple]:
        """The layers behind the maps, each with the shapes of its result and of what it sees."""
        modules: list[tuple] = []
        if self.spatial_branch is not None:
            modules.append((self.spatial_branch, shapes["spatial"], shapes))
        if self.temporal_branch is not None:
            modules.append((self.temporal_branch, shapes["temporal"], shapes["global"]))
        if self.fusion is not None:
            batch, steps, width = shapes["fused"]
            modules.append((self.fusion, shapes["fused"], (batch, steps, 2 * width)))
        for name, head in self.head_layers.items():
            seen = shapes[self._seen_by(name)]
            modules.append((head, (seen[0], self.classes), seen))
        return modules

    def _seen_by(self, head: str) -> str:
        """The name of the features that a head classifies."""
        is_part = any(head in parts for parts in PAIRS.values())
        return f"gated_{head}" if is_part and self.part_heads == "gated" else head

    # === Forward ===

    def call(self, inputs, training=False):
        mask = inputs.get("mask")
        valid = None if mask is None else ops.cast(ops.any(mask > 0, axis=1), "float32")
        maps = self.frame_encoder(inputs["video"], valid, training=training)
        features = self.features(maps, training=training)
        return {
            name: head(features[self._seen_by(name)], training=training)
            for name, head in self.head_layers.items()
        }

    def features(self, maps, training=False) -> dict[str, Any]:
        """All features of maps `(batch, steps, height, width, channels)`, by name."""
        features = self.part_pool(maps)
        if self.spatial_branch is not None:
            features |= self.spatial_branch(features)
        if self.temporal_branch is not None:
            features |= self.temporal_branch(features["global"], training=training)
        if self.fusion is not None:
            both = ops.concatenate([features["spatial"], features["temporal"]], axis=-1)
            features["fused"] = self.fusion(both)
        return features

    def for_inference(self) -> "StepNet":
        """The same function with the reported head only; the weights are copied."""
        smaller = type(self).from_config({**self.get_config(), "heads": "reported"})
        mine = {layer.name: layer for layer in self.layers}
        for layer in smaller.layers:
            layer.set_weights(mine[layer.name].get_weights())
        return smaller

    # === Costs and config ===

    def module_costs(self, frames: int) -> list[ModuleCost]:
        """Costs of every module for one clip, which always has `clip_frames` frames."""
        shapes = self.feature_shapes(batch=1)
        video = (1, *self._video_shape[1:])
        modules = [(self.frame_encoder, shapes["maps"], video), *self._modules(shapes)]
        return [ModuleCost.of(*module) for module in modules]

    def get_config(self):
        names = (
            "vocabulary_size image_size clip_frames stream backbone backbone_options width spatial "
            "temporal left_right top_bottom spatial_fusion gate_hidden attention_norm segments "
            "segment_steps gru gru_layers bidirectional fusion_hidden part_heads segment_heads "
            "heads dropout pixels recompute"
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}

    def build_from_config(self, config):
        """Everything is built by the constructor."""


def _one_of(option: str, value: str, known) -> None:
    if value not in known:
        raise ValueError(f"{option} is one of {', '.join(known)}; got {value!r}")


def _check_image_size(size: tuple[int, ...], backbone: Backbone) -> None:
    multiple = backbone.reduction
    if len(size) != 2 or any(side < 2 * multiple or side % multiple for side in size):
        raise ValueError(
            f"image_size is {size}; height and width must be multiples of {multiple} pixels, the "
            f"reduction of {backbone.name}, and {2 * multiple} at least: change crop in frames.json"
        )
