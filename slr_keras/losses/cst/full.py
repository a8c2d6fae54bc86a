"""Loss from logits at every node of the lattice."""

import tensorflow as tf

from slr_keras.losses.cst.lattice import cgd_lattice
from slr_keras.losses.cst.shapes import as_floating, check_shapes, clean_labels


def cgd_loss(
    logits,
    labels,
    logit_lengths,
    label_lengths,
    blank: int = 0,
    zero_infinity: bool = False,
) -> tf.Tensor:
    r"""Compute the negative log-likelihood of label sequences from node logits.

    See docs/papers/c2st.md §5.

        loss = -ln sum over paths z of prod over steps s of p(z[s] | s, t),  p = softmax(logits)
        d loss / d logit(s, t, v) = g p(v | s, t) - [v = blank] g_blank - [v = y(t+1)] g_emission

    with g the posteriors of node and arcs. The backward pass stores the logits and one number per
    node, not the log-softmax. For logits that are a sum of a part of (s, v) and a part of (t, v),
    `cgd_loss_additive` computes the same value from those parts many times faster.

    Args:
        logits: `(batch, steps, labels+1, classes)`, unnormalised. Half precision is computed in
            float32; padding is ignored.
        labels: `(batch, labels)` integers, none of them the blank; padding is ignored.
        logit_lengths: `(batch,)` steps of each sample.
        label_lengths: `(batch,)` labels of each sample; 0 is allowed.
        blank: class of the blank.
        zero_infinity: give a sample with more labels than steps the loss 0 instead of infinity;
            its gradient is 0 in both cases.

    Returns:
        `(batch,)` float32 (float64 for float64 logits), in nats, not divided by any length.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_loss
    >>> loss = cgd_loss(np.zeros((1, 3, 2, 4), "float32"), [[1]], [3], [1])
    >>> round(float(np.exp(-loss[0]) * 4**3), 3)  # 3 of 64 equally likely strings
    3.0
    """
    emission, stay = cgd_arcs(logits, labels, label_lengths, blank)
    return cgd_lattice(emission, stay, logit_lengths, label_lengths, zero_infinity).loss


def cgd_arcs(logits, labels, label_lengths, blank: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute log-probabilities of the lattice's arcs from node logits, for `cgd_lattice`.

    Args:
        logits: `(batch, steps, labels+1, classes)`, unnormalised.
        labels: `(batch, labels)` integers.
        label_lengths: `(batch,)`.
        blank: class of the blank.

    Returns:
        Emission `(batch, steps, labels)` and blank `(batch, steps, labels+1)`, in nats.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_arcs
    >>> emission, stay = cgd_arcs(np.zeros((1, 3, 2, 4), "float32"), [[1]], [1])
    >>> np.exp(emission).ravel().tolist(), stay.shape.as_list()
    ([0.25, 0.25, 0.25], [1, 3, 2])
    """
    logits = tf.convert_to_tensor(logits)
    labels = clean_labels(labels, label_lengths, blank)
    check_shapes(
        "cgd_arcs",
        {"labels": (labels, "batch labels"), "logits": (logits, "batch steps labels+1 classes")},
    )
    # The last node has no label to emit: the blank is a placeholder and is cut off below.
    following = tf.pad(labels, [[0, 0], [0, 1]], constant_values=blank)

    @tf.custom_gradient
    def arcs(logits):
        scores = as_floating(logits)
        place = tf.broadcast_to(following[:, None, :], tf.shape(logits)[:3])
        normaliser = tf.reduce_logsumexp(scores, -1)
        emission = tf.gather(scores, place, batch_dims=3) - normaliser
        stay = scores[..., blank] - normaliser

        def gradient(emission_up, stay_up):
            emission_up = tf.pad(emission_up, [[0, 0], [0, 0], [0, 1]])
            probability = tf.exp(as_floating(logits) - normaliser[..., None])
            # Padding may hold infinities, which must not become NaN.
            slope = tf.math.multiply_no_nan(probability, -(emission_up + stay_up)[..., None])
            return tf.cast(_added(slope, place, emission_up, blank, stay_up), logits.dtype)

        return (emission[:, :, :-1], stay), gradient

    return arcs(logits)


def _added(slope, place, emission, blank: int, stay) -> tf.Tensor:
    """Add the gradients of the label's class and of the blank to each node by one scatter."""
    batch, steps, nodes, _ = tf.unstack(tf.shape(slope))
    ranges = tf.meshgrid(tf.range(batch), tf.range(steps), tf.range(nodes), indexing="ij")
    classes = tf.stack([place, tf.fill(tf.shape(place), blank)], -1)
    where = tf.stack([*(tf.stack([x, x], -1) for x in ranges), classes], -1)
    return tf.tensor_scatter_nd_add(slope, where, tf.stack([emission, stay], -1))
