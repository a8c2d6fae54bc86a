"""Objective of isolated signs: every head classifies the clip (docs/papers/stepnet.md §6)."""

from collections.abc import Sequence

import tensorflow as tf

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.losses import distillation_loss
from slr_keras.training.objectives.base import clip_inputs


class ClassificationObjective:
    """Sum over the model's heads of their softmax cross-entropies, each with weight 1 (eq. 5).

    Args:
        heads: names of the model's outputs, each `(batch, classes)`.
        label_smoothing: fraction of the target that is spread evenly over all classes.
        distillation_weight: weight of the divergence of each head from the mean of all heads, as
            in STARK (docs/papers/stark.md §2.3); 0, as in StepNet, leaves the term out.

    >>> from slr_keras.training.objectives.classification import ClassificationObjective
    >>> ClassificationObjective(("fuse", "left"), distillation_weight=0.5).terms
    ('cross_entropy_fuse', 'cross_entropy_left', 'distillation')
    """

    controls = ()

    def __init__(
        self,
        heads: Sequence[str],
        label_smoothing: float = 0.0,
        distillation_weight: float = 0.0,
    ):
        self.heads = tuple(heads)
        self.label_smoothing = label_smoothing
        self.distillation_weight = distillation_weight
        terms = [f"cross_entropy_{head}" for head in self.heads]
        self.terms = (*terms, "distillation") if distillation_weight else tuple(terms)

    def at(self, epoch: int) -> dict[str, float]:
        """The objective has no controls."""
        return {}

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        logits = model(clip_inputs(model, batch), training=True)
        # A filler's label is the blank; its weight is 0.
        classes = tf.maximum(batch["labels"][:, 0] - Vocabulary.FIRST_GLOSS_ID, 0)
        terms = {
            f"cross_entropy_{head}": cross_entropy(logits[head], classes, self.label_smoothing)
            for head in self.heads
        }
        loss = tf.add_n(list(terms.values()))
        if self.distillation_weight:
            steps = {head: logits[head][:, None] for head in self.heads}
            terms["distillation"] = distillation_loss(steps, tf.ones((tf.shape(classes)[0], 1)))
            loss += self.distillation_weight * terms["distillation"]
        return loss, terms


def cross_entropy(logits: tf.Tensor, classes: tf.Tensor, label_smoothing: float = 0.0):
    """Softmax cross-entropy of each clip in nats, `(batch,)` float32.

    Args:
        logits: `(batch, classes)`.
        classes: `(batch,)` integers.
        label_smoothing: fraction of the target that is spread evenly over all classes.

    >>> import numpy as np
    >>> from slr_keras.training.objectives.classification import cross_entropy
    >>> round(float(cross_entropy(np.zeros((1, 4), "float32"), [2])[0]), 4)
    1.3863
    """
    log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    own = -tf.gather(log_probabilities, classes, batch_dims=1)
    even = -tf.reduce_mean(log_probabilities, axis=-1)
    return (1.0 - label_smoothing) * own + label_smoothing * even
