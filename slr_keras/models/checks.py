"""Refusals of a model: arguments of its constructor, and inputs of a call."""

import keras

from slr_keras.utils.errors import UserError


class OptionError(ValueError):
    """A value of an argument that a model's constructor refuses; its message is for the user.

    Any other exception of a constructor is a fault of the model and keeps its traceback.
    """


def require(condition, message: str, values=None):
    """Refuse with a message; within a graph, when it runs.

    Args:
        condition: a Python truth value, or a tensor of one.
        message: what is wrong, and what to do.
        values: what is computed with if the condition holds. Within a graph operations run in any
            order, and another one may fail first; those on the returned values wait for the check.

    Returns:
        The values.

    Raises:
        UserError: the condition does not hold. A graph raises TensorFlow's own error instead.

    >>> from slr_keras.models.checks import require
    >>> require(16 == 16, "the clips have another length")
    """
    if isinstance(condition, bool):
        if not condition:
            raise UserError(message)
        return values
    if keras.backend.backend() != "tensorflow":
        return values
    import tensorflow as tf

    if not tf.executing_eagerly():
        check = tf.debugging.Assert(condition, [message])
        if values is not None:
            with tf.control_dependencies([check]):
                values = tf.identity(values)
    elif not bool(condition):
        raise UserError(message)
    return values
