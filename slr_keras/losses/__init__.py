"""Training losses: CTC, self-distillation and the STARK objective."""

from slr_keras.losses.ctc import ctc_loss, feasible
from slr_keras.losses.distillation import distillation_loss, ensemble_log_probabilities
from slr_keras.losses.stark import stark_losses

__all__ = [
    "ctc_loss",
    "distillation_loss",
    "ensemble_log_probabilities",
    "feasible",
    "stark_losses",
]
