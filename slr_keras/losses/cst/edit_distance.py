"""Edit distances of batches of sequences, in TensorFlow graphs."""

import tensorflow as tf

from slr_keras.losses.cst.shapes import check_shapes


def edit_distance(hypotheses, hypothesis_lengths, references, reference_lengths) -> tf.Tensor:
    r"""Compute the edit distance (substitutions, insertions, deletions) of each hypothesis.

        d[i](j) = min over j' <= j of (j - j') + min(d[i-1](j') + 1, d[i-1](j'-1) + [h(i) != r(j')])

    Args:
        hypotheses: `(batch, hypotheses, length)` integers; padding is ignored.
        hypothesis_lengths: `(batch, hypotheses)`.
        references: `(batch, labels)` integers; padding is ignored.
        reference_lengths: `(batch,)`.

    Returns:
        `(batch, hypotheses)` int32.

    Raises:
        UserError: shapes that do not fit together.

    >>> from slr_keras.losses.cst import edit_distance
    >>> edit_distance([[[1, 2, 3], [2, 0, 0]]], [[3, 1]], [[1, 3]], [2]).numpy().tolist()
    [[1, 2]]
    """
    hypotheses, references = tf.cast(hypotheses, tf.int32), tf.cast(references, tf.int32)
    lengths = tf.cast(hypothesis_lengths, tf.int32)
    check_shapes(
        "edit_distance",
        {
            "hypotheses": (hypotheses, "batch hypotheses length"),
            "hypothesis_lengths": (lengths, "batch hypotheses"),
            "references": (references, "batch labels"),
            "reference_lengths": (tf.convert_to_tensor(reference_lengths), "batch"),
        },
    )
    width = tf.shape(references)[1] + 1
    j = tf.range(width)
    # Insertions lead to j from any j' before it.
    ahead = tf.where(j[:, None] >= j, j[:, None] - j, 2 * width + tf.shape(hypotheses)[2])
    first = tf.broadcast_to(j, tf.concat([tf.shape(lengths), [width]], 0))
    shape = lengths.shape.concatenate([None])

    def step(i, row):
        same = hypotheses[:, :, i, None] == references[:, None, :]
        replaced = row[:, :, :-1] + tf.where(same, 0, 1)
        best = tf.concat([row[:, :, :1] + 1, tf.minimum(row[:, :, 1:] + 1, replaced)], -1)
        best = tf.reduce_min(best[:, :, None, :] + ahead, -1)
        return i + 1, tf.where((i < lengths)[:, :, None], best, row)

    count = tf.shape(hypotheses)[2]
    _, row = tf.while_loop(
        lambda i, _: i < count,
        step,
        (0, first),
        shape_invariants=(tf.TensorShape([]), shape),
        maximum_iterations=count,
    )
    last = tf.cast(reference_lengths, tf.int32)[:, None] * tf.ones_like(lengths)
    return tf.gather(row, last, batch_dims=2)


def distinct_hypotheses(hypotheses, hypothesis_lengths, references, reference_lengths) -> tf.Tensor:
    """Return whether each hypothesis is its first occurrence and differs from the reference.

    Arguments as for `edit_distance`.

    Returns:
        `(batch, hypotheses)` booleans.

    >>> from slr_keras.losses.cst import distinct_hypotheses
    >>> sets = [[[1, 2], [1, 0], [1, 9]]]  # the last two are both (1)
    >>> distinct_hypotheses(sets, [[2, 1, 1]], [[1, 2]], [2]).numpy().tolist()
    [[False, True, False]]
    """
    hypotheses, references = tf.cast(hypotheses, tf.int32), tf.cast(references, tf.int32)
    lengths = tf.cast(hypothesis_lengths, tf.int32)
    count, cap = tf.shape(hypotheses)[1], tf.shape(hypotheses)[2]
    inside = tf.sequence_mask(lengths, cap)
    cleaned = tf.where(inside, hypotheses, -1)
    equal = tf.reduce_all(cleaned[:, :, None] == cleaned[:, None], -1)
    equal = tf.logical_and(equal, lengths[:, :, None] == lengths[:, None, :])
    earlier = tf.range(count)[:, None] > tf.range(count)
    repeated = tf.reduce_any(tf.logical_and(equal, earlier), -1)
    distance = edit_distance(hypotheses, lengths, references, reference_lengths)
    return tf.logical_and(tf.logical_not(repeated), distance > 0)
