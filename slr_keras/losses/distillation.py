"""Self-distillation: the ensemble of all heads teaches every head (docs/papers/stark.md §2.3)."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from slr_keras.utils.errors import UserError


def ensemble_log_probabilities(
    logits: Mapping[str, tf.Tensor], heads: Sequence[str] = ()
) -> tf.Tensor:
    """Compute the log of the mean probability over heads.

    Args:
        logits: maps head to logits `(batch, steps, classes)`.
        heads: heads to average; all by default.

    Returns:
        `(batch, steps, classes)`.

    Raises:
        UserError: an unknown head.

    >>> import numpy as np
    >>> from slr_keras.losses import ensemble_log_probabilities
    >>> both = {"fuse": np.zeros((1, 1, 2), "float32"), "body": np.zeros((1, 1, 2), "float32")}
    >>> [round(float(x), 4) for x in ensemble_log_probabilities(both)[0, 0]]
    [-0.6931, -0.6931]
    """
    unknown = [name for name in heads if name not in logits]
    if unknown:
        raise UserError(
            f"decoding.heads: the model has no head {unknown[0]!r}; it has {', '.join(logits)}"
        )
    chosen = [logits[name] for name in heads or logits]
    stacked = tf.stack([tf.nn.log_softmax(tf.cast(x, tf.float32)) for x in chosen])
    return tf.reduce_logsumexp(stacked, axis=0) - tf.math.log(float(len(chosen)))


def distillation_loss(logits: Mapping[str, tf.Tensor], mask) -> tf.Tensor:
    """Sum KL(teacher || head) over heads and steps.

    The teacher is the ensemble of all heads; no gradient flows into it.

    Args:
        logits: maps head to logits `(batch, steps, classes)`.
        mask: `(batch, steps)`, 1 on real steps and 0 on padding, which is not counted.

    Returns:
        `(batch,)` float32, in nats, summed over heads and steps.

    >>> import numpy as np
    >>> from slr_keras.losses import distillation_loss
    >>> same = np.random.default_rng(0).normal(size=(1, 3, 4)).astype("float32")
    >>> round(abs(float(distillation_loss({"fuse": same, "left": same}, np.ones((1, 3)))[0])), 5)
    0.0
    """
    if len(logits) == 1:
        return tf.zeros(tf.shape(next(iter(logits.values())))[:1])
    teacher_log = tf.stop_gradient(ensemble_log_probabilities(logits))
    teacher = tf.exp(teacher_log)
    mask = tf.cast(mask, tf.float32)
    total = 0.0
    for head in logits.values():
        student_log = tf.nn.log_softmax(tf.cast(head, tf.float32))
        divergence = tf.reduce_sum(teacher * (teacher_log - student_log), axis=-1)
        total += tf.reduce_sum(divergence * mask, axis=1)
    return total
