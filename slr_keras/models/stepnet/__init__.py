"""StepNet: part-aware recognition of isolated signs (docs/papers/stepnet.md).

Where the paper contradicts itself (docs/papers/stepnet.md §1), this implementation reads it so: q_t
of eq. 5 is the top part in the spatial loss and f_t in the temporal loss; g_sg is the mean over
height and width, not over channels; each of the 16 splits of a clip gives one frame. Open choices
are arguments of `StepNet`. Their defaults give the paper's 194M parameters at 2000 glosses, but
other choices would, too.
"""

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
