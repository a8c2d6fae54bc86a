"""Steps of the preparation of keypoints that both graph builders share."""

import tensorflow as tf

from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import LARGEST

# x, y, perhaps z, and the score, each (T, points): tensors of equal shapes are compared and chosen
# from several times faster than where one is broadcast or lies strided.
Channels = list[tf.Tensor]


def selected(raw: tf.Tensor, contract: KeypointContract) -> Channels:
    """`KeypointContract.select` of `(..., source points, source channels)`; NaN and infinities are
    still in it."""
    chosen = tf.gather(raw, contract.indices, axis=-2)
    available = contract.source.channels
    channels = [
        chosen[..., available.index(name)] if name in available else tf.ones_like(chosen[..., 0])
        for name in contract.channels
    ]
    if "score" not in available:
        channels[-1] = tf.cast(~unseen(channels, 0.0, contract), tf.float32)
    return channels


def unseen(channels: Channels, threshold: float, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.missing`: booleans."""
    *places, score = channels
    # Also false of NaN.
    found = (score > 0) & (score >= threshold)
    for values in channels:
        found &= tf.abs(values) < LARGEST
    if contract.zero_is_missing:
        found &= (places[0] != 0) | (places[1] != 0)
    return ~found


def between_sightings(
    channels: Channels,
    lost: tf.Tensor,
    time: tf.Tensor,
    before: Channels,
    after: Channels,
    ends: tuple[tf.Tensor, tf.Tensor],
    contract: KeypointContract,
) -> Channels:
    """Channels with the gaps filled that the contract fills, score included.

    Args:
        channels: zero where a point was lost.
        lost: booleans.
        time: of each frame.
        before, after: the nearest sighting before and after each frame: its place, and last its
            frame, negative where there is none.
        ends: frame of the first and of the last sighting in the clip.
        contract: its `max_gap` and `interpolated_score`.
    """
    *places_before, when_before = before
    *places_after, when_after = after
    earliest, latest = ends
    since, until = time - when_before, when_after - time
    found_before, found_after = when_before >= 0, when_after >= 0
    inner = found_before & found_after & (since + until <= contract.max_gap + 1)
    head = (time < earliest) & found_after & (until <= contract.max_gap)
    tail = (time > latest) & found_before & (since <= contract.max_gap)
    filling = lost & (inner | head | tail)
    weight = since / tf.maximum(since + until, 1.0)
    filled = []
    for values, left, right in zip(channels, places_before, places_after):
        between = (1 - weight) * left + weight * right
        places = tf.where(head, right, tf.where(tail, left, between))
        filled.append(tf.where(filling, places, values))
    score = tf.zeros_like(channels[-1]) + contract.interpolated_score
    return [*filled, tf.where(filling, score, channels[-1])]


def image_normalised(places: Channels, contract: KeypointContract) -> Channels:
    """`keypoints.normalise_image`."""
    width, height = contract.image_size
    x, y, *z = places
    up = contract.y_axis == "up"
    y = y * ((2 if up else -2) / height) - (1.0 if up else -1.0)
    return [x * (2 / width) - 1.0, y, *(values * (2 / width) for values in z)]
