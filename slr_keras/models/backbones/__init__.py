"""Image and video backbones, and the encoder that runs image backbones over clips."""

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.frame_encoder import FrameEncoder
from slr_keras.models.backbones.i3d import I3d
from slr_keras.models.backbones.pixels import PixelNormalization
from slr_keras.models.backbones.registry import list_backbones, make_backbone
from slr_keras.models.backbones.resnet import ResNet
from slr_keras.models.backbones.shift import TemporalShift
from slr_keras.models.backbones.swin import Swin

__all__ = [
    "Backbone",
    "FrameEncoder",
    "I3d",
    "PixelNormalization",
    "ResNet",
    "Swin",
    "TemporalShift",
    "list_backbones",
    "make_backbone",
]
