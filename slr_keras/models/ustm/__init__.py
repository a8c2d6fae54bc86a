"""USTM: unified spatial and temporal modelling (docs/papers/ustm.md)."""

from slr_keras.models.ustm.encoder import ClipEncoder
from slr_keras.models.ustm.model import HEADS, Ustm
from slr_keras.models.ustm.streams import TemporalStreams
from slr_keras.models.ustm.tape import TemporalAdapter

__all__ = ["HEADS", "ClipEncoder", "TemporalAdapter", "TemporalStreams", "Ustm"]
