"""Pretrained weights: safe readers for checkpoints of other libraries, and our own format."""

from slr_keras.weights.checkpoint import Checkpoint, read_checkpoint
from slr_keras.weights.loading import WeightsRecord, load_backbone_weights, save_backbone_weights
from slr_keras.weights.models import load_model_weights, save_model_weights
from slr_keras.weights.ustm import load_ustm_checkpoint

__all__ = [
    "Checkpoint",
    "WeightsRecord",
    "load_backbone_weights",
    "load_model_weights",
    "load_ustm_checkpoint",
    "read_checkpoint",
    "save_backbone_weights",
    "save_model_weights",
]
