"""Base class of layers that run a backbone over clips of pixels."""

from typing import Any

import keras

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.pixels import PixelNormalization


class BackboneEncoder(keras.layers.Layer):
    """Base of layers from the pixels of clips to the features of a backbone.

    Args:
        backbone: the network.
        pixels: mode of `PixelNormalization`, or None for clips that are normalised already.
        recompute: whether training computes activations again for the gradient (gradient
            checkpointing).
        kwargs: `name` and `dtype` of the layer.
    """

    def __init__(self, backbone: Backbone, pixels: str | None, recompute: bool, **kwargs: Any):
        # Autocasting would round pixels to bfloat16 before they are centred.
        super().__init__(autocast=False, **kwargs)
        self.backbone = backbone
        self.pixels = pixels
        self.recompute = recompute
        self.normalization = pixels and PixelNormalization(pixels, dtype=self.dtype_policy)

    def build_backbone(self, shape) -> None:
        """Build the backbone, unless it comes from a saved model or was filled before."""
        if not self.backbone.built:
            self.backbone.build(shape)

    def get_config(self):
        return {
            **super().get_config(),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "pixels": self.pixels,
            "recompute": self.recompute,
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
