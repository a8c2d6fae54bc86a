"""Models; importing this package registers every layer and model with Keras."""

from slr_keras.models.c2st import C2st
from slr_keras.models.layers import Linear, MaskedBatchNormalization
from slr_keras.models.registry import create_model, list_models
from slr_keras.models.stark import (
    GlossHead,
    SignHead,
    Stark,
    StarkBlock,
    StarkEncoder,
    StarkIsolated,
)
from slr_keras.models.stepnet import StepNet
from slr_keras.models.ustm import Ustm

__all__ = [
    "C2st",
    "GlossHead",
    "Linear",
    "MaskedBatchNormalization",
    "SignHead",
    "Stark",
    "StarkBlock",
    "StarkEncoder",
    "StarkIsolated",
    "StepNet",
    "Ustm",
    "create_model",
    "list_models",
]
