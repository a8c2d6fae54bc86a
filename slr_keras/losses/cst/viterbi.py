"""Best path through the lattice, and alignments of steps with prefixes."""

import tensorflow as tf

from slr_keras.losses.cst.lattice import NEVER, Lattice, checked_arcs, occupancy, useful_arcs
from slr_keras.losses.cst.shapes import check_shapes


def cgd_viterbi(emission, blank, logit_lengths, label_lengths) -> tuple[tf.Tensor, tf.Tensor]:
    """Find the most probable path: its log-probability, and the steps at which it emits.

    Of equally probable paths, the one that emits later at the last difference is returned.

    Args:
        emission: `(batch, steps, labels)`, ln probability of gloss t+1 at node (s, t).
        blank: `(batch, steps, labels+1)`, ln probability of the blank.
        logit_lengths: `(batch,)` steps of each sample.
        label_lengths: `(batch,)` glosses of each sample.

    Returns:
        `(batch,)` log-probabilities in nats, -infinity without a path; `(batch, labels)` int32
        steps in ascending order, -1 at padding and without a path. Neither has a gradient.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_viterbi
    >>> emission = np.log([[[0.1], [0.7], [0.2]]])
    >>> score, steps = cgd_viterbi(emission, np.zeros((1, 3, 2)), [3], [1])
    >>> steps.numpy().tolist(), round(float(np.exp(score[0])), 3)
    ([[1]], 0.7)
    """
    emission, blank, steps, glosses = checked_arcs(
        "cgd_viterbi", emission, blank, logit_lengths, label_lengths
    )
    arcs = useful_arcs(tf.stop_gradient(emission), tf.stop_gradient(blank), steps, glosses)
    move, stay = (tf.transpose(x, (1, 0, 2)) for x in arcs)
    last, moved = _best_rows(stay, move)
    score = tf.gather(last, glosses, batch_dims=1)
    possible = tf.logical_and(glosses <= steps, score > NEVER / 2)
    score = tf.where(possible, score, tf.cast(-float("inf"), score.dtype))
    nodes = tf.transpose(_trace_back(moved, glosses))
    # Gloss t is emitted at the last step that begins with t glosses.
    here = tf.sequence_mask(steps, tf.shape(nodes)[1])[:, :, None]
    t = tf.range(tf.shape(emission)[2])
    begun = tf.logical_and(nodes[:, :, None] <= t, here)
    emitted = tf.reduce_sum(tf.cast(begun, tf.int32), 1) - 1
    real = tf.logical_and(possible[:, None], t < glosses[:, None])
    return score, tf.where(real, emitted, -1)


def posterior_alignment(lattice: Lattice) -> tf.Tensor:
    """Return the most probable node of each step: `(batch, steps)` int32, glosses emitted so far.

        t*(s) = argmax over t of the occupancy of (s, t);  0 at padding (docs/papers/c2st.md §4)

    >>> import numpy as np
    >>> from slr_keras.losses.cst import cgd_lattice, posterior_alignment
    >>> emission = np.log([[[0.1], [0.7], [0.2]]])
    >>> lattice = cgd_lattice(emission, np.zeros((1, 3, 2)), [3], [1])
    >>> posterior_alignment(lattice).numpy().tolist()
    [[0, 0, 1]]
    """
    return tf.argmax(occupancy(lattice), -1, output_type=tf.int32)


def viterbi_alignment(emission_steps, logit_lengths, count=None) -> tf.Tensor:
    """Convert emission steps of a path to its nodes; 0 at padding.

    Args:
        emission_steps: `(batch, labels)` integers from `cgd_viterbi`.
        logit_lengths: `(batch,)` steps of each sample.
        count: number of steps of the result; the greatest length by default.

    Returns:
        `(batch, steps)` int32, the number of glosses emitted before each step.

    >>> from slr_keras.losses.cst import viterbi_alignment
    >>> viterbi_alignment([[1, 2, -1]], [4]).numpy().tolist()
    [[0, 0, 1, 2]]
    """
    emission_steps = tf.cast(emission_steps, tf.int32)
    count = tf.reduce_max(logit_lengths) if count is None else count
    s = tf.range(tf.cast(count, tf.int32))[None, :, None]
    emitted = emission_steps[:, None, :]
    before = tf.cast(tf.logical_and(emitted >= 0, emitted < s), tf.int32)
    here = tf.sequence_mask(logit_lengths, count, dtype=tf.int32)
    return tf.reduce_sum(before, -1) * here


def aligned_logits(visual, context, alignment) -> tf.Tensor:
    """Compute the logits of each step after its prefix in an alignment.

    See docs/papers/c2st.md §4, mode C.

        logits(s) = visual[s] + context[t*(s)]

    Args:
        visual: `(batch, steps, classes)`.
        context: `(batch, labels+1, classes)`.
        alignment: `(batch, steps)` integers, for example from `posterior_alignment`.

    Returns:
        `(batch, steps, classes)`.

    Raises:
        UserError: shapes that do not fit together.

    >>> import numpy as np
    >>> from slr_keras.losses.cst import aligned_logits
    >>> context = np.array([[[5.0], [7.0]]])
    >>> aligned_logits(np.zeros((1, 3, 1)), context, [[0, 0, 1]])[0, :, 0].numpy()
    array([5., 5., 7.])
    """
    visual, context = tf.convert_to_tensor(visual), tf.convert_to_tensor(context)
    alignment = tf.cast(alignment, tf.int32)
    check_shapes(
        "aligned_logits",
        {
            "visual": (visual, "batch steps classes"),
            "context": (context, "batch prefixes classes"),
            "alignment": (alignment, "batch steps"),
        },
    )
    return visual + tf.gather(context, alignment, batch_dims=1)


def _best_rows(stay, move) -> tuple[tf.Tensor, tf.Tensor]:
    """Last row of best scores, and `(steps, batch, nodes)` whether the best arc moved."""
    count, shape = tf.shape(stay)[0], stay.shape[1:]
    first = tf.one_hot(tf.zeros(tf.shape(stay)[1:2], tf.int32), tf.shape(stay)[2], 0.0, NEVER)
    first = tf.ensure_shape(tf.cast(first, stay.dtype), shape)
    edge = tf.fill([tf.shape(stay)[1], 1], tf.cast(2 * NEVER, stay.dtype))
    moves = tf.TensorArray(tf.bool, count, element_shape=shape)

    def step(s, row, moves):
        stayed = row + stay[s]
        moved = tf.concat([edge, row[:, :-1] + move[s]], 1)
        best = tf.ensure_shape(tf.maximum(stayed, moved), shape)
        return s + 1, best, moves.write(s, moved > stayed)

    _, last, moves = tf.while_loop(
        lambda s, *_: s < count, step, (0, first, moves), maximum_iterations=count
    )
    return last, moves.stack()


def _trace_back(moved, glosses) -> tf.Tensor:
    """Return `(steps, batch)` int32, the first node of each step on the path to `glosses`."""
    count = tf.shape(moved)[0]
    nodes = tf.TensorArray(tf.int32, count, element_shape=moved.shape[1:2])

    def step(s, node, nodes):
        node -= tf.cast(tf.gather(moved[s], node, batch_dims=1), tf.int32)
        node = tf.ensure_shape(tf.maximum(node, 0), moved.shape[1:2])
        return s - 1, node, nodes.write(s, node)

    start = tf.ensure_shape(glosses, moved.shape[1:2])
    _, _, nodes = tf.while_loop(
        lambda s, *_: s >= 0, step, (count - 1, start, nodes), maximum_iterations=count
    )
    return nodes.stack()
