"""Operations on keypoint tracks: missing points, gaps, normalisation, mirror.

See docs/papers/stark.md §1.5.

Arrays are (frames, points, channels) with the channels x, y, score or x, y, z, score.
"""

import numpy as np

# Upper limit of valid coordinates, far beyond any camera's; larger ones would overflow.
LARGEST = 1e9


def missing(points: np.ndarray, threshold: float = 0.0, zero_is_missing: bool = True) -> np.ndarray:
    """Which points are missing.

    A point is missing if a coordinate or the score is not finite or not below 1e9, if the score is
    zero or below `threshold`, or if x = y = 0, which many detectors write for undetected points.

    Args:
        points: (frames, points, channels), x and y first, score last.
        threshold: lowest score of a detected point.
        zero_is_missing: whether x = y = 0 means missing; false for layouts whose origin is a point
            of the body.

    Returns:
        (frames, points) booleans.

    >>> import numpy as np
    >>> from slr_keras.data.keypoints import missing
    >>> missing(np.array([[[5.0, 5.0, 0.9], [5.0, 5.0, 0.1], [np.nan, 5.0, 0.9]]]), 0.2)
    array([[False,  True,  True]])
    """
    score = points[..., -1]
    # Also false for NaN and infinities.
    sound = (np.abs(points) < LARGEST).all(-1)
    lost = ~sound | (score <= 0) | (score < threshold)
    if zero_is_missing:
        lost |= (points[..., 0] == 0) & (points[..., 1] == 0)
    return lost


def fill_gaps(
    points: np.ndarray,
    max_gap: int,
    threshold: float = 0.0,
    interpolated_score: float = 0.1,
    zero_is_missing: bool = True,
) -> np.ndarray:
    """Fill short gaps of every point, and set the remaining missing points to zero.

    A gap of up to `max_gap` frames between two detections is interpolated linearly. Before the
    first and after the last detection, the nearest detection is repeated for up to `max_gap`
    frames. Filled points have the score `interpolated_score`, which tells them from detected
    points. All channels of the remaining missing points, including the score, are 0.

    Args:
        points: (frames, points, channels), score last; not changed.
        max_gap: longest gap that is filled, in frames; 0 fills nothing.
        threshold, zero_is_missing: see `missing`.
        interpolated_score: score of filled points.

    Returns:
        The same shape, finite everywhere.

    >>> import numpy as np
    >>> from slr_keras.data.keypoints import fill_gaps
    >>> track = np.array([[[2.0, 4.0, 1.0]], [[0.0, 0.0, 0.0]], [[4.0, 8.0, 1.0]]])
    >>> fill_gaps(track, max_gap=1)[1]
    array([[3. , 6. , 0.1]])
    """
    lost = missing(points, threshold, zero_is_missing)
    filled = np.where(lost[..., None], 0, points)
    if not lost.any() or max_gap <= 0:
        return filled
    frames = len(points)
    time = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(lost, -1, time), axis=0)
    after = np.minimum.accumulate(np.where(lost, frames, time)[::-1], axis=0)[::-1]
    inner = lost & (before >= 0) & (after < frames) & (after - before - 1 <= max_gap)
    head = lost & (before < 0) & (after < frames) & (after - time <= max_gap)
    tail = lost & (after == frames) & (before >= 0) & (time - before <= max_gap)
    left = np.where(head, after, before)
    right = np.where(tail, before, after)
    frame, point = np.nonzero(inner | head | tail)
    left, right = left[frame, point], right[frame, point]
    weight = (frame - left) / np.maximum(right - left, 1)
    weight = np.clip(weight, 0, 1).astype(points.dtype)[:, None]
    filled[frame, point] = (1 - weight) * points[left, point] + weight * points[right, point]
    filled[frame, point, -1] = interpolated_score
    return filled


def normalise_image(
    points: np.ndarray, width: float, height: float, y_axis: str = "down"
) -> np.ndarray:
    """Convert image coordinates to [-1, 1] with y up, exactly as docs/papers/stark.md §1.5.

    x ← x/W, y ← (H − y)/H, then (v − 0.5)/0.5. Points outside the image exceed the range; no value
    is clipped. z, if present, is scaled as x and not shifted. The score does not change, and
    missing points (score 0) become x = y = z = 0.

    Args:
        points: (frames, points, channels), finite, score last; not changed.
        width, height: size of the image in the units of x and y.
        y_axis: "down" as in images, or "up".

    >>> import numpy as np
    >>> from slr_keras.data.keypoints import normalise_image
    >>> normalise_image(np.array([[[210.0, 65.0, 0.8]]]), 210, 260)
    array([[[1. , 0.5, 0.8]]])
    """
    result = np.array(points, copy=True)
    up = 2 / height if y_axis == "up" else -2 / height
    result[..., 0] = points[..., 0] * (2 / width) - 1
    result[..., 1] = points[..., 1] * up - (1 if y_axis == "up" else -1)
    if points.shape[-1] == 4:
        result[..., 2] = points[..., 2] * (2 / width)
    return _blank_missing(result)


def normalise_body(
    points: np.ndarray,
    root: tuple[int, ...],
    scale: tuple[int, int],
    y_axis: str = "down",
) -> np.ndarray:
    """Convert to body coordinates: origin at the root, unit between the scale points, y up.

    The origin is the median over the clip of the mean of the root points, in frames where all of
    them are present. If there are none, the origin is the median of the present root points or, if
    there are none, of all present points. The unit is the median over the clip of the distance in
    x, y between the two scale points. If these are never present together or coincide, the unit is
    half the longer side of the bounding box of all present points. A clip has one origin and one
    unit, so that noise of the reference points does not spread to the others. Missing points
    (score 0) become x = y = z = 0.

    Args:
        points: (frames, points, channels), finite, score last; not changed.
        root: indices of the points whose mean is the origin.
        scale: indices of the two points whose distance is the unit.
        y_axis: "down" as in images, or "up".

    >>> import numpy as np
    >>> from slr_keras.data.keypoints import normalise_body
    >>> shoulders_and_hand = np.array([[[10.0, 10.0, 1.0], [30.0, 10.0, 1.0], [20.0, 50.0, 1.0]]])
    >>> normalise_body(shoulders_and_hand, root=(0, 1), scale=(0, 1))[0, 2]
    array([ 0., -2.,  1.])
    """
    result = np.array(points, copy=True)
    coordinates = points[..., :-1]
    present = points[..., -1] > 0
    if not present.any():
        return _blank_missing(result)
    origin, unit = body_frame(points, root, scale)
    result[..., :-1] = (coordinates - origin) / unit
    if y_axis == "down":
        result[..., 1] = -result[..., 1]
    return _blank_missing(result)


def body_frame(
    points: np.ndarray, root: tuple[int, ...], scale: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """Origin `(coordinates,)` and unit of a clip, as in `normalise_body`.

    Args:
        points: (frames, points, channels), finite, score last; at least one point is present.
        root, scale: see `normalise_body`.
    """
    coordinates, present = points[..., :-1], points[..., -1] > 0
    return _origin(coordinates, present, root), _unit(coordinates, present, scale)


def mirror(points: np.ndarray, permutation: tuple[int, ...]) -> np.ndarray:
    """Exchange left and right points and negate x, in normalised coordinates.

    Args:
        points: (..., points, channels) with x first, centred on 0.
        permutation: index of the counterpart of every point.

    >>> import numpy as np
    >>> from slr_keras.data.keypoints import mirror
    >>> mirror(np.array([[[0.5, 1.0, 0.9], [-0.25, 2.0, 0.8]]]), (1, 0))[0, 0]
    array([0.25, 2.  , 0.8 ])
    """
    result = points[..., list(permutation), :]
    # 0 - x, not -x: a missing point keeps +0.
    result[..., 0] = 0 - result[..., 0]
    return result


def _blank_missing(points: np.ndarray) -> np.ndarray:
    points[points[..., -1] <= 0] = 0
    return points


def _origin(coordinates: np.ndarray, present: np.ndarray, root: tuple[int, ...]) -> np.ndarray:
    root_present = present[:, list(root)]
    chosen = coordinates[:, list(root)]
    if root_present.all(1).any():
        return np.median(chosen[root_present.all(1)].mean(1), axis=0)
    if root_present.any():
        return np.median(chosen[root_present], axis=0)
    return np.median(coordinates[present], axis=0)


def _unit(coordinates: np.ndarray, present: np.ndarray, scale: tuple[int, int]) -> float:
    first, second = scale
    together = present[:, first] & present[:, second]
    if together.any():
        span = coordinates[together, first, :2] - coordinates[together, second, :2]
        distance = float(np.median(np.hypot(span[:, 0], span[:, 1])))
        if distance > 0:
            return distance
    seen = coordinates[present][:, :2]
    # Half of the smallest positive number is 0, and a unit of 0 would give NaN.
    half = coordinates.dtype.type((seen.max(0) - seen.min(0)).max() / 2)
    return float(half) or 1.0
