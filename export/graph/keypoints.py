"""A contract's preparation of raw keypoints for batches of any size and length.

`export.lite.preparation` does the same for one clip of a fixed number of frames, of operations that
a phone has; both equal `KeypointContract.prepare` on a clip's real frames. Here columns are clips.
"""

from typing import TYPE_CHECKING

from slr_keras.data.contract import KeypointContract

if TYPE_CHECKING:
    import tensorflow as tf

# x, y, perhaps z, and the score, each (batch, time, points).
Channels = list["tf.Tensor"]
_NEVER = -1e6


def prepared(
    raw: "tf.Tensor", lengths: "tf.Tensor", places: "tf.Tensor", contract: KeypointContract
) -> "tf.Tensor":
    """Select points, find the missing ones, fill gaps, normalise; then take frames.

    Args:
        raw: `(batch, time, source points, source channels)` float32 in the files' coordinates; a
            point that was not seen is NaN, zero, or as the contract says. What lies beyond a
            clip's length is never looked at.
        lengths: `(batch,)` int32, real frames of each clip, 1 to time.
        places: `(batch, frames)` int32, which of a clip's frames are taken.
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
    import tensorflow as tf

    from export.common.keypoints import image_normalised, selected, unseen

    time = tf.range(tf.shape(raw)[1])
    real = (time < lengths[:, None])[..., None]
    channels = selected(raw, contract)
    lost = unseen(channels, contract.score_threshold, contract) | ~real
    *coordinates, score = _filled(channels, lost, contract)
    if contract.normalisation == "image":
        coordinates = image_normalised(coordinates, contract)
    else:
        coordinates = _body_normalised(coordinates, (score > 0) & real, contract)
    coordinates = [tf.where(score > 0, values, 0.0) for values in coordinates]
    points = tf.stack([*coordinates, score], axis=-1)
    return tf.gather(points, places, batch_dims=1, axis=1)


def _filled(channels: Channels, lost: "tf.Tensor", contract: KeypointContract) -> Channels:
    """`keypoints.fill_gaps`: what is missing afterwards is zero, score included."""
    import tensorflow as tf

    from export.common.keypoints import between_sightings

    channels = [tf.where(lost, 0.0, values) for values in channels]
    if contract.max_gap <= 0:
        return channels
    time = tf.range(tf.cast(tf.shape(lost)[1], tf.float32))[:, None]
    seen_at = tf.where(lost, _NEVER, time)
    latest = tf.reduce_max(seen_at, axis=1, keepdims=True)
    earliest = tf.reduce_min(tf.where(lost, -_NEVER, time), axis=1, keepdims=True)
    track = [*channels[:-1], seen_at]
    before = _carried(track, contract.max_gap, forward=True)
    after = _carried(track, contract.max_gap, forward=False)
    ends = earliest, latest
    return between_sightings(channels, lost, time, before, after, ends, contract)


def _carried(track: Channels, reach: int, forward: bool) -> Channels:
    """The nearest sighting up to `reach` frames before (or after) each frame, or none.

    In steps that double: after k of them every frame knows the last 2^k. The last of `track` is
    the frame of the sighting, negative where there is none.
    """
    import tensorflow as tf

    frames = tf.shape(track[-1])[1]
    step = 1
    while step <= reach:
        edge = [[0, 0], [step, 0] if forward else [0, step], [0, 0]]
        first = 0 if forward else step
        moved = [
            tf.pad(values, edge, constant_values=_NEVER)[:, first : first + frames]
            for values in track
        ]
        has = track[-1] >= 0
        track = [tf.where(has, mine, theirs) for mine, theirs in zip(track, moved)]
        step *= 2
    return track


def _body_normalised(
    coordinates: Channels, present: "tf.Tensor", contract: KeypointContract
) -> Channels:
    """`keypoints.normalise_body`."""
    rows = {point: index for index, point in enumerate(contract.points)}
    origin = _origin(coordinates, present, [rows[point] for point in contract.root])
    unit = _unit(coordinates, present, *(rows[point] for point in contract.scale))
    x, y, *z = ((values - middle) / unit for values, middle in zip(coordinates, origin))
    return [x, -y if contract.y_axis == "down" else y, *z]


def _origin(coordinates: Channels, present: "tf.Tensor", root: list[int]) -> Channels:
    """Median of the roots' mean; else of any root seen; else of every point seen.

    One median serves the three cases: the values of the other two are masked.
    """
    import tensorflow as tf

    found = tf.gather(present, root, axis=2)
    together = tf.reduce_all(found, axis=2)
    any_together = tf.reduce_any(together, axis=1, keepdims=True)
    any_root = tf.reduce_any(found, axis=[1, 2])[:, None]
    mask = tf.concat(
        [
            together,
            _flat(found) & ~any_together & any_root,
            _flat(present) & ~any_together & ~any_root,
        ],
        axis=1,
    )
    origin = []
    for values in coordinates:
        chosen = tf.gather(values, root, axis=2)
        mean = tf.reduce_mean(chosen, axis=2)
        everything = tf.concat([mean, _flat(chosen), _flat(values)], axis=1)
        origin.append(masked_median(everything, mask)[:, None, None])
    return origin


def _unit(coordinates: Channels, present: "tf.Tensor", first: int, second: int) -> "tf.Tensor":
    """Median distance of two points; else half the longer side of the box around all seen."""
    import tensorflow as tf

    together = present[..., first] & present[..., second]
    spans = [values[..., first] - values[..., second] for values in coordinates[:2]]
    distance = tf.sqrt(spans[0] * spans[0] + spans[1] * spans[1])
    median = masked_median(distance, together)
    sides = []
    for values in coordinates[:2]:
        high = tf.reduce_max(tf.where(present, values, values.dtype.min), axis=[1, 2])
        low = tf.reduce_min(tf.where(present, values, values.dtype.max), axis=[1, 2])
        sides.append(high - low)
    half = tf.maximum(*sides) / 2
    half = tf.where(tf.math.is_finite(half) & (half > 0), half, 1.0)
    return tf.where(median > 0, median, half)[:, None, None]


def masked_median(values: "tf.Tensor", mask: "tf.Tensor") -> "tf.Tensor":
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
    import tensorflow as tf

    count = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
    ascending = tf.sort(tf.where(mask, values, values.dtype.max), axis=1)
    middle = tf.stack([tf.maximum(count - 1, 0) // 2, count // 2], axis=1)
    # Of an empty mask both are masked values.
    middle = tf.minimum(middle, tf.shape(values)[1] - 1)
    two = tf.gather(ascending, middle, batch_dims=1, axis=1)
    return tf.where(count > 0, (two[:, 0] + two[:, 1]) / 2, 0.0)


def _flat(values: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.reshape(values, (tf.shape(values)[0], -1))
