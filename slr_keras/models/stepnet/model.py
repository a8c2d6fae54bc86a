"""The StepNet model: spatial and temporal parts of a clip of one sign."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE
from slr_keras.models.stepnet.encoder import (
    STREAMS,
    MapEncoder,
    check_image_size,
    default_pixels,
    make_clip_backbone,
)
from slr_keras.models.stepnet.head import StepNetHead, head_names
from slr_keras.models.stepnet.partition import segment_starts
from slr_keras.models.stepnet.parts import PartPool
from slr_keras.models.stepnet.perceptron import Perceptron
from slr_keras.models.stepnet.spatial import PAIRS, SpatialBranch
from slr_keras.models.stepnet.temporal import TemporalBranch
from slr_keras.models.video import VideoModel, with_tuples

# Blank and <unk> are not signs.
RESERVED = 2


@keras.saving.register_keras_serializable(PACKAGE)
class StepNet(VideoModel):
    """Isolated sign language recognition from RGB or optical flow.

    Reference: Shen, Zheng and Yang, "StepNet: Spatial-temporal Part-aware Network for Isolated Sign
    Language Recognition", ACM TOMM 20(7), 2024. The paper leaves some sizes open; the
    defaults give its 194M parameters, but other sizes would, too (docs/papers/stepnet.md §7).

    Args:
        vocabulary_size: C + 2: glosses, blank and <unk>; class c is the gloss of id c + 2.
        image_size: (height, width), multiples of the backbone's reduction. Defaults to
            `(256, 256)`.
        clip_frames: T, frames of every clip. Defaults to `16`.
        stream: `"rgb"`, or `"flow"`: five flow fields per frame, as 128 + motion. Defaults to
            `"rgb"`.
        backbone: `"tsm_r50"`, `"tsm_micro"` or `"i3d"`. Defaults to `"tsm_r50"`.
        backbone_options: arguments of the backbone that differ from its preset: `last_stride`,
            `last_dilation`, `shift_divisor`, `partial_bn`, or `time_strides` of I3D.
        width: d, channels of queries, keys, values and the fused features (hidden_dim). Defaults
            to `1024`.
        spatial, temporal: whether these branches exist. Without both, the model is TSM: the mean
            over the backbone's maps is classified. Defaults to `True`.
        left_right, top_bottom: whether these pairs of parts exist. Defaults to `True`.
        spatial_fusion: `"attention"` or `"concatenate"`, see `SpatialBranch`. Defaults to
            `"attention"`.
        gate_hidden: widths of the gates' hidden layers. Defaults to one as wide as the maps.
        attention_norm: see `CrossAttention`. Defaults to `"none"`.
        segments: N, number of temporal segments. Defaults to `3`.
        segment_steps: L, steps of each segment. Defaults to `None`: half of the clip's steps.
        gru, gru_layers, bidirectional: see `TemporalBranch`. Default to `True`, `2` and `True`.
        fusion_hidden: widths of the hidden layers of the fusion's MLP; empty for a single linear
            layer. Defaults to `None`: one of `width`.
        part_heads: whether the parts' heads read `"pooled"` or `"gated"` features. Defaults to
            `"pooled"`.
        segment_heads: whether each segment has a head, too. Defaults to `False`.
        heads: `"all"`, or `"reported"` for the head of the prediction alone. Not the number of
            attention heads, which is one. Defaults to `"all"`.
        dropout: dropout rate before every head. Defaults to `0.5`.
        pixels: mode of `PixelNormalization`. Defaults to that of the backbone's published weights.
        recompute: whether training computes the backbone's activations again for the gradient
            (gradient checkpointing). Defaults to `False`.
        kwargs: `name` and `dtype` of the model.

    Inputs:
        `{"video": (batch, clip_frames, height, width, channels) uint8}` with 3 channels of RGB or
        10 of flow. Optional: `"mask" (batch, clip_frames)`; clips whose mask is all 0 fill up a
        batch and do not count in batch statistics.

    Outputs:
        logits `(batch, C)` by head: `"left"`, `"right"`, `"top"`, `"bottom"`, `"left_right"`,
        `"top_bottom"`, `"global"`, `"spatial"`, `"temporal"` and `"fused"`, the result.

    Raises:
        ValueError: arguments that contradict each other.
        UserError: a clip whose length is not `clip_frames`.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("stepnet_tiny", vocabulary_size=7)
    >>> model({"video": np.zeros((1, 16, 64, 64, 3), "uint8")})["fused"].shape
    TensorShape([1, 5])
    """

    #: Clips have one length and need no multiple of frames.
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
            raise OptionError(f"vocabulary_size is {vocabulary_size}: blank, <unk> and no gloss")
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.image_size = tuple(image_size)
        self.clip_frames = clip_frames
        self.stream = stream
        self.backbone = backbone
        self.backbone_options = with_tuples(backbone_options)
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
        check_image_size(self.image_size, network)
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
            raise OptionError("left_right and top_bottom are off; set spatial to false instead")
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

    # === Shapes ===

    @property
    def classes(self) -> int:
        """C, number of glosses."""
        return self.vocabulary_size - RESERVED

    @property
    def _video_shape(self):
        return (None, self.clip_frames, *self.image_size, STREAMS[self.stream])

    def feature_shapes(self, batch: int | None = None) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the maps and of all features by name (Table 3)."""
        maps = self.frame_encoder.compute_output_shape((batch, *self._video_shape[1:]))
        shapes = {"maps": maps, **self.part_pool.compute_output_shape(maps)}
        if self.spatial_branch is not None:
            shapes |= self.spatial_branch.compute_output_shape(shapes)
        if self.temporal_branch is not None:
            shapes |= self.temporal_branch.compute_output_shape(shapes["global"])
        if self.fusion is not None:
            shapes["fused"] = (*maps[:2], self.width)
        return shapes

    def module_shapes(self, batch=None, frames=None):
        """The layers with their shapes; all clips have `clip_frames` frames."""
        shapes = self.feature_shapes(batch)
        video = (batch, *self._video_shape[1:])
        modules: list[tuple] = [(self.frame_encoder, shapes["maps"], video)]
        if self.spatial_branch is not None:
            modules.append((self.spatial_branch, shapes["spatial"], shapes))
        if self.temporal_branch is not None:
            modules.append((self.temporal_branch, shapes["temporal"], shapes["global"]))
        if self.fusion is not None:
            batch, steps, width = shapes["fused"]
            modules.append((self.fusion, shapes["fused"], (batch, steps, 2 * width)))
        for name, head in self.head_layers.items():
            features = shapes[self._features_of(name)]
            modules.append((head, (features[0], self.classes), features))
        return modules

    def _features_of(self, head: str) -> str:
        """Name of the features that a head classifies."""
        is_part = any(head in parts for parts in PAIRS.values())
        return f"gated_{head}" if is_part and self.part_heads == "gated" else head

    # === Forward ===

    def call(self, inputs, training=False):
        mask = inputs.get("mask")
        valid = None if mask is None else ops.cast(ops.any(mask > 0, axis=1), "float32")
        maps = self.frame_encoder(inputs["video"], valid, training=training)
        features = self.features(maps, training=training)
        return {
            name: head(features[self._features_of(name)], training=training)
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
        """A copy of the model, with the same weights, that has the reported head alone."""
        smaller = type(self).from_config({**self.get_config(), "heads": "reported"})
        mine = {layer.name: layer for layer in self.layers}
        for layer in smaller.layers:
            layer.set_weights(mine[layer.name].get_weights())
        return smaller


def _one_of(option: str, value: str, known) -> None:
    if value not in known:
        raise OptionError(f"{option} is one of {', '.join(known)}; got {value!r}")
