"""STARK, spatio-temporal attention over keypoints (specification: arXiv 2603.16163)."""

from slr_keras.models.stark.block import StarkBlock
from slr_keras.models.stark.encoder import KeypointStem, StarkEncoder
from slr_keras.models.stark.head import GlossHead
from slr_keras.models.stark.isolated import StarkIsolated
from slr_keras.models.stark.model import Stark
from slr_keras.models.stark.streams import heads_of

__all__ = [
    "GlossHead",
    "KeypointStem",
    "Stark",
    "StarkBlock",
    "StarkEncoder",
    "StarkIsolated",
    "heads_of",
]
