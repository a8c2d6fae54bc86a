"""Connectionist temporal classification (CTC) per sample; infeasible samples have loss 0."""

import tensorflow as tf


def feasible(labels, label_lengths, logit_lengths) -> tf.Tensor:
    """Return whether an alignment exists: steps >= labels + adjacent equal labels.

    See docs/papers/stark.md §4.3.

    Args:
        labels: `(batch, labels)` integers; padding is ignored.
        label_lengths: `(batch,)`.
        logit_lengths: `(batch,)` steps.

    Returns:
        `(batch,)` booleans.

    >>> from slr_keras.losses import feasible
    >>> feasible([[1, 1], [1, 2]], [2, 2], [2, 2]).numpy()
    array([False,  True])
    """
    labels = tf.convert_to_tensor(labels)
    label_lengths = tf.cast(label_lengths, tf.int32)
    inside = tf.sequence_mask(label_lengths - 1, tf.shape(labels)[1] - 1)
    repeats = tf.logical_and(labels[:, 1:] == labels[:, :-1], inside)
    needed = label_lengths + tf.reduce_sum(tf.cast(repeats, tf.int32), axis=1)
    return tf.cast(logit_lengths, tf.int32) >= needed


def ctc_loss(labels, logits, label_lengths, logit_lengths) -> tf.Tensor:
    """Compute the CTC negative log-likelihood of each label sequence; blank is class 0.

    An infeasible sample has loss 0 and gradient 0, as with PyTorch's `zero_infinity`.
    (TensorFlow alone gives it a loss of about 700 and nonzero gradients.)

    Args:
        labels: `(batch, labels)` integers, padded with 0.
        logits: `(batch, steps, classes)`, unnormalised.
        label_lengths: `(batch,)`.
        logit_lengths: `(batch,)` steps.

    Returns:
        `(batch,)` float32, in nats.

    >>> import numpy as np
    >>> from slr_keras.losses import ctc_loss
    >>> loss = ctc_loss([[1]], np.zeros((1, 1, 2), "float32"), [1], [1])
    >>> round(float(loss[0]), 4)
    0.6931
    """
    labels = tf.cast(labels, tf.int32)
    logits = tf.cast(logits, tf.float32)
    possible = feasible(labels, label_lengths, logit_lengths)
    losses = tf.nn.ctc_loss(
        labels=labels,
        logits=logits,
        # An empty label sequence has a finite loss and finite gradients.
        label_length=tf.where(possible, tf.cast(label_lengths, tf.int32), 0),
        logit_length=tf.cast(logit_lengths, tf.int32),
        logits_time_major=False,
        blank_index=0,
    )
    return tf.where(possible, losses, 0.0)
