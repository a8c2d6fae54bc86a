"""Recognition of clips: input files, the recogniser, and output formats of `predict`."""

from slr_keras.recognition.clip import Clip, Gloss, Prediction
from slr_keras.recognition.elan import to_elan
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.formats import to_json, to_text
from slr_keras.recognition.layout_matching import match_layout
from slr_keras.recognition.subtitles import to_subrip, to_webvtt

__all__ = [
    "Clip",
    "Gloss",
    "Prediction",
    "find_clips",
    "match_layout",
    "to_elan",
    "to_json",
    "to_subrip",
    "to_text",
    "to_webvtt",
]
