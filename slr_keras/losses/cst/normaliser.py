"""Log normalisers of additive logits: ln sum over classes of exp(rows[s] + columns[t])."""

import tensorflow as tf

CHUNK = 256
"""Classes summed at once where a matrix product of exponentials would underflow."""


class Normaliser:
    r"""Log normalisers of every pair of a row and a column, and their gradient.

        value(s, t) = ln sum_v exp(rows[s, v] - max) exp(columns[t, v] - max) + both maxima

    The sum is a matrix product. Where the product is near underflow (logits with a standard
    deviation of 30 or more), values and gradient are computed from sums of logits, `CHUNK` classes
    at a time.

    Args:
        rows: `(batch, steps, classes)`, float32 or float64.
        columns: `(batch, prefixes, classes)`, of the same dtype.
        row_mask: `(batch, steps)` booleans; results of masked rows are finite but undefined.
        column_mask: `(batch, prefixes)` booleans.

    Attributes:
        value: `(batch, steps, prefixes)`, in nats.

    >>> import tensorflow as tf
    >>> from slr_keras.losses.cst.normaliser import Normaliser
    >>> mask = tf.ones((1, 2), tf.bool)
    >>> normaliser = Normaliser(tf.zeros((1, 2, 5)), tf.zeros((1, 2, 5)), mask, mask)
    >>> tf.exp(normaliser.value).numpy().round(3).tolist()
    [[[5.0, 5.0], [5.0, 5.0]]]
    """

    def __init__(self, rows, columns, row_mask, column_mask):
        self._rows, self._columns = rows, columns
        self._row_powers, row_tops = _powers(rows, row_mask)
        self._column_powers, column_tops = _powers(columns, column_mask)
        self._tops = row_tops[:, :, None] + column_tops[:, None, :]
        product = tf.matmul(self._row_powers, self._column_powers, transpose_b=True)
        # The error of terms below the smallest normal number is then less than 1e-10 per class.
        self._underflow = tf.reduce_min(product) < rows.dtype.as_numpy_dtype(_least(rows.dtype))
        self.value = tf.cond(
            self._underflow,
            lambda: _chunked_value(rows, columns),
            lambda: tf.math.log(product) + self._tops,
        )

    def gradient(self, value, upstream) -> tuple[tf.Tensor, tf.Tensor]:
        """Compute the gradients with respect to rows and columns.

        Args:
            value: `(batch, steps, prefixes)`, the normalisers as used (they may be clipped).
            upstream: `(batch, steps, prefixes)`; 0 at padding.
        """

        def product():
            weights = tf.math.multiply_no_nan(tf.exp(self._tops - value), upstream)
            by_row = self._row_powers * tf.matmul(weights, self._column_powers)
            by_column = tf.matmul(weights, self._row_powers, transpose_a=True)
            return by_row, self._column_powers * by_column

        return tf.cond(
            self._underflow,
            lambda: _chunked_gradient(self._rows, self._columns, value, upstream),
            product,
        )


def _least(dtype) -> float:
    return 1e10 * float(tf.experimental.numpy.finfo(dtype.as_numpy_dtype).tiny)


def _powers(logits, mask) -> tuple[tf.Tensor, tf.Tensor]:
    """Exponentials relative to each row's maximum (1 in padding rows), and the maxima."""
    tops = tf.reduce_max(logits, -1)
    return tf.where(mask[..., None], tf.exp(logits - tops[..., None]), 1.0), tops


def _chunks(logits) -> tf.Tensor:
    """`(chunks, batch, length, CHUNK)`, padded with classes of probability 0."""
    batch, length, classes = tf.unstack(tf.shape(logits))
    missing = -classes % CHUNK
    padded = tf.pad(logits, [[0, 0], [0, 0], [0, missing]], constant_values=-1e30)
    return tf.transpose(tf.reshape(padded, [batch, length, -1, CHUNK]), (2, 0, 1, 3))


def _chunked_value(rows, columns) -> tf.Tensor:
    def add(total, chunk):
        row, column = chunk
        part = tf.reduce_logsumexp(row[:, :, None, :] + column[:, None, :, :], -1)
        top = tf.maximum(total, part)
        return top + tf.math.log1p(tf.exp(-tf.abs(total - part)))

    nothing = tf.zeros_like(rows[:, :, :1]) + tf.zeros_like(columns[:, None, :, 0]) - 1e30
    return tf.foldl(add, (_chunks(rows), _chunks(columns)), initializer=nothing)


def _chunked_gradient(rows, columns, value, upstream) -> tuple[tf.Tensor, tf.Tensor]:
    def part(chunk):
        row, column = chunk
        probability = tf.exp(row[:, :, None, :] + column[:, None, :, :] - value[..., None])
        slope = tf.math.multiply_no_nan(probability, upstream[..., None])
        return tf.reduce_sum(slope, 2), tf.reduce_sum(slope, 1)

    parts = tf.map_fn(
        part,
        (_chunks(rows), _chunks(columns)),
        fn_output_signature=(rows.dtype, columns.dtype),
    )
    classes = tf.shape(rows)[2]
    by_row, by_column = (tf.transpose(x, (1, 2, 0, 3)) for x in parts)
    joined = (tf.reshape(x, tf.concat([tf.shape(x)[:2], [-1]], 0)) for x in (by_row, by_column))
    return tuple(x[..., :classes] for x in joined)
