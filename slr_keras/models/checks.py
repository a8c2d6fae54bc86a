"""Refusals of a model: arguments of its constructor, and inputs of a call."""

import keras

from slr_keras.utils.errors import UserError


class OptionError(ValueError):
    """A value of an argument that a model's constructor refuses; its message is for the user.

    Any other exception of a constructor is a fault of the model and keeps its traceback.
    """


def require(condition, message: str) -> None:
    """Refuse with a message; within a graph, when it runs.

    Args:
        condition: a Python truth value, or a tensor of one.
        message: what is wrong, and what to do.

    Raises:
        UserError: the condition does not hold. A graph raises TensorFlow's own error instead.

    >>> from slr_keras.models.checks import require
    >>> require(16 == 16, "the clips have another length")
    """
    if isinstance(condition, bool):
        if not condition:
            raise UserError(message)
        return
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if not tf.executing_eagerly():
        tf.debugging.Assert(condition, [message])
    elif not bool(condition):
        raise UserError(message)
