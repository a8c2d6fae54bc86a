"""Encoder from clips to feature maps over time (docs/papers/stepnet.md §3, §10)."""

import functools
from typing import Any

import keras
from keras import ops

from slr_keras.models.backbones import Backbone, I3d, ResNet, make_backbone
from slr_keras.models.backbones.costs import frame_multiply_adds
from slr_keras.models.backbones.encoder import BackboneEncoder
from slr_keras.models.backbones.recompute import recomputed
from slr_keras.models.checks import OptionError, require
from slr_keras.models.layers import PACKAGE

#: Channels of a clip: RGB, or x and y of five fields of optical flow.
STREAMS = {"rgb": 3, "flow": 10}


def make_clip_backbone(name: str, frames: int, stream: str, **options: Any) -> Backbone:
    """Make a backbone for clips of one length and stream.

    I3D reads one flow field for each frame, as its published flow network, and TSM reads five.

    Args:
        name: one of `list_backbones()`.
        frames: T, frames of every clip.
        stream: "rgb" or "flow".
        options: arguments of the backbone's class that differ from its preset.

    Raises:
        UserError: an unknown backbone, or an argument that its class refuses.

    >>> from slr_keras.models.stepnet.encoder import make_clip_backbone
    >>> make_clip_backbone("i3d", 64, "flow").channels
    2
    """
    kind = type(make_backbone(name))
    own: dict[str, Any] = {}
    if issubclass(kind, I3d):
        own = {"channels": 3 if stream == "rgb" else 2}
    elif issubclass(kind, ResNet):
        own = {"channels": STREAMS[stream], "clip_frames": frames}
    return make_backbone(name, **{**own, **options})


def default_pixels(backbone: Backbone, stream: str) -> str:
    """The mode of `PixelNormalization` of a backbone's published weights.

    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.models.stepnet.encoder import default_pixels
    >>> default_pixels(make_backbone("i3d"), "rgb")
    'symmetric'
    """
    if isinstance(backbone, I3d):
        return "symmetric" if stream == "rgb" else "symmetric_flow"
    return "imagenet" if stream == "rgb" else "flow"


def check_image_size(size: tuple[int, ...], backbone: Backbone) -> None:
    """Refuse frames whose maps would not have whole cells, or no two halves.

    Raises:
        ValueError: the size does not fit the backbone's reduction.
    """
    multiple = backbone.reduction
    if len(size) != 2 or any(side < 2 * multiple or side % multiple for side in size):
        raise OptionError(
            f"image_size is {size}; height and width must be multiples of {multiple} pixels, the "
            f"reduction of {backbone.name}, and {2 * multiple} at least: change crop in frames.json"
        )


@keras.saving.register_keras_serializable(PACKAGE)
class MapEncoder(BackboneEncoder):
    """Run a backbone over clips of one length and return its maps.

    Args:
        backbone: a `ResNet` with `clip_frames` and without pooling, or an `I3d`.
        frames: T, frames of every clip.
        pixels: mode of `PixelNormalization`.
        recompute: whether training computes the activations within each stage of the backbone
            again for the gradient (gradient checkpointing). Defaults to `False`.
        kwargs: `name` and `dtype` of the layer.

    Call arguments:
        video: `(batch, frames, height, width, channels)`, values in 0..255. If there are more
            channels than the backbone reads, the first ones are used: the first flow field.
        valid: `(batch,)`, 1 on clips that count in the batch statistics. Defaults to all.

    Returns:
        `(batch, steps, map height, map width, channels)`.

    Raises:
        ValueError: a backbone that returns no maps of clips.
        UserError: a clip of another length.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.models.stepnet import MapEncoder
    >>> encoder = MapEncoder(make_backbone("tsm_micro", clip_frames=8), frames=8, pixels="imagenet")
    >>> encoder(np.zeros((1, 8, 32, 32, 3), "uint8")).shape
    TensorShape([1, 8, 4, 4, 128])
    """

    def __init__(
        self, backbone: Backbone, frames: int, pixels: str, recompute: bool = False, **kwargs
    ):
        super().__init__(backbone, pixels, recompute, **kwargs)
        if backbone.framewise or getattr(backbone, "pooled", False):
            raise OptionError(
                f"backbone {backbone.name!r} gives no maps of clips; use one such as tsm_r50 or i3d"
            )
        self.frames = frames

    def build(self, video_shape, valid_shape=None):
        self.build_backbone(self.backbone.example_shape)

    def call(self, video, valid=None, training=False):
        batch, frames = ops.shape(video)[:2]
        video = require(
            frames == self.frames,
            f"{self.name} takes clips of exactly {self.frames} frames; sample that many "
            "(data.clip_frames), or make the model with another clip_frames",
            video,
        )
        # Frozen, it gives the same maps in training as in evaluation.
        training = training and self.trainable
        inputs = self.normalization(video[..., : self.backbone.channels])
        if isinstance(self.backbone, I3d):
            return self._maps(inputs, valid, training)
        if valid is not None:
            valid = ops.repeat(valid, self.frames)
        frames = ops.reshape(inputs, (-1, *inputs.shape[2:]))
        maps = self._maps(frames, valid, training)
        return ops.reshape(maps, (batch, self.frames, *maps.shape[1:]))

    def _maps(self, inputs, valid, training):
        if not (self.recompute and training):
            return self.backbone(inputs, valid=valid, training=training)
        maps = inputs
        for stage, layers in self.backbone.stages():
            variables = [weight for layer in layers for weight in layer.trainable_weights]
            run = functools.partial(stage, valid=valid, training=True)
            maps = recomputed(run, maps, variables) if layers else run(maps)
        return maps

    def compute_output_shape(self, video_shape, valid_shape=None):
        batch, _, *picture = video_shape
        if isinstance(self.backbone, I3d):
            return self.backbone.compute_output_shape((batch, self.frames, *picture))
        return (batch, self.frames, *self.backbone.compute_output_shape((None, *picture))[1:])

    def multiply_adds(self, video_shape) -> int:
        """Multiply-adds for `(batch, frames, height, width, channels)`."""
        batch, frames, height, width, _ = video_shape
        if isinstance(self.backbone, I3d):
            channels = self.backbone.channels
            return self.backbone.multiply_adds((batch, frames, height, width, channels))
        return batch * frames * frame_multiply_adds(self.backbone, height, width)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}
