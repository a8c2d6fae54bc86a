"""Pre-trained weights: checkpoints of other libraries, read without running anything in them."""

from slr_keras.weights.checkpoint import Checkpoint, read_checkpoint
from slr_keras.weights.loading import WeightsRecord, load_backbone_weights, save_backbone_weights

__all__ = [
    "Checkpoint",
    "WeightsRecord",
    "load_backbone_weights",
    "read_checkpoint",
    "save_backbone_weights",
]
