"""Gradient checkpointing: recompute the activations of a stage in the backward pass."""

from collections.abc import Callable, Sequence

import keras

from slr_keras.models.layers import statistics_kept


def recomputed(function: Callable, inputs, variables: Sequence[keras.Variable]):
    """Apply a function whose gradient stores only the inputs and runs the function again.

    This saves memory within a graph. Running statistics are updated in the first run only.
    `keras.ops` has no custom gradients with variables, so this function needs TensorFlow. Call it
    where variables are not cast automatically.

    Args:
        function: from one tensor to one tensor, without random numbers.
        inputs: the tensor; it gets a gradient.
        variables: trainable variables that get a gradient, too.

    Returns:
        the result of the function.

    >>> import tensorflow as tf
    >>> from slr_keras.models.backbones.recompute import recomputed
    >>> x = tf.constant([3.0])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = recomputed(tf.square, x, [])
    >>> tape.gradient(y, x).numpy()
    array([6.], dtype=float32)
    """
    import tensorflow as tf

    sources = [variable.value for variable in variables]

    def gradients(upstream):
        # Not before the gradient arrives, or a graph would hold the activations until then.
        with tf.control_dependencies([upstream]), statistics_kept():
            again = tf.identity(inputs)
            watched = [again, *sources]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(watched)
                outputs = function(again)
            results = tape.gradient(
                outputs, watched, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
        return (None, *results)

    @tf.custom_gradient
    def with_gradient(outputs, inputs, *values):
        return tf.identity(outputs), gradients

    outputs = tf.stop_gradient(function(tf.stop_gradient(inputs)))
    # Read here, so that inputs and variables receive the results of `gradients`.
    return with_gradient(outputs, inputs, *(tf.convert_to_tensor(source) for source in sources))
