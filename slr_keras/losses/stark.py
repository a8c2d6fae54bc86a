"""Training objective of STARK: CTC of every head and self-distillation.

See docs/papers/stark.md §2.3.
"""

from collections.abc import Mapping

import tensorflow as tf

from slr_keras.losses.ctc import ctc_loss
from slr_keras.losses.distillation import distillation_loss


def stark_losses(
    labels, logits: Mapping[str, tf.Tensor], label_lengths, logit_lengths
) -> dict[str, tf.Tensor]:
    """Compute the terms of the objective for each sample.

    Args:
        labels: `(batch, labels)` integers, padded with 0.
        logits: maps head to logits `(batch, steps, classes)`.
        label_lengths: `(batch,)`.
        logit_lengths: `(batch,)` steps.

    Returns:
        `"ctc"`, summed over heads, and `"distillation"`, each `(batch,)`, in nats. Both are 0 for
        a sample without a feasible CTC alignment.

    >>> import numpy as np
    >>> from slr_keras.losses import stark_losses
    >>> terms = stark_losses([[1]], {"fuse": np.zeros((1, 2, 3), "float32")}, [1], [2])
    >>> sorted(terms)
    ['ctc', 'distillation']
    """
    heads = len(logits)
    stacked = tf.concat([tf.cast(x, tf.float32) for x in logits.values()], axis=0)
    # One call for all heads, because the recursion over steps has an overhead per call.
    losses = ctc_loss(
        tf.tile(labels, (heads, 1)),
        stacked,
        tf.tile(label_lengths, (heads,)),
        tf.tile(logit_lengths, (heads,)),
    )
    ctc = tf.reduce_sum(tf.reshape(losses, (heads, -1)), axis=0)
    steps = tf.shape(stacked)[1]
    mask = tf.sequence_mask(logit_lengths, steps, dtype=tf.float32)
    distillation = distillation_loss(logits, mask)
    return {"ctc": ctc, "distillation": tf.where(ctc > 0, distillation, 0.0)}
