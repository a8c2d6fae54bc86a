"""What memory a training step takes, learnt without the accelerator that will run it."""

from slr_keras.benchmarks.memory.dry_run import DryRun
from slr_keras.benchmarks.memory.ledger import (
    Ledger,
    Tensor,
    TensorList,
    Variable,
    bytes_of,
)

__all__ = ["DryRun", "Ledger", "Tensor", "TensorList", "Variable", "bytes_of"]
