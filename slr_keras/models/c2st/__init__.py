"""C²ST: cross-modal contextualized sequence transduction (docs/papers/c2st.md)."""

from slr_keras.models.c2st.model import LEVELS, C2st

__all__ = ["LEVELS", "C2st"]
