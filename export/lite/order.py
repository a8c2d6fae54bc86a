"""Medians in TFLite operations."""

import tensorflow as tf


def masked_median(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """The median of each row over the columns of a mask; 0 where the mask is empty.

    TOPK_V2 sorts the larger half of the values, which is sufficient. The median of an even number
    of values is the mean of the two middle ones.

    Args:
        values: `(rows, columns)`, finite.
        mask: `(columns,)` booleans.

    Returns:
        `(rows,)`.

    >>> import tensorflow as tf
    >>> from export.lite.order import masked_median
    >>> values = tf.constant([[5.0, 1.0, 9.0, 3.0]])
    >>> masked_median(values, tf.constant([True, True, False, True])).numpy()
    array([3.], dtype=float32)
    >>> masked_median(values, tf.constant([True, False, False, True])).numpy()
    array([4.], dtype=float32)
    """
    columns = values.shape[1]
    count = tf.reduce_sum(tf.cast(mask, tf.float32))
    masked = tf.where(mask[None], values, values.dtype.min)
    descending = tf.math.top_k(masked, k=columns // 2 + 1).values
    # With n columns in the mask the two middle places are (n - 1) // 2 and n // 2.
    first = tf.floor((count - 1) / 2)
    place = tf.range(columns // 2 + 1, dtype=tf.float32)
    # A selection, not a product: masked values are too large to be multiplied.
    low = tf.reduce_sum(tf.where(place == first, descending, 0.0), axis=-1)
    high = tf.reduce_sum(tf.where(place == tf.floor(count / 2), descending, 0.0), axis=-1)
    return tf.where(count > 0, (low + high) / 2, 0.0)
