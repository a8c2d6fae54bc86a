"""Preparation of raw keypoints for batches of any size and length.

`export.lite.preparation` does the same for one clip of a fixed number of frames. The result equals
`KeypointContract.prepare` on the real frames of each clip.
"""

import tensorflow as tf

from export.common.keypoints import ClipOperations, gaps_filled, missing, normalised, selected
from slr_keras.data.contract import KeypointContract


def prepared(
    raw: tf.Tensor, lengths: tf.Tensor, places: tf.Tensor, contract: KeypointContract
) -> tf.Tensor:
    """Select points, find the missing ones, fill gaps, normalise; then take frames.

    Args:
        raw: `(batch, time, source points, source channels)` float32 in the coordinates of the
            files. A missing point is NaN, zero, or as the contract says. Frames beyond the length
            of a clip are ignored.
        lengths: `(batch,)` int32, real frames of each clip, 1 to time.
        places: `(batch, frames)` int32, indices of the frames to take from each clip.
        contract: of the run.

    Returns:
        `(batch, frames, points, channels)` float32, finite.

    >>> import tensorflow as tf
    >>> from export.graph.keypoints import prepared
    >>> from slr_keras.data.contract import contract
    >>> raw = tf.random.uniform((2, 8, 75, 4))
    >>> first = tf.zeros((2, 4), tf.int32)
    >>> prepared(raw, tf.constant([8, 3]), first, contract("mediapipe_75")).shape
    TensorShape([2, 4, 55, 3])
    """
    time = tf.range(tf.shape(raw)[1])
    real = (time < lengths[:, None])[..., None]
    channels = selected(raw, contract)
    lost = missing(channels, contract.score_threshold, contract) | ~real
    operations = _Batch()
    numbers = tf.cast(time, tf.float32)[:, None]
    channels = gaps_filled(channels, lost, numbers, contract.max_gap, contract, operations)
    points = tf.stack(normalised(channels, real, contract, operations), axis=-1)
    return tf.gather(points, places, batch_dims=1, axis=1)


class _Batch(ClipOperations):
    """Operations on channels `(batch, time, points)` whose batch and time are free."""

    def constant(self, value, like):
        """See `ClipOperations`."""
        return tf.constant(value)

    def shifted(self, track, frames, forward, edge):
        """See `ClipOperations`."""
        count = tf.shape(track[0])[1]
        padding = [[0, 0], [frames, 0] if forward else [0, frames], [0, 0]]
        first = 0 if forward else frames
        return [
            tf.pad(values, padding, constant_values=edge)[:, first : first + count]
            for values in track
        ]

    def flat(self, values):
        """See `ClipOperations`."""
        return tf.reshape(values, (tf.shape(values)[0], -1))

    def medians(self, values, mask):
        """See `ClipOperations`."""
        return [masked_median(rows, mask) for rows in values]

    def spread(self, value, axes):
        """See `ClipOperations`."""
        return value[(..., *[None] * axes)]


def masked_median(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """The median of each row over its own mask; 0 where the mask is empty.

    Args:
        values: `(rows, columns)`, finite.
        mask: `(rows, columns)` booleans.

    Returns:
        `(rows,)`.

    >>> import tensorflow as tf
    >>> from export.graph.keypoints import masked_median
    >>> values = tf.constant([[5.0, 1.0, 9.0, 3.0], [5.0, 1.0, 9.0, 3.0]])
    >>> mask = tf.constant([[True, True, False, True], [True, False, False, True]])
    >>> masked_median(values, mask).numpy()
    array([3., 4.], dtype=float32)
    """
    count = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
    ascending = tf.sort(tf.where(mask, values, values.dtype.max), axis=1)
    middle = tf.stack([tf.maximum(count - 1, 0) // 2, count // 2], axis=1)
    # Of an empty mask both are masked values.
    middle = tf.minimum(middle, tf.shape(values)[1] - 1)
    two = tf.gather(ascending, middle, batch_dims=1, axis=1)
    return tf.where(count > 0, (two[:, 0] + two[:, 1]) / 2, 0.0)
