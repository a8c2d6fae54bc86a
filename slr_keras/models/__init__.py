"""Models; importing this package registers every layer and model with Keras."""

from slr_keras.models.c2st import C2st
from slr_keras.models.layers import Linear, MaskedBatchNormalization
from slr_keras.models.registry import create_model, list_models
from slr_keras.models.stark import GlossHead, Stark, StarkBlock, StarkEncoder
from slr_keras.models.stepnet import StepNet
from slr_keras.models.ustm import Ustm

__all__ = [
    "C2st",
    "GlossHead",
    "Linear",
    "MaskedBatchNormalization",
    "Stark",
    "StarkBlock",
    "StarkEncoder",
    "StepNet",
    "Ustm",
    "create_model",
    "list_models",
]
