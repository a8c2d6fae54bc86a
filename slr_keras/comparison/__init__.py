"""Two runs side by side on the same sentences: scores, tests of their difference, pictures."""

from slr_keras.comparison.comparison import ComparedSentence, Comparison
from slr_keras.comparison.recognised import Recognised, recognise, require_comparable

__all__ = ["ComparedSentence", "Comparison", "Recognised", "recognise", "require_comparable"]
