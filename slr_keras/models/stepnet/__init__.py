"""StepNet: part-aware recognition of isolated signs (specs/stepnet.md)."""

from slr_keras.models.stepnet.attention import CrossAttention
from slr_keras.models.stepnet.encoder import MapEncoder
from slr_keras.models.stepnet.head import StepNetHead
from slr_keras.models.stepnet.model import StepNet
from slr_keras.models.stepnet.partition import TemporalPartition
from slr_keras.models.stepnet.parts import PartGate, PartPool
from slr_keras.models.stepnet.spatial import SpatialBranch
from slr_keras.models.stepnet.temporal import TemporalBranch

__all__ = [
    "CrossAttention",
    "MapEncoder",
    "PartGate",
    "PartPool",
    "SpatialBranch",
    "StepNet",
    "StepNetHead",
    "TemporalBranch",
    "TemporalPartition",
]
