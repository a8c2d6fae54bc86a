"""Look-up by example: the entries of a folder of signs that are nearest to a clip."""

from slr_keras.dictionary.dictionary import Dictionary, Neighbour

__all__ = ["Dictionary", "Neighbour"]
