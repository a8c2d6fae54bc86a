r"""Sequence-level calibration: rewards probable sequences with few errors (docs/papers/c2st.md §6).

Eq. 10 divides each sequence's probability by its edit distance (ED) to the reference. Here the
reward is smoothed, R = 1/(1+ED), and the sum runs over a set H of hypotheses and the reference,
each with its probability summed over all alignments.
"""

from typing import NamedTuple

import tensorflow as tf

from slr_keras.losses.cst.edit_distance import distinct_hypotheses, edit_distance
from slr_keras.losses.cst.lattice import NEVER
from slr_keras.losses.cst.shapes import as_floating, check_shapes
from slr_keras.utils.errors import UserError

FORMS = ("renormalised", "literal", "mwer")
REWARDS = ("inv", "exp")


class HypothesisSet(NamedTuple):
    """The reference and the distinct hypotheses of each sample, reference first.

    Attributes:
        scores: `(batch, 1+hypotheses)`, ln probability, in nats; a large negative number where
            `members` is False.
        distances: `(batch, 1+hypotheses)`, edit distance to the reference, of the dtype of scores.
        members: `(batch, 1+hypotheses)` booleans, which sequences belong to the set.
    """

    scores: tf.Tensor
    distances: tf.Tensor
    members: tf.Tensor


def hypothesis_set(
    reference_losses, hypothesis_losses, hypotheses, hypothesis_lengths, labels, label_lengths
) -> HypothesisSet:
    """Join the reference and the distinct hypotheses; sequences without an alignment are left out.

    Args:
        reference_losses: `(batch,)`, `cgd_loss` of the labels, infinite without an alignment.
        hypothesis_losses: `(batch, hypotheses)`, `cgd_loss` of each hypothesis with the contexts
            of its own prefixes, infinite without an alignment (not `zero_infinity`).
        hypotheses: `(batch, hypotheses, length)` integers; padding is ignored.
        hypothesis_lengths: `(batch, hypotheses)`.
        labels: `(batch, labels)` integers; padding is ignored.
        label_lengths: `(batch,)`.

    Raises:
        UserError: shapes that do not fit together.

    >>> from slr_keras.losses.cst import hypothesis_set
    >>> joined = hypothesis_set([0.7], [[0.7, 2.0]], [[[1, 2], [2, 0]]], [[2, 1]], [[1, 2]], [2])
    >>> joined.members.numpy().tolist(), joined.distances.numpy().tolist()
    ([[True, False, True]], [[0.0, 0.0, 1.0]])
    """
    references, others = as_floating(reference_losses), as_floating(hypothesis_losses)
    check_shapes(
        "hypothesis_set",
        {
            "reference_losses": (references, "batch"),
            "hypothesis_losses": (others, "batch hypotheses"),
            "hypotheses": (tf.convert_to_tensor(hypotheses), "batch hypotheses length"),
        },
    )
    sequences = (hypotheses, hypothesis_lengths, labels, label_lengths)
    distances = tf.cast(edit_distance(*sequences), others.dtype)
    losses = tf.concat([references[:, None], others], 1)
    new = tf.pad(distinct_hypotheses(*sequences), [[0, 0], [1, 0]], constant_values=True)
    members = tf.logical_and(new, losses < -NEVER / 2)
    # The unused branch of the outer `where` must be finite, or its gradient is NaN.
    scores = tf.where(members, -tf.where(members, losses, 0.0), NEVER)
    return HypothesisSet(scores, tf.pad(distances, [[0, 0], [1, 0]]), members)


def log_reward(distances, reward: str = "inv", temperature: float = 1.0) -> tf.Tensor:
    """Compute ln R of edit distances: -ln(1 + ED) for "inv", -ED / temperature for "exp".

    Raises:
        UserError: unknown reward, or a temperature that is not positive.

    >>> from slr_keras.losses.cst import log_reward
    >>> log_reward([0.0, 2.0], "exp", 4.0).numpy().tolist()
    [-0.0, -0.5]
    """
    _choice("reward", reward, REWARDS)
    if not temperature > 0:
        raise UserError(f"log_reward: temperature is {temperature}; give a number above 0")
    distances = as_floating(distances)
    return -tf.math.log1p(distances) if reward == "inv" else -distances / temperature


def calibration_loss(
    hypotheses: HypothesisSet,
    form: str = "renormalised",
    reward: str = "inv",
    temperature: float = 1.0,
) -> tf.Tensor:
    r"""Compute the calibration term alone (docs/papers/c2st.md §6.2).

        literal        -ln sum_h P(h) R(h)
        renormalised   -ln (sum_h P(h) R(h) / sum_h P(h))
        mwer           sum_h p(h) (ED(h) - mean ED),  p = P / sum_h P

    Minimised alone, the literal form moves all probability into the set, whether its sequences are
    right or wrong, and collapses to blanks; the other forms only move probability within the set.

    Args:
        hypotheses: from `hypothesis_set`.
        form: one of `FORMS`.
        reward: "inv" or "exp", see `log_reward`; unused by "mwer".
        temperature: of the reward "exp", in edits.

    Returns:
        `(batch,)`, in nats ("mwer": in edits); 0 with no gradient where the reference has no
        alignment.

    Raises:
        UserError: an unknown form or reward.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import calibration_loss, hypothesis_set
    >>> half = np.log([2.0])  # two sequences of probability 1/2, with 0 and 1 errors
    >>> joined = hypothesis_set(half, half[None], [[[2]]], [[1]], [[1]], [1])
    >>> round(float(np.exp(-calibration_loss(joined)[0])), 4)
    0.75
    """
    _choice("form", form, FORMS)
    scores, distances, members = hypotheses
    if form == "mwer":
        weight = tf.cast(members, scores.dtype)
        mean = tf.math.divide_no_nan(tf.reduce_sum(weight * distances, 1), tf.reduce_sum(weight, 1))
        term = tf.reduce_sum(tf.nn.softmax(scores) * (distances - mean[:, None]) * weight, 1)
    else:
        rewarded = scores + tf.cast(log_reward(distances, reward, temperature), scores.dtype)
        term = -tf.reduce_logsumexp(rewarded, 1)
        if form == "renormalised":
            term += tf.reduce_logsumexp(scores, 1)
    return tf.where(members[:, 0], term, 0.0)


def cst_loss(
    reference_losses,
    hypothesis_losses,
    hypotheses,
    hypothesis_lengths,
    labels,
    label_lengths,
    weight: float = 1.0,
    form: str = "renormalised",
    reward: str = "inv",
    temperature: float = 1.0,
    zero_infinity: bool = False,
) -> tf.Tensor:
    r"""Compute the training objective: L_CGD + weight * calibration term.

    See docs/papers/c2st.md §6.2.

    Args:
        reference_losses, hypothesis_losses, hypotheses, hypothesis_lengths, labels,
        label_lengths: as for `hypothesis_set`.
        weight: factor of the calibration term.
        form, reward, temperature: as for `calibration_loss`.
        zero_infinity: give a sample whose reference has no alignment the loss 0 instead of
            infinity.

    Returns:
        `(batch,)`, in nats.

    Raises:
        UserError: unknown form or reward, or shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cst_loss
    >>> half = np.log([2.0])
    >>> loss = cst_loss(half, half[None], [[[2]]], [[1]], [[1]], [1])
    >>> round(float(np.exp(-loss[0])), 4)  # 0.5 * 0.75
    0.375
    """
    joined = hypothesis_set(
        reference_losses, hypothesis_losses, hypotheses, hypothesis_lengths, labels, label_lengths
    )
    references = as_floating(reference_losses)
    if zero_infinity:
        references = tf.where(joined.members[:, 0], references, 0.0)
    return references + weight * calibration_loss(joined, form, reward, temperature)


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"calibration: {name} is {value!r}; give one of {', '.join(known)}")
