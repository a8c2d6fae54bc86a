"""Models; importing this package registers every layer and model with Keras."""

from slr_keras.models.c2st import C2st
from slr_keras.models.layers import Linear, MaskedBatchNormalization
from slr_keras.models.registry import create_model, list_models
from slr_keras.models.sign_conv import SignConv, SignConvIsolated
from slr_keras.models.sign_head import SignHead
from slr_keras.models.stark import (
    GlossHead,
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
    "SignConv",
    "SignConvIsolated",
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
