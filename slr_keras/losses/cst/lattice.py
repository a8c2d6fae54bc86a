r"""Lattice of conditional gloss decoding: forward and backward sums over its arcs.

Node (s, t) is the state before step s with t glosses emitted. Each step takes exactly one arc: a
blank to (s+1, t) or the next gloss to (s+1, t+1); there are C(S, T) paths
(docs/papers/c2st.md §5.1).
"""

from typing import NamedTuple

import tensorflow as tf

from slr_keras.losses.cst.shapes import as_floating, check_shapes

NEVER = -1e30
"""Represents ln 0. It is finite, so that the difference of two is not NaN, and sums over any number
of steps stay within float32."""


class Lattice(NamedTuple):
    """Result of `cgd_lattice`.

    Attributes:
        loss: `(batch,)`, -ln of the summed probability of all paths, in nats.
        emission: `(batch, steps, labels)`, posterior probability of emitting gloss t+1 at step s.
        blank: `(batch, steps, labels+1)`, posterior probability of a blank at node (s, t).
        scores: alpha and beta, each `(batch, steps+1, labels+1)`, in nats: ln of the summed
            probability of the partial paths into and out of each node that lies on a full path.
    """

    loss: tf.Tensor
    emission: tf.Tensor
    blank: tf.Tensor
    scores: tuple[tf.Tensor, tf.Tensor]


def cgd_lattice(
    emission, blank, logit_lengths, label_lengths, zero_infinity: bool = False
) -> Lattice:
    r"""Sum over all paths, and compute the posterior of each arc (docs/papers/c2st.md §5.2-5.5).

        a[s+1](t) = (a[s](t) + k[s](t)) (+) (a[s](t-1) + e[s](t-1)),   loss = -a[S](T)
        posterior of an arc of step s = exp(a[s] + arc + r[s+1] - c[s])

    with e the emission arcs, k the blank arcs, (+) = ln(exp + exp), r the same recursion from the
    end and c[s] the value that makes the posteriors of a step sum to 1. Rows are rescaled to a
    maximum of 0 at every step, so that posteriors are accurate to 1e-5 in float32 for clips of any
    length.

    The gradient of the loss is (-emission posterior, -blank posterior); the other results have no
    gradient.

    Args:
        emission: `(batch, steps, labels)`, ln probability of gloss t+1 at node (s, t).
        blank: `(batch, steps, labels+1)`, ln probability of the blank. Half precision is computed
            in float32; padding is ignored.
        logit_lengths: `(batch,)` steps of each sample.
        label_lengths: `(batch,)` glosses of each sample; 0 is the all-blank path.
        zero_infinity: give a sample without a path the loss 0 instead of infinity; its gradient
            is 0 in both cases.

    Returns:
        A `Lattice`; its posteriors are 0 at padding and in samples without a path.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_lattice
    >>> half = np.log(0.5)
    >>> lattice = cgd_lattice(np.full((1, 3, 1), half), np.full((1, 3, 2), half), [3], [1])
    >>> round(float(np.exp(-lattice.loss[0])), 4)  # 3 of 8 equally likely strings
    0.375
    >>> lattice.emission.numpy().round(4).ravel().tolist()
    [0.3333, 0.3333, 0.3333]
    """
    emission, blank, steps, glosses = checked_arcs(
        "cgd_lattice", emission, blank, logit_lengths, label_lengths
    )

    @tf.custom_gradient
    def sums(emission, blank):
        lattice = _sums(emission, blank, steps, glosses)
        loss = -lattice.loss
        impossible = tf.logical_or(glosses > steps, loss >= -NEVER / 2)
        without = tf.cast(0.0 if zero_infinity else float("inf"), loss.dtype)
        loss = tf.where(impossible, without, loss)
        here = tf.sequence_mask(steps, tf.shape(blank)[1])
        here = tf.logical_and(here, tf.logical_not(impossible)[:, None])[:, :, None]
        # The identity steps at padding have posterior 1, which must not enter the gradient.
        emitted = tf.where(here, lattice.emission, 0.0)
        blanks = tf.where(here, lattice.blank, 0.0)

        def gradient(upstream, *_):
            scale = -upstream[:, None, None]
            no_nan = tf.math.multiply_no_nan
            return no_nan(scale, emitted), no_nan(scale, blanks)

        return (loss, emitted, blanks, *lattice.scores), gradient

    loss, *held = sums(emission, blank)
    emitted, blanks, forward, backward = (tf.stop_gradient(x) for x in held)
    return Lattice(loss, emitted, blanks, (forward, backward))


def occupancy(lattice: Lattice) -> tf.Tensor:
    """Compute the posterior probability of each node, `(batch, steps, labels+1)`.

    The posteriors of a step sum to 1.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_lattice, occupancy
    >>> lattice = cgd_lattice(np.zeros((1, 2, 1)), np.zeros((1, 2, 2)), [2], [1])
    >>> occupancy(lattice).numpy().tolist()
    [[[1.0, 0.0], [0.5, 0.5]]]
    """
    return lattice.blank + tf.pad(lattice.emission, [[0, 0], [0, 0], [0, 1]])


def checked_arcs(
    caller: str, emission, blank, logit_lengths, label_lengths
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Check the arcs of a lattice; return them as floats, and the lengths as int32.

    Raises:
        UserError: shapes that do not fit together; the message begins with `caller`.

    >>> from slr_keras.losses.cst.lattice import checked_arcs
    >>> checked_arcs("f", [[[0.0]]], [[[0.0]]], [1], [1])
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: f: blank has shape (1, 1, 1); give (batch, steps, labels+1), \
where batch=1, labels=1, steps=1
    """
    emission, blank = as_floating(emission), as_floating(blank)
    steps, glosses = tf.cast(logit_lengths, tf.int32), tf.cast(label_lengths, tf.int32)
    check_shapes(
        caller,
        {
            "emission": (emission, "batch steps labels"),
            "blank": (blank, "batch steps labels+1"),
            "logit_lengths": (steps, "batch"),
            "label_lengths": (glosses, "batch"),
        },
    )
    return emission, blank, steps, glosses


def useful_arcs(emission, blank, steps, glosses) -> tuple[tf.Tensor, tf.Tensor]:
    """Set arcs that lie on no full path to `NEVER`, and the blank to 0 at padding.

    An arc of step s is useful if t <= s and the remaining steps suffice for the remaining glosses.
    Excluding the other arcs from the row maxima keeps the rescaling exact
    (docs/papers/c2st.md §5.3).
    """
    s = tf.range(tf.shape(blank)[1])[None, :, None]
    t = tf.range(tf.shape(blank)[2])[None, None, :]
    steps, glosses = steps[:, None, None], glosses[:, None, None]
    after = steps - s - 1
    reached = tf.logical_and(after >= 0, t <= s)
    stays = reached & (t <= glosses) & (glosses - t <= after)
    moves = (reached & (t < glosses) & (glosses - t - 1 <= after))[:, :, :-1]
    emission = tf.where(moves, tf.maximum(emission, NEVER), NEVER)
    outside = tf.cast(tf.where(after < 0, 0.0, NEVER), blank.dtype)
    return emission, tf.where(stays, tf.maximum(blank, NEVER), outside)


class _Sums(NamedTuple):
    loss: tf.Tensor
    emission: tf.Tensor
    blank: tf.Tensor
    scores: tuple[tf.Tensor, tf.Tensor]


def _sums(emission, blank, steps, glosses) -> _Sums:
    emission, blank = useful_arcs(emission, blank, steps, glosses)
    emission, blank = (tf.transpose(x, (1, 0, 2)) for x in (emission, blank))
    width = tf.shape(blank)[2]
    # Reversed in steps and in t, the backward sums are forward sums: one loop computes both.
    rows, tops = _recursion(
        tf.concat([blank, tf.reverse(blank, (0, 2))], 1),
        tf.concat([emission, tf.reverse(emission, (0, 2))], 1),
        tf.concat([tf.zeros_like(glosses), width - 1 - glosses], 0),
    )
    forward, backward = tf.split(rows, 2, axis=1)
    backward = tf.reverse(backward, (0, 2))
    stay = forward[:-1] + blank + backward[1:]
    move = forward[:-1, :, :-1] + emission + backward[1:, :, 1:]
    posteriors = tf.transpose(tf.nn.softmax(tf.concat([move, stay], -1)), (1, 0, 2))
    forward_top, backward_top = tf.split(tops, 2, axis=1)
    return _Sums(
        # The last row has one reachable node, whose rescaled value is 0.
        loss=tf.reduce_sum(forward_top, 0),
        emission=posteriors[:, :, : width - 1],
        blank=posteriors[:, :, width - 1 :],
        scores=(
            _absolute(forward, tf.cumsum(forward_top)),
            _absolute(backward, tf.cumsum(backward_top)[::-1], from_end=True),
        ),
    )


def _absolute(rows, offsets, from_end: bool = False) -> tf.Tensor:
    """Undo the rescaling and move the batch axis to the front."""
    start = tf.zeros_like(rows[:1, :, 0])
    offsets = tf.concat([offsets, start] if from_end else [start, offsets], 0)
    return tf.transpose(rows + offsets[:, :, None], (1, 0, 2))


def _recursion(stay, move, start) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute rows of sums, each rescaled to maximum 0, and the subtracted maxima.

    Args:
        stay: `(steps, batch, nodes)`, the arc from each node to the same node.
        move: `(steps, batch, nodes-1)`, the arc from each node to the next.
        start: `(batch,)`, the first node of every path.

    Returns:
        `(steps+1, batch, nodes)` and `(steps, batch)`.
    """
    count = tf.shape(stay)[0]
    start = tf.one_hot(start, tf.shape(stay)[2], on_value=0.0, off_value=NEVER, dtype=stay.dtype)
    start = tf.ensure_shape(start, stay.shape[1:])
    edge = tf.fill([tf.shape(stay)[1], 1], tf.cast(NEVER, stay.dtype))
    rows = tf.TensorArray(stay.dtype, count, element_shape=stay.shape[1:])
    tops = tf.TensorArray(stay.dtype, count, element_shape=stay.shape[1:2])

    def step(s, row, rows, tops):
        stayed = row + stay[s]
        moved = tf.concat([edge, row[:, :-1] + move[s]], 1)
        row = tf.maximum(stayed, moved) + tf.math.log1p(tf.exp(-tf.abs(stayed - moved)))
        top = tf.reduce_max(row, 1)
        row = tf.ensure_shape(row - top[:, None], stay.shape[1:])
        return s + 1, row, rows.write(s, row), tops.write(s, top)

    _, _, rows, tops = tf.while_loop(
        lambda s, *_: s < count, step, (0, start, rows, tops), maximum_iterations=count
    )
    return tf.concat([start[None], rows.stack()], 0), tops.stack()
