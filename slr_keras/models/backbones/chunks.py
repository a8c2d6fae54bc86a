"""Apply functions to many rows chunk by chunk, with gradients by recomputation (checkpointing).

`keras.ops` has no loop of dynamic length with a custom gradient, so this module needs TensorFlow.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.checks import OptionError

Shape = tuple[int, ...]


def check_chunk(chunk: int, recompute: bool) -> None:
    """Refuse a number of frames per chunk that is negative, or 0 where chunks are recomputed.

    Raises:
        ValueError: the chunk does not fit.
    """
    if chunk < 0:
        raise OptionError(f"chunk must be 0 (all frames) or a number of frames; got {chunk}")
    if recompute and not chunk:
        raise OptionError("recompute saves memory only chunk by chunk; set chunk too")


def over_chunks(function: Callable, rows: Sequence, chunk: int, shape: Shape, dtype: str):
    """Apply a function to `chunk` rows at a time, one chunk after the other.

    Args:
        function: takes `chunk` rows of each tensor of `rows` and returns `(chunk, *shape)`.
        rows: tensors with the same number of rows, a multiple of `chunk` or 0.
        chunk: rows at a time.
        shape, dtype: of one row of the function's result.

    Returns:
        `(rows, *shape)`.

    >>> from keras import ops
    >>> from slr_keras.models.backbones.chunks import over_chunks
    >>> over_chunks(lambda x: 2 * x, [ops.ones((6, 1))], 3, (1,), "float32").shape
    TensorShape([6, 1])
    """
    import tensorflow as tf

    # keras.ops.map would run the function once more, only to learn the shape of its result.
    outputs = tf.map_fn(
        lambda pieces: function(*pieces),
        _pieces(rows, chunk),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec((chunk, *shape), dtype),
    )
    return ops.reshape(outputs, (-1, *shape))


def over_chunks_with_state(
    function: Callable, state: Any, rows, chunk: int, shape: Shape, dtype: str
):
    """Apply a function to `chunk` rows at a time, with a state that is passed from chunk to chunk.

    Args:
        function: takes the state, the index of the first row and `chunk` rows; returns the next
            state, of the same shapes, and `(chunk, *shape)`.
        state: the first state, a structure of tensors.
        rows: a tensor whose number of rows is a multiple of `chunk`.
        chunk: rows at a time.
        shape, dtype: of one row of the function's result.

    Returns:
        `(rows, *shape)`; the state of the last chunk is dropped.

    >>> from keras import ops
    >>> from slr_keras.models.backbones.chunks import over_chunks_with_state
    >>> rows = ops.reshape(ops.arange(6.0), (6, 1))
    >>> def add(total, first, piece):
    ...     return total + ops.sum(piece), piece + total
    >>> over_chunks_with_state(add, ops.zeros(()), rows, 3, (1,), "float32")[:, 0].numpy()
    array([0., 1., 2., 6., 7., 8.], dtype=float32)
    """
    import tensorflow as tf

    pieces = ops.reshape(rows, (-1, chunk, *rows.shape[1:]))
    count = ops.shape(pieces)[0]
    results = tf.TensorArray(dtype, count, element_shape=(chunk, *shape))

    def body(number, state, results):
        state, outputs = function(state, number * chunk, pieces[number])
        return number + 1, state, results.write(number, outputs)

    _, _, results = tf.while_loop(
        lambda number, *_: number < count, body, (0, state, results), parallel_iterations=1
    )
    return ops.reshape(results.stack(), (-1, *shape))


def over_chunks_recomputed(
    function: Callable,
    rows: Sequence,
    chunk: int,
    shape: Shape,
    dtype: str,
    variables: Sequence[keras.Variable],
    differentiable: int = 0,
):
    """`over_chunks` with a gradient that stores the activations of one chunk at a time.

    dL/dv = Σ_chunks (∂ function(chunk) / ∂v)ᵀ dL/d outputs(chunk), each chunk computed again.

    Args:
        function, rows, chunk, shape, dtype: see `over_chunks`. The function must be deterministic:
            it may neither draw random numbers nor assign to variables.
        variables: trainable variables that get a gradient.
        differentiable: number of tensors at the front of `rows` that get a gradient, too. Defaults
            to `0`.

    Returns:
        `(rows, *shape)`.
    """
    import tensorflow as tf

    sources = [variable.value for variable in variables]
    sources_of_rows = list(rows[:differentiable])

    def gradients(upstream):
        pieces = [*_pieces(rows, chunk), ops.reshape(upstream, (-1, chunk, *shape))]
        count = ops.shape(pieces[-1])[0]

        def add(position, sums, parts):
            *inputs, towards = (piece[position] for piece in pieces)
            watched = [*inputs[:differentiable], *sources]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(watched)
                outputs = function(*inputs)
            results = tape.gradient(
                outputs, watched, towards, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            for number in range(differentiable):
                parts[number] = parts[number].write(position, results[number])
            sums = [
                total + part for total, part in zip(sums, results[differentiable:], strict=True)
            ]
            return position + 1, sums, parts

        parts = [
            tf.TensorArray(row.dtype, count, element_shape=(chunk, *row.shape[1:]))
            for row in sources_of_rows
        ]
        start = (0, [tf.zeros_like(source) for source in sources], parts)
        _, sums, parts = tf.while_loop(
            lambda position, *_: position < count, add, start, parallel_iterations=1
        )
        towards_rows = [
            ops.reshape(part.stack(), (-1, *row.shape[1:]))
            for part, row in zip(parts, sources_of_rows, strict=True)
        ]
        return (None, *towards_rows, *sums)

    @tf.custom_gradient
    def with_gradient(outputs, *values):
        return tf.identity(outputs), gradients

    held = [tf.stop_gradient(row) for row in rows]
    outputs = tf.stop_gradient(over_chunks(function, held, chunk, shape, dtype))
    if not sources and not differentiable:
        return outputs
    # Read here, so that rows and variables receive the results of `gradients`.
    values = [tf.convert_to_tensor(source) for source in sources]
    return with_gradient(outputs, *sources_of_rows, *values)


def _pieces(rows: Sequence, chunk: int) -> list:
    return [ops.reshape(tensor, (-1, chunk, *tensor.shape[1:])) for tensor in rows]
