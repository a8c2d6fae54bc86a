"""STARK's losses in JAX, equal to `slr_keras.losses.stark_losses`."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from keras import ops


def feasible(labels, label_lengths, logit_lengths):
    """Whether an alignment exists, `(batch,)`: steps >= labels + adjacent equal labels."""
    places = jnp.arange(labels.shape[1] - 1)
    inside = places < (label_lengths - 1)[:, None]
    repeats = jnp.sum((labels[:, 1:] == labels[:, :-1]) & inside, axis=1)
    return logit_lengths >= label_lengths + repeats


def ctc_loss(labels, logits, label_lengths, logit_lengths):
    """CTC loss in nats `(batch,)`, as `slr_keras.losses.ctc_loss`; 0 if no alignment exists."""
    possible = feasible(labels, label_lengths, logit_lengths)
    lengths = jnp.where(possible, label_lengths, 0)
    losses = ops.ctc_loss(labels, logits.astype("float32"), lengths, logit_lengths, mask_index=0)
    return jnp.where(possible, losses, 0.0)


def ensemble_log_probabilities(logits: Mapping[str, jax.Array]):
    """Log of the mean probability over heads, `(batch, steps, classes)`."""
    stacked = jnp.stack([jax.nn.log_softmax(x.astype("float32")) for x in logits.values()])
    return jax.nn.logsumexp(stacked, axis=0) - jnp.log(float(len(logits)))


def divergence(teacher_log, logits: Mapping[str, jax.Array], mask):
    """KL(teacher || head) summed over heads and real steps, in nats `(batch,)`."""
    teacher_log = jax.lax.stop_gradient(teacher_log)
    teacher = jnp.exp(teacher_log)
    total = 0.0
    for head in logits.values():
        student_log = jax.nn.log_softmax(head.astype("float32"))
        total += jnp.sum(jnp.sum(teacher * (teacher_log - student_log), axis=-1) * mask, axis=1)
    return total


def stark_losses(labels, logits: Mapping[str, jax.Array], label_lengths, logit_lengths):
    """Terms "ctc" and "distillation" of each clip, `(batch,)` each; docs/papers/stark.md §2.3."""
    ctc = sum(ctc_loss(labels, x, label_lengths, logit_lengths) for x in logits.values())
    if len(logits) == 1:
        return {"ctc": ctc, "distillation": jnp.zeros_like(ctc)}
    steps = next(iter(logits.values())).shape[1]
    mask = jnp.arange(steps) < logit_lengths[:, None]
    distillation = divergence(ensemble_log_probabilities(logits), logits, mask)
    return {"ctc": ctc, "distillation": jnp.where(ctc > 0, distillation, 0.0)}
