"""Functions of many rows in bounded memory: chunk by chunk, and with gradients by recomputation.

Loops of unknown length whose gradient is written out have no form in `keras.ops`: this file needs
TensorFlow.
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops


def over_chunks(function: Callable, rows: Sequence, chunk: int, width: int, dtype: str):
    """Apply a function to `chunk` rows at a time, one chunk after the other.

    Args:
        function: of one tensor with `chunk` rows for each of `rows`, to `(chunk, width)`.
        rows: tensors with the same number of rows, a multiple of `chunk`; it may be 0.
        chunk: rows at a time.
        width, dtype: of the function's result.

    Returns:
        `(rows, width)`.

    >>> from keras import ops
    >>> from slr_keras.models.backbones.chunks import over_chunks
    >>> over_chunks(lambda x: 2 * x, [ops.ones((6, 1))], 3, 1, "float32").shape
    TensorShape([6, 1])
    """
    import tensorflow as tf

    # keras.ops.map would run the function once more, only to learn the shape of its result.
    outputs = tf.map_fn(
        lambda pieces: function(*pieces),
        _pieces(rows, chunk),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((chunk, width), dtype),
    )
    return ops.reshape(outputs, (-1, width))


def over_chunks_recomputed(
    function: Callable,
    rows: Sequence,
    chunk: int,
    width: int,
    dtype: str,
    variables: Sequence[keras.Variable],
):
    """The same as `over_chunks`, with a gradient that keeps the activations of one chunk only.

    dL/dv = Σ_chunks (∂ function(chunk) / ∂v)ᵀ dL/d outputs(chunk), each chunk computed again.

    Args:
        function, rows, chunk, width, dtype: see `over_chunks`. The function must give the same
            result each time: it may draw no random numbers, nor assign to variables.
        variables: trainable ones that get a gradient; nothing else does, not even `rows`.
    """
    import tensorflow as tf

    sources = [variable.value for variable in variables]

    def gradients(upstream):
        pieces = [*_pieces(rows, chunk), ops.reshape(upstream, (-1, chunk, width))]

        def add(position, sums):
            *inputs, towards = (piece[position] for piece in pieces)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                outputs = function(*inputs)
            found = tape.gradient(
                outputs, sources, towards, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return position + 1, [total + part for total, part in zip(sums, found, strict=True)]

        count = ops.shape(pieces[-1])[0]
        start = (0, [tf.zeros_like(source) for source in sources])
        _, sums = tf.while_loop(
            lambda position, _: position < count, add, start, parallel_iterations=1
        )
        return (None, *sums)

    @tf.custom_gradient
    def with_gradient(outputs, *values):
        return tf.identity(outputs), gradients

    outputs = tf.stop_gradient(over_chunks(function, rows, chunk, width, dtype))
    if not sources:
        return outputs
    # Read here, the variables receive what `gradients` returns.
    return with_gradient(outputs, *(tf.convert_to_tensor(source) for source in sources))


def _pieces(rows: Sequence, chunk: int) -> list:
    return [ops.reshape(tensor, (-1, chunk, *tensor.shape[1:])) for tensor in rows]
