"""Layers from frame features to gloss logits: 1D-TCN, temporal pooling, BiLSTM, classifiers."""

from slr_keras.models.temporal.classifier import NormLinear, make_classifier
from slr_keras.models.temporal.convolution import TemporalConvolution
from slr_keras.models.temporal.instance_norm import MaskedInstanceNormalization
from slr_keras.models.temporal.lengths import (
    edge_padding,
    length_through,
    padded_length,
    time_stride,
)
from slr_keras.models.temporal.pooling import TemporalLiftPooling, TemporalMaxPooling
from slr_keras.models.temporal.recurrent import BiLstm, GruStack

__all__ = [
    "BiLstm",
    "GruStack",
    "MaskedInstanceNormalization",
    "NormLinear",
    "TemporalConvolution",
    "TemporalLiftPooling",
    "TemporalMaxPooling",
    "edge_padding",
    "length_through",
    "make_classifier",
    "padded_length",
    "time_stride",
]
