"""The USTM model: Swin with temporal adapters, multi-scale streams, 1D-TCN and BiLSTM."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.backbones import make_backbone
from slr_keras.models.checks import OptionError, require
from slr_keras.models.layers import PACKAGE
from slr_keras.models.temporal import make_classifier
from slr_keras.models.ustm.encoder import ClipEncoder
from slr_keras.models.ustm.packing import ADDED
from slr_keras.models.ustm.streams import TemporalStreams
from slr_keras.models.video import VideoSequenceModel, with_tuples

#: Outputs of the local features (1D-TCN) and of the global ones (BiLSTM).
HEADS = ("convolution", "sequence")
# Instance normalisation of the published form needs two steps.
SHORTEST_LITERAL = 5


@keras.saving.register_keras_serializable(PACKAGE)
class Ustm(VideoSequenceModel):
    """Continuous sign language recognition from RGB with temporal adapters in a Swin backbone.

    Reference: Hasanaath and Luqman, "USTM: Unified Spatial and Temporal Modeling for Continuous
    Sign Language Recognition", arXiv 2512.13415, 2025.

    Args:
        vocabulary_size: V, classes with the blank (class 0).
        image_size: (height, width) of the frames, multiples of the backbone's patch. Defaults to
            `(224, 224)`.
        backbone: name of a Swin in `list_backbones()`. Defaults to `"swin_b"`.
        backbone_options: arguments of the backbone that differ from its preset, such as
            `stochastic_depth` (drop_path). Defaults to `None`.
        adapter_width: channels within the adapters (bottleneck width); 0 for no adapters. Defaults
            to `64`.
        positions: rows of the adapters' position table; a clip may have 12 frames less. Defaults
            to `1000`.
        skip: weight of the adapters' residual connection: 2 as in the published code, 1 as in the
            paper's figure. Defaults to `2.0`.
        multiscale: whether the six streams (MSTCN) precede the 1D-TCN. Defaults to `True`.
        width: channels of local and global features (hidden_dim); even. Defaults to `1024`.
        dropout: dropout rate between the layers of the BiLSTM. Defaults to `0.3`.
        masked: `False` for the published form, in which results depend on the padding of the batch.
            Defaults to `True`.
        pixels: mode of `PixelNormalization`. Defaults to `"slowfast"`.
        chunk: frames that the backbone computes at once; 0 for all. Defaults to `32`.
        recompute: whether training computes the blocks' activations again for the gradient
            (gradient checkpointing). Defaults to `False`.
        kwargs: `name` and `dtype` of the model.

    Inputs:
        `{"video": (batch, frames, height, width, 3) uint8, "mask": (batch, frames)}`, real frames
        first.

    Outputs:
        `"convolution"` and `"sequence"`: logits `(batch, ceil(frames / 4), V)`; `"sequence"` is the
        result. `"lifting"`: the pooling's loss `(batch,)`. In the published form, the number of
        steps is that of the longest clip.

    Raises:
        ValueError: arguments that contradict each other.
        UserError: a clip that is too short or too long, see `frames_range`.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("ustm_tiny", vocabulary_size=5, image_size=(32, 32))
    >>> clip = {"video": np.zeros((1, 9, 32, 32, 3), "uint8"), "mask": np.ones((1, 9), "float32")}
    >>> model(clip)["sequence"].shape
    TensorShape([1, 3, 5])
    """

    #: Heads whose mean is the result, unless a recipe names others.
    reported_heads = ("sequence",)

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
        super().__init__(
            vocabulary_size,
            image_size,
            backbone,
            width=width,
            dropout=dropout,
            masked=masked,
            pixels=pixels,
            chunk=chunk,
            recompute=recompute,
            **kwargs,
        )
        # === Config ===
        self.backbone_options = with_tuples(backbone_options)
        self.adapter_width = adapter_width
        self.positions = positions
        self.skip = skip
        self.multiscale = multiscale

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
        # Clips were lengthened before the frame encoder.
        self.make_sequence_layers(edges=False)
        self.classifier = make_classifier("norm", vocabulary_size, dtype=policy, name="classifier")
        self.build()

    def module_shapes(self, batch=None, frames=None):
        video = self.video_shape(batch, frames)
        features, _ = self.frame_encoder.compute_output_shape(video)
        modules = [(self.frame_encoder, features, video)]
        if self.streams is not None:
            views = self.streams.compute_output_shape(features)
            modules.append((self.streams, views, features))
            features = views
        local = self.step_shape(batch, frames, self.width)
        logits = self.step_shape(batch, frames, self.vocabulary_size)
        return [
            *modules,
            (self.convolution, local, features),
            (self.recurrent, local, local),
            # The same weights classify the features of both heads.
            (self.classifier, logits, (len(HEADS), *local[1:])),
        ]

    @property
    def frames_range(self) -> tuple[int, int | None]:
        """Minimum and maximum number of frames of a clip; the maximum may be None."""
        shortest = 1 if self.masked else SHORTEST_LITERAL
        return shortest, self.positions - ADDED if self.adapter_width else None

    # === Forward ===

    def call(self, inputs, training=False):
        video, mask = inputs["video"], inputs["mask"]
        self._check_length(mask)
        features, valid = self.frame_encoder(video, mask, training=training)
        if self.streams is not None:
            features = self.streams(features, valid)
        classifiers = dict.fromkeys(HEADS, self.classifier)
        return self.sequence_outputs(features, valid, classifiers, training)

    def _check_length(self, mask) -> None:
        """Refuse clips too long for the position table or too short for the published form.

        On a GPU, an index beyond the end of a table gives zeros and no error.
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


def _check_image_size(size: tuple[int, ...], patch: int) -> None:
    if len(size) != 2 or any(side < patch or side % patch for side in size):
        raise OptionError(
            f"image_size is {size}; height and width must be multiples of the patch of {patch} "
            "pixels: change crop in frames.json, or backbone_options.patch"
        )
