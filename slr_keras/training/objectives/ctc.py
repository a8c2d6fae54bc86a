"""CTC objective: CTC of every head, distillation from their mean, and loss on sign spans."""

import tensorflow as tf

from slr_keras.losses import stark_losses
from slr_keras.losses.spans import span_loss
from slr_keras.training.objectives.base import clip_inputs

#: Output that classifies single steps, and array of a batch with the signs' spans.
SPANS = "spans"


class CtcObjective:
    """CTC loss of every head, distillation (STARK, docs/papers/stark.md §2.3), span loss.

    The span loss applies to models with an output "spans", on batches with the spans of the signs;
    elsewhere it is 0.

    Args:
        distillation_weight: weight of the divergence of each head from the mean of all heads.
        span_weight: weight of the loss on sign spans; 0 leaves the term out.
    """

    controls = ()

    def __init__(self, distillation_weight: float = 1.0, span_weight: float = 0.0):
        self.distillation_weight = distillation_weight
        self.span_weight = span_weight
        self.terms = ("ctc", "distillation", *([SPANS] if span_weight else []))

    def at(self, epoch: int) -> dict[str, float]:
        """The objective has no controls."""
        return {}

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        logits = dict(model(clip_inputs(model, batch), training=True))
        by_step = logits.pop(SPANS, None)
        steps = batch["frames"] // model.stride
        terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
        loss = terms["ctc"] + self.distillation_weight * terms["distillation"]
        if self.span_weight:
            terms[SPANS] = tf.zeros_like(terms["ctc"])
            if by_step is not None and SPANS in batch:
                terms[SPANS] = span_loss(batch["labels"], batch[SPANS], by_step, model.stride)
            loss += self.span_weight * terms[SPANS]
        return loss, terms
