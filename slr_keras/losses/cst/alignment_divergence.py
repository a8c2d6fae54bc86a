r"""Divergence of the chunk level from the video level at a high temperature.

See docs/papers/c2st.md §7.

Every form is T^2 times the mean of KL(video || chunk) over the real steps of a sample. Logits are
divided by T, the blank is removed before the softmax, and no gradient flows into the video level.
"""

import tensorflow as tf

from slr_keras.losses.cst.normaliser import Normaliser
from slr_keras.losses.cst.shapes import as_floating, check_shapes
from slr_keras.losses.cst.viterbi import aligned_logits

TEMPERATURE = 8.0
"""Softmax temperature T, as in VAC."""


def visual_divergence(
    teacher,
    student,
    logit_lengths,
    temperature: float = TEMPERATURE,
    blank: int | None = 0,
) -> tf.Tensor:
    """Compute the divergence of two sequences of logits, as in VAC.

    Args:
        teacher: `(batch, steps, classes)` logits of the video level, without gradient.
        student: `(batch, steps, classes)` logits of the chunk level.
        logit_lengths: `(batch,)` steps of each sample; padding is ignored.
        temperature: T.
        blank: class removed before the softmax; None keeps all.

    Returns:
        `(batch,)`, in nats times T^2; 0 for a sample of no steps.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import visual_divergence
    >>> logits = np.random.default_rng(0).normal(size=(1, 3, 5))
    >>> round(abs(float(visual_divergence(logits, logits + 1, [3])[0])), 9)  # shift-invariant
    0.0
    """
    teacher, student = as_floating(teacher), as_floating(student)
    check_shapes(
        "visual_divergence",
        {
            "teacher": (teacher, "batch steps classes"),
            "student": (student, "batch steps classes"),
            "logit_lengths": (tf.convert_to_tensor(logit_lengths), "batch"),
        },
    )
    mask = tf.sequence_mask(logit_lengths, tf.shape(teacher)[1])
    teacher = _prepared(tf.stop_gradient(teacher), mask, temperature, blank)
    student = _prepared(student, mask, temperature, blank)
    teacher_log, student_log = tf.nn.log_softmax(teacher), tf.nn.log_softmax(student)
    divergence = tf.reduce_sum(tf.exp(teacher_log) * (teacher_log - student_log), -1)
    return _mean(divergence, logit_lengths, temperature)


def aligned_divergence(
    teacher,
    teacher_context,
    student,
    student_context,
    alignment,
    logit_lengths,
    temperature: float = TEMPERATURE,
    blank: int | None = 0,
) -> tf.Tensor:
    """Compute the divergence of the logits after the prefixes of an alignment (training default).

    Args:
        teacher, student: `(batch, steps, classes)` visual logits; the teacher has no gradient.
        teacher_context, student_context: `(batch, labels+1, classes)`.
        alignment: `(batch, steps)` integers, the `posterior_alignment` of the video level.

    Other arguments, result and errors as for `visual_divergence`.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import aligned_divergence
    >>> visual, context = np.zeros((1, 3, 4)), np.ones((1, 2, 4))
    >>> float(aligned_divergence(visual, context, visual, context, [[0, 1, 1]], [3])[0])
    0.0
    """
    return visual_divergence(
        aligned_logits(teacher, teacher_context, alignment),
        aligned_logits(student, student_context, alignment),
        logit_lengths,
        temperature,
        blank,
    )


def lattice_divergence(
    teacher,
    teacher_context,
    student,
    student_context,
    node_posteriors,
    logit_lengths,
    temperature: float = TEMPERATURE,
    blank: int | None = 0,
) -> tf.Tensor:
    r"""Compute the divergence at every node, weighted by the node's posterior of the video level.

        sum_v p (ln p - ln q) = [(EA DA) EC' + EA (EC DC)'] / D - ln Zp + ln Zq,   D = EA EC'

    with EA, EC the exponentials of the teacher's parts and DA, DC the teacher's parts minus the
    student's; no (steps, labels+1, classes) tensor is built.

    Args:
        node_posteriors: `(batch, steps, labels+1)`, `occupancy` of the video level's lattice.

    Other arguments, result and errors as for `aligned_divergence`.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import lattice_divergence
    >>> visual, context, nodes = np.ones((1, 3, 4)), np.ones((1, 2, 4)), np.full((1, 3, 2), 0.5)
    >>> round(abs(float(lattice_divergence(visual, context, visual, context, nodes, [3])[0])), 9)
    0.0
    """
    parts = [as_floating(x) for x in (teacher, teacher_context, student, student_context)]
    posteriors = tf.stop_gradient(tf.cast(node_posteriors, parts[0].dtype))
    names = ("teacher", "teacher_context", "student", "student_context")
    shapes = ("batch steps classes", "batch prefixes classes") * 2
    check_shapes(
        "lattice_divergence",
        {
            **{name: (part, shape) for name, part, shape in zip(names, parts, shapes)},
            "node_posteriors": (posteriors, "batch steps prefixes"),
            "logit_lengths": (tf.convert_to_tensor(logit_lengths), "batch"),
        },
    )
    steps = tf.sequence_mask(logit_lengths, tf.shape(parts[0])[1])
    # A prefix with posterior 0 at every step is padding or does not contribute.
    prefixes = tf.reduce_any(posteriors > 0, 1)
    masks = (steps, prefixes, steps, prefixes)
    rows, columns, student_rows, student_columns = (
        _prepared(x, mask, temperature, blank) for x, mask in zip(parts, masks)
    )
    rows, columns = tf.stop_gradient(rows), tf.stop_gradient(columns)
    teacher_log = log_normaliser(rows, columns)
    row_power, column_power = tf.exp(rows), tf.exp(columns)
    expected = tf.matmul(row_power * (rows - student_rows), column_power, transpose_b=True)
    expected += tf.matmul(row_power, column_power * (columns - student_columns), transpose_b=True)
    expected *= tf.exp(-teacher_log)
    divergence = expected - teacher_log + log_normaliser(student_rows, student_columns)
    return _mean(tf.reduce_sum(posteriors * divergence, -1), logit_lengths, temperature)


def log_normaliser(rows, columns) -> tf.Tensor:
    """Compute ln sum over classes of exp(rows[s] + columns[t]), with its gradient.

    Args:
        rows: `(batch, steps, classes)`, finite.
        columns: `(batch, prefixes, classes)`, finite, of the same dtype.

    Returns:
        `(batch, steps, prefixes)`, in nats.

    >>> import tensorflow as tf
    >>> from slr_keras.losses.cst import log_normaliser
    >>> round(float(tf.exp(log_normaliser(tf.zeros((1, 1, 5)), tf.zeros((1, 1, 5))))[0, 0, 0]), 4)
    5.0
    """

    @tf.custom_gradient
    def normaliser(rows, columns):
        masks = [tf.ones(tf.shape(x)[:2], tf.bool) for x in (rows, columns)]
        sums = Normaliser(rows, columns, *masks)
        return sums.value, lambda upstream: sums.gradient(sums.value, upstream)

    return normaliser(rows, columns)


def _prepared(logits, mask, temperature: float, blank: int | None) -> tf.Tensor:
    """Logits / T without the blank, with row maximum 0; 0 where masked."""
    if blank is not None:
        logits = tf.concat([logits[..., :blank], logits[..., blank + 1 :]], -1)
    logits = tf.where(mask[..., None], logits, 0.0) / temperature
    return logits - tf.stop_gradient(tf.reduce_max(logits, -1, keepdims=True))


def _mean(divergence, logit_lengths, temperature: float) -> tf.Tensor:
    count = tf.cast(logit_lengths, divergence.dtype)
    mask = tf.sequence_mask(logit_lengths, tf.shape(divergence)[1], dtype=divergence.dtype)
    total = tf.reduce_sum(divergence * mask, 1)
    return temperature**2 * tf.math.divide_no_nan(total, count)
