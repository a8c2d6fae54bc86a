"""Cache of prefix vectors outside of the graph, for frozen models.

See docs/papers/c2st.md §3, Cache.
"""

from collections.abc import Callable

import tensorflow as tf


class PrefixTable:
    """Cache of vectors by prefix, for use within a TensorFlow graph.

    The graph runs without Python on any device. Entries are never replaced: in training, the first
    ones are the prefixes of the references, which return in every epoch.

    Args:
        width: size of a vector (hidden_dim).
        limit: maximum number of cached prefixes. Defaults to `65536`.

    >>> import tensorflow as tf
    >>> from slr_keras.models.gloss_lm.prefix_table import PrefixTable
    >>> table = PrefixTable(width=1)
    >>> def sums(glosses, counts):
    ...     return tf.cast(tf.reduce_sum(glosses, 1, keepdims=True), tf.float32)
    >>> vectors = table.vectors(tf.constant([[3, 4], [5, 0], [3, 4]]), tf.constant([2, 1, 2]), sums)
    >>> vectors.numpy().tolist(), len(table)
    ([[7.0], [5.0], [7.0]], 2)
    """

    def __init__(self, width: int, limit: int = 65536):
        self.width = width
        self.limit = limit
        # Hash tables have kernels for the CPU only.
        with tf.device("CPU:0"):
            self._table = tf.lookup.experimental.MutableHashTable(
                tf.string, tf.float32, default_value=tf.fill([width], float("nan"))
            )

    def __len__(self) -> int:
        return int(self._table.size())

    def vectors(self, glosses, counts, compute: Callable) -> tf.Tensor:
        """Vectors `(rows, width)` float32 of prefixes; only new prefixes are computed.

        Args:
            glosses: `(rows, places)` int32.
            counts: `(rows,)`, length of the prefix in each row.
            compute: from glosses and counts to vectors `(rows, width)`; gets no gradient.
        """
        names, place = tf.unique(_names(glosses, counts))
        first = tf.math.unsorted_segment_min(tf.range(tf.size(place)), place, tf.size(names))
        known = self._table.lookup(names)
        absent = tf.where(tf.math.is_nan(known[:, 0]))

        def completed():
            rows = tf.gather(first, absent[:, 0])
            new = compute(tf.gather(glosses, rows), tf.gather(counts, rows))
            new = tf.cast(tf.ensure_shape(new, [None, self.width]), tf.float32)
            room = tf.maximum(self.limit - self._table.size(), 0)
            kept = tf.gather(names, absent[:, 0])[:room]
            self._table.insert(kept, new[:room])
            return tf.tensor_scatter_nd_update(known, absent, new)

        distinct = tf.cond(tf.size(absent) > 0, completed, lambda: known)
        vectors = tf.stop_gradient(tf.gather(distinct, place))
        return tf.ensure_shape(vectors, [None, self.width])


def _names(glosses, counts) -> tf.Tensor:
    """A string `(rows,)` that identifies each prefix."""
    words = tf.strings.as_string(glosses)
    real = tf.sequence_mask(counts, tf.shape(glosses)[1])
    return tf.strings.reduce_join(tf.where(real, words + " ", ""), axis=1)
