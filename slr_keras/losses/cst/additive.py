"""Loss from logits that are a sum of a visual part and a context part.

The `(steps, labels+1, classes)` tensor of the sums is never built: the normalisers are a matrix
product of exponentials over classes (docs/papers/c2st.md §5.6).
"""

import tensorflow as tf

from slr_keras.losses.cst.lattice import cgd_lattice
from slr_keras.losses.cst.normaliser import Normaliser
from slr_keras.losses.cst.shapes import as_floating, check_shapes, clean_labels


def cgd_loss_additive(
    visual,
    context,
    labels,
    logit_lengths,
    label_lengths,
    blank: int = 0,
    zero_infinity: bool = False,
) -> tf.Tensor:
    r"""Compute `cgd_loss` of logits(s, t) = visual[s] + context[t] without building the logits.

    Several label sequences per clip, such as the hypotheses of sequence-level calibration, use the
    same visual part: their contexts, labels and lengths have a second axis.

    On GPUs, TensorFlow multiplies float32 matrices in TensorFloat-32 unless
    `tf.config.experimental.enable_tensor_float_32_execution(False)`: about 3 digits instead of 7.

    Args:
        visual: `(batch, steps, classes)`, unnormalised. Half precision is computed in float32;
            padding is ignored.
        context: `(batch, labels+1, classes)`, row t for the prefix of t labels; or
            `(batch, sequences, labels+1, classes)`.
        labels: `(batch, labels)` integers, none of them the blank; or `(batch, sequences, labels)`.
        logit_lengths: `(batch,)` steps of each clip.
        label_lengths: `(batch,)` labels of each sequence; or `(batch, sequences)`.
        blank: class of the blank.
        zero_infinity: give a sequence with more labels than steps the loss 0 instead of
            infinity; its gradient is 0 in both cases.

    Returns:
        `(batch,)` or `(batch, sequences)` float32 (float64 for float64 input), in nats.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_loss_additive
    >>> visual, context = np.zeros((1, 3, 4), "float32"), np.zeros((1, 2, 4), "float32")
    >>> loss = cgd_loss_additive(visual, context, [[1]], [3], [1])
    >>> round(float(np.exp(-loss[0]) * 4**3), 3)
    3.0
    """
    emission, stay = cgd_arcs_additive(visual, context, labels, logit_lengths, label_lengths, blank)
    if emission.shape.rank == 3:
        return cgd_lattice(emission, stay, logit_lengths, label_lengths, zero_infinity).loss
    sequences = tf.shape(emission)[1]
    rows = [-1, *tf.unstack(tf.shape(stay)[2:])]
    stay = tf.reshape(stay, rows)
    emission = tf.reshape(emission, [*rows[:2], rows[2] - 1])
    steps = tf.repeat(tf.cast(logit_lengths, tf.int32), sequences)
    glosses = tf.reshape(label_lengths, [-1])
    loss = cgd_lattice(emission, stay, steps, glosses, zero_infinity).loss
    return tf.reshape(loss, [-1, sequences])


def cgd_arcs_additive(
    visual, context, labels, logit_lengths, label_lengths, blank: int = 0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute log-probabilities of the lattice's arcs from the two parts, for `cgd_lattice`.

    Arguments as for `cgd_loss_additive`.

    Returns:
        Emission `(batch, steps, labels)` and blank `(batch, steps, labels+1)`, in nats; or with
        several sequences `(batch, sequences, steps, labels)` and so on.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_arcs_additive
    >>> visual, context = np.zeros((1, 3, 4), "float32"), np.zeros((1, 2, 4), "float32")
    >>> emission, stay = cgd_arcs_additive(visual, context, [[1]], [3], [1])
    >>> np.exp(emission).round(6).ravel().tolist(), stay.shape.as_list()
    ([0.25, 0.25, 0.25], [1, 3, 2])
    """
    visual, context = tf.convert_to_tensor(visual), tf.convert_to_tensor(context)
    steps, glosses = tf.cast(logit_lengths, tf.int32), tf.cast(label_lengths, tf.int32)
    labels = clean_labels(labels, glosses, blank)
    several = context.shape.rank == 4
    sequences = "sequences " if several else ""
    check_shapes(
        "cgd_arcs_additive",
        {
            "visual": (visual, "batch steps classes"),
            "labels": (labels, f"batch {sequences}labels"),
            "context": (context, f"batch {sequences}labels+1 classes"),
            "logit_lengths": (steps, "batch"),
            "label_lengths": (glosses, f"batch {sequences}".strip()),
        },
    )
    if several:
        arcs = _arcs(visual, context, labels, steps, glosses, blank)
        return tuple(tf.transpose(x, (0, 2, 1, 3)) for x in arcs)
    arcs = _arcs(visual, context[:, None], labels[:, None], steps, glosses[:, None], blank)
    return tuple(tf.squeeze(x, 2) for x in arcs)


def _arcs(visual, context, labels, steps, glosses, blank: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Arcs `(batch, steps, sequences, ...)`, with the sequences of a clip on one axis."""
    batch, sequences, width, classes = tf.unstack(tf.shape(context))
    count = tf.shape(visual)[1]
    flat_labels = tf.reshape(labels, [batch, -1])
    here = tf.sequence_mask(steps, count)
    there = tf.reshape(tf.sequence_mask(glosses + 1, width), [batch, -1])
    grid = [batch, count, sequences, width]

    @tf.custom_gradient
    def arcs(visual, context):
        rows, columns = as_floating(visual), as_floating(context)
        columns = tf.reshape(columns, [batch, -1, classes])
        normaliser = Normaliser(rows, columns, here, there)
        stay = rows[..., blank, None] + columns[:, None, :, blank]
        emission = tf.gather(rows, flat_labels, axis=2, batch_dims=1)
        emission += tf.reshape(
            tf.gather(as_floating(context)[:, :, :-1], labels, batch_dims=3), [batch, 1, -1]
        )
        stay = tf.reshape(stay, grid)
        emission = tf.reshape(emission, [batch, count, sequences, width - 1])
        logs = tf.reshape(normaliser.value, grid)
        # A sum is no less than each of its terms: rounding must not give probabilities above 1.
        logs = tf.maximum(logs, stay)
        logs = tf.concat([tf.maximum(logs[..., :-1], emission), logs[..., -1:]], -1)

        def gradient(emission_up, stay_up):
            weights = -(tf.pad(emission_up, [[0, 0]] * 3 + [[0, 1]]) + stay_up)
            shape = [batch, count, -1]
            by_row, by_column = normaliser.gradient(
                tf.reshape(logs, shape), tf.reshape(weights, shape)
            )
            by_row = _added(
                by_row,
                tf.reshape(emission_up, shape),
                flat_labels,
                tf.reduce_sum(stay_up, (2, 3)),
                blank,
            )
            by_column = tf.reshape(by_column, tf.shape(context))
            by_column += _on_classes(
                tf.reduce_sum(emission_up, 1), labels, tf.reduce_sum(stay_up, 1), blank, classes
            )
            return tf.cast(by_row, visual.dtype), tf.cast(by_column, context.dtype)

        return (emission - logs[..., :-1], stay - logs), gradient

    return arcs(visual, context)


def _added(slope, emission, labels, stay, blank: int) -> tf.Tensor:
    """Add the gradients of the labels' classes and of the blank to `(batch, steps, classes)`.

    A scatter instead of a product with one-hot labels, which would double the work.
    """
    columns = tf.pad(labels, [[0, 0], [0, 1]], constant_values=blank)[:, None]
    received = tf.concat([emission, stay[..., None]], -1)
    shape = tf.shape(received)
    batch, steps, _ = tf.meshgrid(*(tf.range(size) for size in tf.unstack(shape)), indexing="ij")
    where = tf.stack([batch, steps, tf.broadcast_to(columns, shape)], -1)
    return tf.tensor_scatter_nd_add(slope, where, received)


def _on_classes(emission, labels, stay, blank: int, classes) -> tf.Tensor:
    """Gradient of each context row at its label and at the blank."""
    at = tf.range(classes)
    labels = tf.pad(labels, [[0, 0], [0, 0], [0, 1]], constant_values=blank)
    emission = tf.pad(emission, [[0, 0], [0, 0], [0, 1]])
    slope = tf.where(at == labels[..., None], emission[..., None], 0.0)
    return slope + tf.where(at == blank, stay[..., None], 0.0)
