"""Objective of USTM: CTC of two heads with distillation between them (docs/papers/ustm.md §6.1)."""

import tensorflow as tf

from slr_keras.config.schema import SelfDistillationConfig
from slr_keras.losses import ctc_loss
from slr_keras.losses.cst import visual_divergence
from slr_keras.models.ustm import HEADS
from slr_keras.training.objectives.base import clip_inputs

STUDENT, TEACHER = HEADS


class SelfDistillationObjective:
    """CTC of both heads, distillation from the BiLSTM head to the convolution head, lift pooling.

        loss = L_CTC(sequence) + L_CTC(convolution)
             + w T^2 mean over steps of KL(softmax(sequence / T) || softmax(convolution / T))
             + w_lift (L_u + L_p)

    The divergence excludes the blank. Its gradient reaches the convolution head only. In the
    published form the mean includes the padding of the batch, where the BiLSTM outputs 0.

    Args:
        config: weights and temperature.
    """

    terms = (*HEADS, "distillation", "lifting")
    controls = ()

    def __init__(self, config: SelfDistillationConfig | None = None):
        self.config = config or SelfDistillationConfig()

    def at(self, epoch: int) -> dict[str, float]:
        """The objective has no controls."""
        return {}

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        config = self.config
        outputs = model(clip_inputs(model, batch), training=True)
        steps = batch["frames"] // model.stride
        terms = {
            head: ctc_loss(batch["labels"], outputs[head], batch["label_lengths"], steps)
            for head in HEADS
        }
        teacher, student = outputs[TEACHER], outputs[STUDENT]
        compared = steps if model.masked else tf.fill(tf.shape(steps), tf.shape(teacher)[1])
        terms["distillation"] = visual_divergence(teacher, student, compared, config.temperature)
        terms["lifting"] = outputs["lifting"]
        total = terms[STUDENT] + terms[TEACHER]
        total += config.weight * terms["distillation"]
        total += config.lifting_weight * terms["lifting"]
        # No feasible alignment: the clip's loss is zero.
        return tf.where(terms[TEACHER] > 0, total, 0.0), terms
