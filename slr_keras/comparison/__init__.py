"""Comparison of two runs on the same sentences: scores, significance tests, plots, fusion."""

from slr_keras.comparison.comparison import ComparedSentence, Comparison
from slr_keras.comparison.recognised import Recognised, recognise, require_comparable

__all__ = ["ComparedSentence", "Comparison", "Recognised", "recognise", "require_comparable"]
