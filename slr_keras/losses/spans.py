"""Loss on sign spans: the steps inside a sign's span should name the sign."""

import tensorflow as tf

#: Fraction of a span, in its middle, whose steps are trained; the ends belong to transitions.
MIDDLE = 0.6


def span_loss(labels, spans, logits: tf.Tensor, stride: int, middle: float = MIDDLE) -> tf.Tensor:
    """Mean cross-entropy of the steps in the middle of each sign's span.

    Args:
        labels: `(batch, labels)` integers, padded with 0.
        spans: `(batch, labels, 2)` frames [start, end) of each label; start = end without a span.
        logits: `(batch, steps, classes)`.
        stride: frames per step; step s stands for the frame (s + 0.5) stride.
        middle: fraction of each span whose steps count.

    Returns:
        `(batch,)` float32 in nats; 0 for a clip without spans.

    >>> import numpy as np
    >>> from slr_keras.losses.spans import span_loss
    >>> logits = np.zeros((1, 4, 3), "float32")
    >>> round(float(span_loss([[1]], [[[0, 16]]], logits, stride=4)[0]), 4)
    1.0986
    """
    labels, spans = tf.convert_to_tensor(labels), tf.cast(spans, tf.float32)
    start, end = spans[:, None, :, 0], spans[:, None, :, 1]
    margin = (1 - middle) / 2 * (end - start)
    centres = (tf.range(tf.shape(logits)[1], dtype=tf.float32) + 0.5) * stride
    centres = centres[None, :, None]
    inside = tf.cast((centres >= start + margin) & (centres < end - margin), tf.float32)
    log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    # (batch, steps, labels): the log-probability of each of the clip's signs at each step.
    rows = tf.tile(labels[:, None], (1, tf.shape(logits)[1], 1))
    signs = tf.gather(log_probabilities, rows, batch_dims=2)
    total = tf.reduce_sum(inside * signs, axis=(1, 2))
    return -total / tf.maximum(tf.reduce_sum(inside, axis=(1, 2)), 1.0)
