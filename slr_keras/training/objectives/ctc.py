"""CTC objective: the CTC loss of every head, and distillation from the mean of the heads."""

from slr_keras.losses import stark_losses
from slr_keras.training.objectives.base import clip_inputs


class CtcObjective:
    """CTC loss of every head plus distillation (STARK, docs/papers/stark.md §2.3).

    Args:
        distillation_weight: weight of the divergence of each head from the mean of all heads.
    """

    terms = ("ctc", "distillation")
    controls = ()

    def __init__(self, distillation_weight: float = 1.0):
        self.distillation_weight = distillation_weight

    def at(self, epoch: int) -> dict[str, float]:
        """The objective has no controls."""
        return {}

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        logits = model(clip_inputs(model, batch), training=True)
        steps = batch["frames"] // model.stride
        terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
        return terms["ctc"] + self.distillation_weight * terms["distillation"], terms
