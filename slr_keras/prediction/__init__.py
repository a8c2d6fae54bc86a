"""What `predict` reads, and what it writes."""

from slr_keras.prediction.clip import Clip, Gloss, Prediction
from slr_keras.prediction.conform import conform
from slr_keras.prediction.inputs import find_clips
from slr_keras.prediction.outputs import to_json, to_text, to_webvtt

__all__ = [
    "Clip",
    "Gloss",
    "Prediction",
    "conform",
    "find_clips",
    "to_json",
    "to_text",
    "to_webvtt",
]
