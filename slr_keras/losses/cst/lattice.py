r"""The lattice of conditional gloss decoding: forward and backward sums over its arcs.

A node (s, t) stands before step s with t glosses emitted. Each step takes exactly one arc: a blank
to (s+1, t) or the next gloss to (s+1, t+1); there are C(S, T) paths (specs/c2st.md §5.1).
"""

from typing import NamedTuple

import tensorflow as tf

from slr_keras.losses.cst.shapes import as_floating, check_shapes

# Stands for ln 0. Finite, so that no difference of two of them is NaN; sums over any number of
# steps stay within float32.
NEVER = -1e30


class Lattice(NamedTuple):
    """What `cgd_lattice` gives.

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
    r"""Sum over all paths, and the share of each arc in the sum (specs/c2st.md §5.2-5.5).

        a[s+1](t) = (a[s](t) + k[s](t)) (+) (a[s](t-1) + e[s](t-1)),   loss = -a[S](T)
        posterior of an arc of step s = exp(a[s] + arc + r[s+1] - c[s])

    with e the emission arcs, k the blank arcs, (+) = ln(exp + exp), r the same recursion from the
    end and c[s] the value that makes the posteriors of a step sum to 1. Rows are rescaled to a
    maximum of 0 at every step: the posteriors are good to 1e-5 in float32 however long the clip.

    The gradient of the loss is -emission posterior, -blank posterior; nothing else that is
    returned has a gradient.

    Args:
        emission: `(batch, steps, labels)`, ln probability of gloss t+1 at node (s, t).
        blank: `(batch, steps, labels+1)`, ln probability of the blank. Half precision is computed
            in float32; padding may hold anything.
        logit_lengths: `(batch,)` steps of each sample.
        label_lengths: `(batch,)` glosses of each sample; 0 is the all-blank path.
        zero_infinity: give a sample without a path a loss of 0 instead of infinity; its gradient
            is 0 either way.

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
    emission, blank = as_floating(emission), as_floating(blank)
    steps, glosses = tf.cast(logit_lengths, tf.int32), tf.cast(label_lengths, tf.int32)
    check_shapes(
        "cgd_lattice",
        {
            "emission": (emission, "batch steps labels"),
            "blank": (blank, "batch steps labels+1"),
            "logit_lengths": (steps, "batch"),
            "label_lengths": (glosses, "batch"),
        },
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
        # The identity steps at padding have posterior 1, which must reach no gradient.
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
    """Posterior probability of each node: `(batch, steps, labels+1)`; a step's sum is 1.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_lattice, occupancy
    >>> lattice = cgd_lattice(np.zeros((1, 2, 1)), np.zeros((1, 2, 2)), [2], [1])
    >>> occupancy(lattice).numpy().tolist()
    [[[1.0, 0.0], [0.5, 0.5]]]
    """
    return lattice.blank + tf.pad(lattice.emission, [[0, 0], [0, 0], [0, 1]])


def useful_arcs(emission, blank, steps, glosses) -> tuple[tf.Tensor, tf.Tensor]:
    """The arcs with `NEVER` off every full path and, at padding, a blank that costs nothing.

    An arc of step s is useful if t <= s and the steps left suffice for the glosses left; keeping
    the others out of the row maxima makes the rescaling tight (specs/c2st.md §5.3).
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
    # Seen from the end with t counted down, the backward sums are forward sums: both run as one.
    rows, tops = _recursion(
        tf.concat([blank, tf.reverse(blank, (0, 2))], 1),
        tf.concat([emission, tf.reverse(emission, (0, 2))], 1),
        tf.concat([tf.zeros_like(glosses), width - 1 - glosses], 0),
    )
    forward, backward = tf.split(rows, 2, axis=1)
    backward = tf.reverse(backward, (0, 2))
    stay = forward[:-1] + blank + backward[1:]
    move = forward[:-1, :, :-1] + emission + backward[1:, :, 1:]
    shares = tf.transpose(tf.nn.softmax(tf.concat([move, stay], -1)), (1, 0, 2))
    forward_top, backward_top = tf.split(tops, 2, axis=1)
    return _Sums(
        # The last row has one live node, whose rescaled value is 0.
        loss=tf.reduce_sum(forward_top, 0),
        emission=shares[:, :, : width - 1],
        blank=shares[:, :, width - 1 :],
        scores=(
            _absolute(forward, tf.cumsum(forward_top)),
            _absolute(backward, tf.cumsum(backward_top)[::-1], from_end=True),
        ),
    )


def _absolute(rows, offsets, from_end: bool = False) -> tf.Tensor:
    """Undo the rescaling and put the batch first."""
    start = tf.zeros_like(rows[:1, :, 0])
    offsets = tf.concat([offsets, start] if from_end else [start, offsets], 0)
    return tf.transpose(rows + offsets[:, :, None], (1, 0, 2))


def _recursion(stay, move, start) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows of sums, each with maximum 0, and the maxima taken off.

    Args:
        stay: `(steps, batch, nodes)`, the arc from each node to the same node.
        move: `(steps, batch, nodes-1)`, the arc from each node to the next.
        start: `(batch,)`, the node that every path leaves from.

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
