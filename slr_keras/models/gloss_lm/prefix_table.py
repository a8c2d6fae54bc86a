"""Vectors of prefixes, kept beside the graph: a frozen model computes each once (§3, Cache)."""

from collections.abc import Callable

import tensorflow as tf


class PrefixTable:
    """Vectors by prefix, found from within a TensorFlow graph.

    No Python runs when the graph does, whatever its devices. What came first stays: in training
    these are the prefixes of the references, which come again every epoch.

    Args:
        width: size of a vector.
        limit: prefixes kept.

    >>> import tensorflow as tf
    >>> from slr_keras.models.gloss_lm.prefix_table import PrefixTable
    >>> table = PrefixTable(width=1)
    >>> def sums(glosses, counts):
    ...     return tf.cast(tf.reduce_sum(glosses, 1, keepdims=True), tf.float32)
    >>> found = table.vectors(tf.constant([[3, 4], [5, 0], [3, 4]]), tf.constant([2, 1, 2]), sums)
    >>> found.numpy().tolist(), len(table)
    ([[7.0], [5.0], [7.0]], 2)
    """

    def __init__(self, width: int, limit: int = 65536):
        self.width = width
        self.limit = limit
        # The kernels of tables are the processor's.
        with tf.device("CPU:0"):
            self._table = tf.lookup.experimental.MutableHashTable(
                tf.string, tf.float32, default_value=tf.fill([width], float("nan"))
            )

    def __len__(self) -> int:
        return int(self._table.size())

    def vectors(self, glosses, counts, compute: Callable) -> tf.Tensor:
        """Vectors `(rows, width)` float32 of prefixes; only those that are new are computed.

        Args:
            glosses: `(rows, places)` int32.
            counts: `(rows,)`, how many of them are the prefix.
            compute: from such glosses and counts to vectors; no gradient flows through it.
        """
        names, place = tf.unique(_names(glosses, counts))
        first = tf.math.unsorted_segment_min(tf.range(tf.size(place)), place, tf.size(names))
        found = self._table.lookup(names)
        absent = tf.where(tf.math.is_nan(found[:, 0]))

        def completed():
            rows = tf.gather(first, absent[:, 0])
            new = compute(tf.gather(glosses, rows), tf.gather(counts, rows))
            new = tf.cast(tf.ensure_shape(new, [None, self.width]), tf.float32)
            room = tf.maximum(self.limit - self._table.size(), 0)
            kept = tf.gather(names, absent[:, 0])[:room]
            self._table.insert(kept, new[:room])
            return tf.tensor_scatter_nd_update(found, absent, new)

        found = tf.cond(tf.size(absent) > 0, completed, lambda: found)
        vectors = tf.stop_gradient(tf.gather(found, place))
        return tf.ensure_shape(vectors, [None, self.width])


def _names(glosses, counts) -> tf.Tensor:
    """A text `(rows,)` that only equal prefixes share."""
    words = tf.strings.as_string(glosses)
    real = tf.sequence_mask(counts, tf.shape(glosses)[1])
    return tf.strings.reduce_join(tf.where(real, words + " ", ""), axis=1)
