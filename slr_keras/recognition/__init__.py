"""What `predict` reads, and what it writes."""

from slr_keras.recognition.clip import Clip, Gloss, Prediction
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.formats import to_json, to_text, to_webvtt
from slr_keras.recognition.layout_matching import conform

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
