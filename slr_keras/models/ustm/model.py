"""USTM: frames that see their neighbours in every stage, and scales of time side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.backbones import make_backbone
from slr_keras.models.checks import require
from slr_keras.models.complexity import ModuleCost
from slr_keras.models.layers import PACKAGE
from slr_keras.models.temporal import BiLstm, TemporalConvolution, make_classifier
from slr_keras.models.ustm.encoder import ClipEncoder
from slr_keras.models.ustm.packing import ADDED
from slr_keras.models.ustm.streams import TemporalStreams

#: From the features of the convolutions, and from those of the BiLSTM.
HEADS = ("convolution", "sequence")
# Instance normalisation of the published form needs two steps.
SHORTEST_LITERAL = 5


@keras.saving.register_keras_serializable(PACKAGE)
class Ustm(keras.Model):
    """Continuous sign language recognition from RGB by Swin with temporal adapters.

    Reference: Hasanaath and Luqman, "USTM: Unified Spatial and Temporal Modeling for Continuous
    Sign Language Recognition", arXiv 2512.13415, 2025.

    Args:
        vocabulary_size: V, classes with the blank (class 0).
        image_size: (height, width) of the frames, multiples of the backbone's patch. Defaults to
            `(224, 224)`.
        backbone: name of a Swin of `list_backbones()`. Defaults to `"swin_b"`.
        backbone_options: arguments of the backbone beyond its preset.
        adapter_width: channels within the adapters; 0 leaves them out. Defaults to `64`.
        positions: of the adapters' table; a clip may have 12 frames less. Defaults to `1000`.
        skip: 2 as in the published code, 1 as in the paper's figure. Defaults to `2.0`.
        multiscale: whether the six streams (MSTCN) stand before the convolutions. Defaults to
            `True`.
        width: of local and global features; even. Defaults to `1024`.
        dropout: between the layers of the BiLSTM. Defaults to `0.3`.
        masked: False for the published form, in which the padding of a batch is seen.
        pixels: see `PixelNormalization`. Defaults to `"slowfast"`.
        chunk: frames that the backbone sees at once, 0 for all. Defaults to `32`.
        recompute: forget the blocks' activations and compute them again for the gradient.

    Inputs:
        `{"video": (batch, frames, height, width, 3) uint8, "mask": (batch, frames)}`, real frames
        first.

    Outputs:
        `"convolution"` and `"sequence"`: logits `(batch, ceil(frames / 4), V)`, the latter is the
        result; `"lifting"`: the pooling's loss `(batch,)`. In the published form, steps are those
        of the longest clip.

    Raises:
        ValueError: arguments that do not fit each other.
        UserError: a clip that the model cannot take; see `frames_range`.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("ustm_tiny", vocabulary_size=5, image_size=(32, 32))
    >>> clip = {"video": np.zeros((1, 9, 32, 32, 3), "uint8"), "mask": np.ones((1, 9), "float32")}
    >>> model(clip)["sequence"].shape
    TensorShape([1, 3, 5])
    """

    #: What the model reads of a batch.
    clip_inputs = ("video", "mask")
    #: Heads whose mean is the result, unless a recipe names others.
    reported_heads = ("sequence",)
    stride = 4

    def __init__(
        self,
        vocabulary_size: int,
        image_size: Sequence[int] = (224, 224),
        backbone: str = "swin_b",
        backbone_options: Mapping[str, Any] | None = None,
        adapter_width: int = 64,
        positions: int = 1000,
        skip: float = 2.0,
        multiscale: bool = True,
        width: int = 1024,
        dropout: float = 0.3,
        masked: bool = True,
        pixels: str = "slowfast",
        chunk: int = 32,
        recompute: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if width % 2:
            raise ValueError(f"width is {width}; the two directions of the BiLSTM share it evenly")
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.image_size = tuple(image_size)
        self.backbone = backbone
        # YAML and saved models give lists where Python has tuples.
        self.backbone_options = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in (backbone_options or {}).items()
        }
        self.adapter_width = adapter_width
        self.positions = positions
        self.skip = skip
        self.width = width
        self.dropout = dropout
        self.masked = masked
        self.pixels = pixels
        self.chunk = chunk
        self.recompute = recompute

        # === Layers ===
        policy = self.dtype_policy
        self.frame_encoder = ClipEncoder(
            make_backbone(backbone, dtype=policy, **self.backbone_options),
            adapter_width,
            positions,
            skip,
            masked,
            pixels,
            chunk,
            recompute,
            dtype=policy,
            name="frame_encoder",
        )
        _check_image_size(self.image_size, self.frame_encoder.backbone.patch)
        self.streams = None
        if multiscale:
            self.streams = TemporalStreams(width, masked=masked, dtype=policy, name="streams")
        self.convolution = TemporalConvolution(
            width, masked=masked, edges=False, dtype=policy, name="convolution"
        )
        self.recurrent = BiLstm(width // 2, dropout=dropout, dtype=policy, name="recurrent")
        self.classifier = make_classifier("norm", vocabulary_size, dtype=policy, name="classifier")
        self.build()

    def build(self, input_shape=None):
        """Make all weights; the shapes follow from the arguments."""
        if self.built:
            return
        video = (None, None, *self.image_size, 3)
        self.frame_encoder.build(video)
        features, _ = self.frame_encoder.compute_output_shape(video)
        if self.streams is not None:
            self.streams.build(features)
            features = self.streams.compute_output_shape(features)
        self.convolution.build(features)
        local = (None, None, self.width)
        self.recurrent.build(local)
        self.classifier.build(local)
        self.built = True

    @property
    def frames_range(self) -> tuple[int, int | None]:
        """Fewest and most frames of a clip; None for any number."""
        shortest = 1 if self.masked else SHORTEST_LITERAL
        return shortest, self.positions - ADDED if self.adapter_width else None

    # === Forward ===

    def call(self, inputs, training=False):
        video, mask = inputs["video"], inputs["mask"]
        self._check_length(mask)
        features, valid = self.frame_encoder(video, mask, training=training)
        if self.streams is not None:
            features = self.streams(features, valid)
        local, steps, update, prediction = self.convolution(features, valid, training=training)
        overall = self.recurrent(local, steps, training=training)
        outputs = {
            head: ops.cast(self.classifier(x), "float32")
            for head, x in zip(HEADS, (local, overall))
        }
        return {**outputs, "lifting": update + prediction}

    def _check_length(self, mask) -> None:
        """Refuse clips that the table of positions or the published form cannot take.

        A table looked up beyond its end gives zeros on a GPU, and no error.
        """
        shortest, longest = self.frames_range
        frames = ops.max(ops.sum(ops.cast(mask, "float32"), axis=1))
        if longest is not None:
            require(
                frames <= longest,
                f"a clip has more than {longest} frames, all that {self.name}'s table of "
                f"{self.positions} positions has room for; cut it (data.max_frames), or make the "
                "model with more positions",
            )
        if shortest > 1:
            require(
                frames >= shortest,
                f"no clip of the batch has {shortest} frames, which the published form needs for "
                "instance normalisation; use longer clips, or the masked form",
            )

    # === Costs and config ===

    def module_costs(self, frames: int) -> list[ModuleCost]:
        """Costs of every module for one clip."""
        steps = frames // self.stride
        video = (1, frames, *self.image_size, 3)
        features, _ = self.frame_encoder.compute_output_shape(video)
        local = (1, steps, self.width)
        modules = [(self.frame_encoder, features, video)]
        if self.streams is not None:
            views = self.streams.compute_output_shape(features)
            modules.append((self.streams, views, features))
            features = views
        modules += [
            (self.convolution, local, features),
            (self.recurrent, local, local),
            # The same weights classify the features of both heads.
            (self.classifier, (1, steps, self.vocabulary_size), (len(HEADS), *local[1:])),
        ]
        return [ModuleCost.of(*module) for module in modules]

    def get_config(self):
        names = (
            "vocabulary_size image_size backbone backbone_options adapter_width positions skip "
            "width dropout masked pixels chunk recompute"
        )
        config = {name: getattr(self, name) for name in names.split()}
        return {**super().get_config(), **config, "multiscale": self.streams is not None}

    def build_from_config(self, config):
        """Everything is built by the constructor."""


def _check_image_size(size: tuple[int, ...], patch: int) -> None:
    if len(size) != 2 or any(side < patch or side % patch for side in size):
        raise ValueError(
            f"image_size is {size}; height and width must be multiples of the patch of {patch} "
            "pixels: change crop in frames.json, or backbone_options.patch"
        )
