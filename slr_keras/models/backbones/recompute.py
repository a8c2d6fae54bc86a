"""Less memory in training: forget the activations of a stage, and compute them again."""

from collections.abc import Callable, Sequence

import keras

from slr_keras.models.layers import statistics_kept


def recomputed(function: Callable, inputs, variables: Sequence[keras.Variable]):
    """Apply a function, with a gradient that runs it once more and keeps only its inputs.

    It saves memory within a graph; running statistics are updated the first time only. A gradient
    that is written out has no form in `keras.ops`: this needs TensorFlow. Call it where variables
    are not cast automatically.

    Args:
        function: of one tensor to one tensor; it may draw no random numbers.
        inputs: the tensor.
        variables: trainable ones that get a gradient, as the inputs do; nothing else does.

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
        # Not before the gradient arrives: else a graph would keep what it computes for so long.
        with tf.control_dependencies([upstream]), statistics_kept():
            again = tf.identity(inputs)
            watched = [again, *sources]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(watched)
                outputs = function(again)
            found = tape.gradient(
                outputs, watched, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
        return (None, *found)

    @tf.custom_gradient
    def with_gradient(outputs, inputs, *values):
        return tf.identity(outputs), gradients

    outputs = tf.stop_gradient(function(tf.stop_gradient(inputs)))
    # Read here, inputs and variables receive what `gradients` returns.
    return with_gradient(outputs, inputs, *(tf.convert_to_tensor(source) for source in sources))
