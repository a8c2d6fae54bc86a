"""Preparation of the raw points of one clip, in TFLite operations.

The result equals `KeypointContract.prepare` on the real frames of a clip. The number of frames T is
fixed, there are no loops, and no tensor has more than four axes: a phone passes the output of its
detector directly.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from export.common.keypoints import (
    Channels,
    ClipOperations,
    gaps_filled,
    missing,
    normalised,
    selected,
)
from export.lite.order import masked_median
from slr_keras.data.contract import KeypointContract
from slr_keras.data.sampling import REDUCTION

# Prefix of the operations' names: these operations stay in float32 in every precision.
SCOPE = "preparation"


def prepare(
    raw: tf.Tensor, frames: tf.Tensor, contract: KeypointContract
) -> tuple[tf.Tensor, tf.Tensor]:
    """Select points, find the missing ones, fill gaps, normalise; pad with the last frame.

    Args:
        raw: `(1, T, source points, source channels)` float32 in the coordinates of the files. A
            missing point is NaN, zero, or as the contract says. Frames beyond `frames` are ignored.
        frames: `(1,)` int32, number of real frames, 1 to T.
        contract: of the run.

    Returns:
        `(1, T, points, channels)` float32, finite, and the mask `(1, T)`: 1 for the frames that an
        evaluation reads, a multiple of 4 (and 4 for a shorter clip).
    """
    with tf.name_scope(SCOPE):
        length = raw.shape[1]
        time = tf.range(length)
        real = (time < frames)[:, None]
        channels = selected(raw[0], contract)
        lost = missing(channels, contract.score_threshold, contract) | ~real
        operations = _OneClip()
        numbers = np.arange(length, dtype=np.float32)[:, None].repeat(lost.shape[1], 1)
        reach = min(contract.max_gap, length - 1)
        channels = gaps_filled(channels, lost, tf.constant(numbers), reach, contract, operations)
        channels = normalised(channels, real, contract, operations)
        # The last frame, repeated: a clip of less than four frames is lengthened in this way.
        last = tf.cast(tf.equal(time, frames - 1), tf.float32)[None]
        within = tf.cast(real, tf.float32)
        channels = [within * values + (1 - within) * (last @ values) for values in channels]
        seen = tf.maximum(frames // REDUCTION * REDUCTION, REDUCTION)
        points = tf.stack(channels, axis=-1)
        return points[None], tf.cast(time < seen, tf.float32)[None]


class _OneClip(ClipOperations):
    """Operations on channels `(T, points)` of a fixed shape."""

    def constant(self, value, like):
        """See `ClipOperations`; of the full shape, which is faster than broadcasting."""
        return tf.fill(like.shape, value)

    def shifted(self, track, frames, forward, edge):
        """See `ClipOperations`."""
        free = tf.fill((frames, track[0].shape[1]), edge)
        return [
            tf.concat([free, values[:-frames]] if forward else [values[frames:], free], axis=0)
            for values in track
        ]

    def flat(self, values):
        """See `ClipOperations`."""
        return tf.reshape(values, (-1,))

    def medians(self, values: Sequence[tf.Tensor], mask: tf.Tensor) -> Channels:
        """See `ClipOperations`; one sorting serves all tensors."""
        rows = tf.stack(values) if len(values) > 1 else values[0][None]
        medians = masked_median(rows, mask)
        return [medians[row] for row in range(len(values))]

    def spread(self, value, axes):
        """See `ClipOperations`; scalars need no further axes."""
        return value
