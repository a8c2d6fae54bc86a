"""Image backbones: one vector per frame, and the encoder that runs them over clips."""

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.frame_encoder import FrameEncoder
from slr_keras.models.backbones.pixels import PixelNormalization
from slr_keras.models.backbones.registry import list_backbones, make_backbone
from slr_keras.models.backbones.resnet import ResNet
from slr_keras.models.backbones.swin import Swin

__all__ = [
    "Backbone",
    "FrameEncoder",
    "PixelNormalization",
    "ResNet",
    "Swin",
    "list_backbones",
    "make_backbone",
]
