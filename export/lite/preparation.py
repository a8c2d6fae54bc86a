"""A run's keypoint contract as a graph of built-in operations: raw points to what a model sees.

It equals `KeypointContract.prepare` on a clip's real frames, with a fixed number of frames T, no
loops and at most four axes, so that a phone feeds what its detector gives.
"""

import numpy as np
import tensorflow as tf

from export.common.keypoints import Channels, between_sightings, image_normalised, selected, unseen
from export.lite.order import masked_median
from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import LARGEST
from slr_keras.data.sampling import REDUCTION

# Names of operations begin with it: these stay in float32 whatever the rest is quantised to.
SCOPE = "preparation"


def prepare(
    raw: tf.Tensor, frames: tf.Tensor, contract: KeypointContract
) -> tuple[tf.Tensor, tf.Tensor]:
    """Select points, find the missing ones, fill gaps, normalise; pad with the last frame.

    Args:
        raw: `(1, T, source points, source channels)` float32 in the files' coordinates; a point
            that was not seen is NaN, zero, or as the contract says. What lies beyond `frames` is
            never looked at.
        frames: `(1,)` int32, real frames, 1 to T.
        contract: of the run.

    Returns:
        `(1, T, points, channels)` float32, finite, and the mask `(1, T)`: 1 on the frames that an
        evaluation sees, a multiple of 4 (and 4 for a shorter clip).
    """
    with tf.name_scope(SCOPE):
        time = tf.range(raw.shape[1])
        real = (time < frames)[:, None]
        channels = selected(raw[0], contract)
        lost = unseen(channels, contract.score_threshold, contract) | ~real
        channels = _filled(channels, lost, contract)
        *places, score = channels
        if contract.normalisation == "image":
            places = image_normalised(places, contract)
        else:
            places = _body_normalised(places, (score > 0) & real, contract)
        places = [tf.where(score > 0, values, tf.zeros_like(values)) for values in places]
        # The last frame, held: a clip of less than four frames is lengthened so.
        last = tf.cast(tf.equal(time, frames - 1), tf.float32)[None]
        within = tf.cast(real, tf.float32)
        channels = [within * values + (1 - within) * (last @ values) for values in (*places, score)]
        seen = tf.maximum(frames // REDUCTION * REDUCTION, REDUCTION)
        points = tf.stack(channels, axis=-1)
        return points[None], tf.cast(time < seen, tf.float32)[None]


def _filled(channels: Channels, lost: tf.Tensor, contract: KeypointContract) -> Channels:
    """`keypoints.fill_gaps`: what is missing afterwards is zero, score included."""
    length = lost.shape[0]
    nothing = tf.zeros(lost.shape)
    channels = [tf.where(lost, nothing, values) for values in channels]
    reach = min(contract.max_gap, length - 1)
    if reach <= 0:
        return channels
    time = tf.constant(np.repeat(np.arange(length, dtype=np.float32)[:, None], lost.shape[1], 1))
    seen_at = tf.where(lost, nothing - length, time)
    latest = tf.reduce_max(seen_at, axis=0, keepdims=True)
    earliest = -tf.reduce_max(tf.where(lost, nothing - 2 * length, -time), axis=0, keepdims=True)
    # Each place with the frame in which it was seen, carried along from there.
    before = _carried([*channels[:-1], seen_at], reach, forward=True)
    after = _carried([*channels[:-1], seen_at], reach, forward=False)
    ends = earliest, latest
    return between_sightings(channels, lost, time, before, after, ends, contract)


def _carried(track: Channels, reach: int, forward: bool) -> Channels:
    """The nearest sighting up to `reach` frames before (or after) each frame, or none.

    In steps that double: after k of them every frame knows the last 2^k. The last of `track` is
    the frame of the sighting, negative where there is none.
    """
    length, points = track[-1].shape
    step = 1
    while step <= reach:
        gone = tf.fill((step, points), float(-length))
        has = track[-1] >= 0
        moved = [
            tf.concat([gone, it[:-step]] if forward else [it[step:], gone], axis=0) for it in track
        ]
        track = [tf.where(has, mine, theirs) for mine, theirs in zip(track, moved)]
        step *= 2
    return track


def _body_normalised(places: Channels, present: tf.Tensor, contract: KeypointContract) -> Channels:
    """`keypoints.normalise_body`."""
    rows = {point: index for index, point in enumerate(contract.points)}
    origin = _origin(places, present, [rows[point] for point in contract.root])
    unit = _unit(places, present, *(rows[point] for point in contract.scale))
    x, y, *z = ((values - middle) / unit for values, middle in zip(places, origin))
    return [x, -y if contract.y_axis == "down" else y, *z]


def _origin(places: Channels, present: tf.Tensor, root: list[int]) -> Channels:
    """Median of the roots' mean; else of any root seen; else of every point seen.

    One median serves the three cases: the values of the other two are masked.
    """
    found = tf.gather(present, root, axis=1)
    together = tf.reduce_sum(tf.cast(found, tf.float32), axis=1) > len(root) - 0.5
    any_together, any_root = _any(together), _any(found)
    mask = [
        together,
        tf.reshape(found, (-1,)) & ~any_together & any_root,
        tf.reshape(present, (-1,)) & ~any_together & ~any_root,
    ]
    values = []
    for channel in places:
        chosen = tf.gather(channel, root, axis=1)
        mean = tf.reduce_sum(chosen, axis=1) / len(root)
        values.append(tf.concat([mean, tf.reshape(chosen, (-1,)), tf.reshape(channel, (-1,))], 0))
    median = masked_median(tf.stack(values), tf.concat(mask, axis=0))
    return [median[channel] for channel in range(len(places))]


def _unit(places: Channels, present: tf.Tensor, first: int, second: int) -> tf.Tensor:
    """Median distance of two points; else half the longer side of the box around all seen."""
    together = present[:, first] & present[:, second]
    spans = [values[:, first] - values[:, second] for values in places[:2]]
    distance = tf.sqrt(spans[0] * spans[0] + spans[1] * spans[1])
    median = masked_median(distance[None], together)[0]
    sides = []
    for values in places[:2]:
        far = tf.zeros_like(values) - 4 * LARGEST
        high = tf.reduce_max(tf.where(present, values, far))
        sides.append(high + tf.reduce_max(tf.where(present, -values, far)))
    half = tf.maximum(*sides) / 2
    half = tf.where(half > 0, half, 1.0)
    return tf.where(median > 0, median, half)


def _any(flags: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.cast(flags, tf.float32)) > 0.5
