"""A run's keypoint contract as a graph of built-in operations: raw points to what a model sees.

It equals `KeypointContract.prepare` on a clip's real frames, with a fixed number of frames T, no
loops and at most four axes, so that a phone feeds what its detector gives.
"""

import tensorflow as tf

from export.order import masked_median
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
        real = time < frames
        points = _selected(raw[0], contract)
        lost = _missing(points, contract) | ~real[:, None]
        points = _filled(points, lost, contract)
        if contract.normalisation == "image":
            points = _image_normalised(points, contract)
        else:
            points = _body_normalised(points, real, contract)
        points = tf.where(_score(points) > 0, points, 0.0)
        # The last frame, held: a clip of less than four frames is lengthened so.
        last = tf.cast(tf.equal(time, frames - 1), tf.float32)
        held = tf.reduce_sum(points * last[:, None, None], axis=0, keepdims=True)
        points = tf.where(real[:, None, None], points, held)
        seen = tf.maximum(frames // REDUCTION * REDUCTION, REDUCTION)
        return points[None], tf.cast(time < seen, tf.float32)[None]


def _selected(raw: tf.Tensor, contract: KeypointContract) -> tf.Tensor:
    """`KeypointContract.select`: `(T, points, channels)`, NaN and infinities still in it."""
    chosen = tf.gather(raw, contract.indices, axis=1)
    available = contract.source.channels
    if tuple(available) == tuple(contract.channels):
        return chosen
    ones = tf.ones_like(chosen[..., :1])
    channels = []
    for name in contract.channels:
        at = available.index(name) if name in available else None
        channels.append(ones if at is None else chosen[..., at : at + 1])
    selected = tf.concat(channels, axis=-1)
    if "score" not in available:
        score = tf.cast(~_unseen(selected, 0.0, contract), tf.float32)[..., None]
        selected = tf.concat([selected[..., :-1], score], axis=-1)
    return selected


def _missing(points: tf.Tensor, contract: KeypointContract) -> tf.Tensor:
    return _unseen(points, contract.score_threshold, contract)


def _unseen(points: tf.Tensor, threshold: float, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.missing`: `(T, points)` booleans."""
    *coordinates, score = tf.unstack(points, axis=-1)
    # Also false of NaN.
    found = (score > 0) & (score >= threshold)
    for channel in (*coordinates, score):
        found &= tf.abs(channel) < LARGEST
    if contract.zero_is_missing:
        found &= (coordinates[0] != 0) | (coordinates[1] != 0)
    return ~found


def _score(points: tf.Tensor) -> tf.Tensor:
    return points[..., -1:]


def _filled(points: tf.Tensor, lost: tf.Tensor, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.fill_gaps`: what is missing afterwards is zero, score included."""
    length = points.shape[0]
    reach = min(contract.max_gap, length - 1)
    lost = lost[..., None]
    points = tf.where(lost, 0.0, points)
    if reach <= 0:
        return points
    time = tf.range(length, dtype=tf.float32)[:, None, None]
    seen_at = tf.where(lost, float(-length), time * tf.ones_like(_score(points)))
    latest = tf.reduce_max(seen_at, axis=0, keepdims=True)
    earliest = -tf.reduce_max(tf.where(lost, float(-2 * length), -time), axis=0, keepdims=True)
    # Each point with the frame in which it was seen, carried along from there.
    track = tf.concat([points[..., :-1], seen_at], axis=-1)
    before = _carried(track, reach, forward=True)
    after = _carried(track, reach, forward=False)
    since = time - before[..., -1:]
    until = after[..., -1:] - time
    found_before = before[..., -1:] >= 0
    found_after = after[..., -1:] >= 0
    inner = found_before & found_after & (since + until - 1 <= contract.max_gap)
    head = (time < earliest) & found_after & (until <= contract.max_gap)
    tail = (time > latest) & found_before & (since <= contract.max_gap)
    weight = since / tf.maximum(since + until, 1.0)
    left, right = before[..., :-1], after[..., :-1]
    between = (1 - weight) * left + weight * right
    places = tf.where(head, right, tf.where(tail, left, between))
    score = tf.fill(_score(points).shape, float(contract.interpolated_score))
    filling = tf.concat([places, score], axis=-1)
    return tf.where(lost & (inner | head | tail), filling, points)


def _carried(track: tf.Tensor, reach: int, forward: bool) -> tf.Tensor:
    """The nearest sighting up to `reach` frames before (or after) each frame, or none.

    In steps that double: after k of them every frame knows the last 2^k. `track` has in its last
    channel the frame of the sighting, negative where there is none.
    """
    nothing = float(-track.shape[0])
    step = 1
    while step <= reach:
        rest = track[:-step] if forward else track[step:]
        gone = tf.fill((step, *track.shape[1:]), nothing)
        moved = tf.concat([gone, rest] if forward else [rest, gone], axis=0)
        track = tf.where(track[..., -1:] >= 0, track, moved)
        step *= 2
    return track


def _image_normalised(points: tf.Tensor, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.normalise_image`."""
    width, height = contract.image_size
    up = contract.y_axis == "up"
    scale, shift = [2 / width, (2 if up else -2) / height], [-1.0, -1.0 if up else 1.0]
    if len(contract.channels) == 4:
        scale, shift = [*scale, 2 / width], [*shift, 0.0]
    # The score stays as it is.
    return points * tf.constant([*scale, 1.0]) + tf.constant([*shift, 0.0])


def _body_normalised(points: tf.Tensor, real: tf.Tensor, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.normalise_body`."""
    present = (_score(points)[..., 0] > 0) & real[:, None]
    coordinates, score = points[..., :-1], _score(points)
    rows = {point: index for index, point in enumerate(contract.points)}
    origin = _origin(coordinates, present, [rows[point] for point in contract.root])
    unit = _unit(coordinates, present, *(rows[point] for point in contract.scale))
    centred = (coordinates - origin) / unit
    if contract.y_axis == "down":
        turned = [1.0, -1.0, 1.0][: centred.shape[-1]]
        centred = centred * tf.constant(turned)
    return tf.concat([centred, score], axis=-1)


def _origin(coordinates: tf.Tensor, present: tf.Tensor, root: list[int]) -> tf.Tensor:
    """Median of the roots' mean; else of any root seen; else of every point seen: `(1, 1, C)`.

    One median serves the three cases: the values of the other two are masked.
    """
    found = tf.gather(present, root, axis=1)
    chosen = tf.gather(coordinates, root, axis=1)
    together = tf.reduce_sum(tf.cast(found, tf.float32), axis=1) > len(root) - 0.5
    any_together = _any(together)
    any_root = _any(found)
    values = [tf.reduce_sum(chosen, axis=1) / len(root)]
    masks = [together]
    for points, seen, wanted in (
        (chosen, found, ~any_together & any_root),
        (coordinates, present, ~any_together & ~any_root),
    ):
        values.append(tf.reshape(points, (-1, coordinates.shape[-1])))
        masks.append(tf.reshape(seen, (-1,)) & wanted)
    median = masked_median(tf.transpose(tf.concat(values, axis=0)), tf.concat(masks, axis=0))
    return tf.reshape(median, (1, 1, -1))


def _unit(coordinates: tf.Tensor, present: tf.Tensor, first: int, second: int) -> tf.Tensor:
    """Median distance of two points; else half the longer side of the box around all seen."""
    together = present[:, first] & present[:, second]
    span = coordinates[:, first, :2] - coordinates[:, second, :2]
    distance = tf.sqrt(tf.reduce_sum(span * span, axis=-1))
    median = masked_median(distance[None], together)
    far = 4 * LARGEST
    places, seen = coordinates[..., :2], present[..., None]
    high = tf.reduce_max(tf.where(seen, places, -far), axis=(0, 1))
    low = -tf.reduce_max(tf.where(seen, -places, -far), axis=(0, 1))
    half = tf.reduce_max(high - low) / 2
    half = tf.where(half > 0, half, 1.0)
    return tf.reshape(tf.where(median > 0, median, half), (1, 1, 1))


def _any(flags: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.cast(flags, tf.float32)) > 0.5
