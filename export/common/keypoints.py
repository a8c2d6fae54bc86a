"""Preparation of keypoints as graph operations, for one clip and for batches.

The functions follow `slr_keras.data.keypoints` step by step and use TFLite operations alone. The
last two axes of every channel are time and points, so that the same code serves one clip
`(time, points)` and a batch `(batch, time, points)`. `ClipOperations` holds the differences.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import tensorflow as tf

from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import LARGEST

# x, y, perhaps z, and the score: one tensor for each channel, since comparisons and selections of
# tensors of equal shapes are several times faster than those of broadcast or strided tensors.
Channels = list[tf.Tensor]
TIME, POINTS = -2, -1
# A frame number before every clip; its distance from every frame exceeds every gap.
_NEVER = -1e6


class ClipOperations(ABC):
    """Operations whose form depends on whether the graph reads one clip or a batch."""

    @abstractmethod
    def constant(self, value: float, like: tf.Tensor) -> tf.Tensor:
        """A constant to select from, broadcastable to a channel."""

    @abstractmethod
    def shifted(self, track: Channels, frames: int, forward: bool, edge: float) -> Channels:
        """Channels moved by some frames, later if `forward`, with `edge` in the free frames."""

    @abstractmethod
    def flat(self, values: tf.Tensor) -> tf.Tensor:
        """Time and points of each clip in one axis."""

    @abstractmethod
    def medians(self, values: Sequence[tf.Tensor], mask: tf.Tensor) -> Channels:
        """For each tensor the medians of the clips over the mask; 0 where the mask is empty."""

    @abstractmethod
    def spread(self, value: tf.Tensor, axes: int) -> tf.Tensor:
        """One value for each clip, broadcastable to tensors with so many further axes."""


def selected(raw: tf.Tensor, contract: KeypointContract) -> Channels:
    """`KeypointContract.select` of `(..., source points, source channels)`; NaN and inf remain."""
    chosen = tf.gather(raw, contract.indices, axis=-2)
    available = contract.source.channels
    channels = [
        chosen[..., available.index(name)] if name in available else tf.ones_like(chosen[..., 0])
        for name in contract.channels
    ]
    if "score" not in available:
        channels[-1] = tf.cast(~missing(channels, 0.0, contract), tf.float32)
    return channels


def missing(channels: Channels, threshold: float, contract: KeypointContract) -> tf.Tensor:
    """`keypoints.missing`: booleans."""
    *places, score = channels
    # Both comparisons are false for NaN.
    present = (score > 0) & (score >= threshold)
    for values in channels:
        present &= tf.abs(values) < LARGEST
    if contract.zero_is_missing:
        present &= (places[0] != 0) | (places[1] != 0)
    return ~present


def normalised(
    channels: Channels, real: tf.Tensor, contract: KeypointContract, operations: ClipOperations
) -> Channels:
    """Coordinates in the units of the model, zero for missing points; the score comes last.

    Args:
        channels: with filled gaps.
        real: booleans, false for frames of padding.
        contract: its normalisation.
        operations: of the graph.
    """
    *places, score = channels
    if contract.normalisation == "image":
        places = _image_normalised(places, contract)
    else:
        places = _body_normalised(places, (score > 0) & real, contract, operations)
    nothing = operations.constant(0.0, score)
    return [*(tf.where(score > 0, values, nothing) for values in places), score]


# === Gaps ===


def gaps_filled(
    channels: Channels,
    lost: tf.Tensor,
    time: tf.Tensor,
    reach: int,
    contract: KeypointContract,
    operations: ClipOperations,
) -> Channels:
    """`keypoints.fill_gaps`: all channels of a point that is still missing are zero.

    Args:
        channels: raw values.
        lost: booleans, true for missing points and for frames of padding.
        time: number of each frame, float32, broadcastable to a channel.
        reach: frames within which a sighting can fill a gap; fewer than `time` has, if they are
            fixed.
        contract: its `max_gap` and `interpolated_score`.
        operations: of the graph.
    """
    nothing = operations.constant(0.0, lost)
    channels = [tf.where(lost, nothing, values) for values in channels]
    if reach <= 0:
        return channels
    never = operations.constant(_NEVER, lost)
    seen_at = tf.where(lost, never, time)
    latest = tf.reduce_max(seen_at, axis=TIME, keepdims=True)
    earliest = -tf.reduce_max(tf.where(lost, never, -time), axis=TIME, keepdims=True)
    # Each place together with the frame of its sighting.
    track = [*channels[:-1], seen_at]
    before = _nearest_sighting(track, reach, True, operations)
    after = _nearest_sighting(track, reach, False, operations)
    return _between_sightings(channels, lost, time, before, after, (earliest, latest), contract)


def _nearest_sighting(
    track: Channels, reach: int, forward: bool, operations: ClipOperations
) -> Channels:
    """The nearest sighting up to `reach` frames before (or after) each frame, or none.

    Distances double: after k steps each frame knows the 2^k frames before it. The last channel of
    `track` is the frame of the sighting, negative if there is none.
    """
    step = 1
    while step <= reach:
        moved = operations.shifted(track, step, forward, _NEVER)
        has = track[-1] >= 0
        track = [tf.where(has, own, other) for own, other in zip(track, moved)]
        step *= 2
    return track


def _between_sightings(
    channels: Channels,
    lost: tf.Tensor,
    time: tf.Tensor,
    before: Channels,
    after: Channels,
    ends: tuple[tf.Tensor, tf.Tensor],
    contract: KeypointContract,
) -> Channels:
    """Channels in which the gaps that the contract fills are filled.

    Args:
        channels: zero where a point was lost.
        lost: booleans.
        time: of each frame.
        before, after: the nearest sighting before and after each frame: coordinates, and last the
            frame of the sighting, negative if there is none.
        ends: frame of the first and of the last sighting in the clip.
        contract: its `max_gap` and `interpolated_score`.
    """
    *places_before, when_before = before
    *places_after, when_after = after
    earliest, latest = ends
    since, until = time - when_before, when_after - time
    has_before, has_after = when_before >= 0, when_after >= 0
    inner = has_before & has_after & (since + until <= contract.max_gap + 1)
    head = (time < earliest) & has_after & (until <= contract.max_gap)
    tail = (time > latest) & has_before & (since <= contract.max_gap)
    filling = lost & (inner | head | tail)
    weight = since / tf.maximum(since + until, 1.0)
    filled = []
    for values, left, right in zip(channels, places_before, places_after):
        between = (1 - weight) * left + weight * right
        places = tf.where(head, right, tf.where(tail, left, between))
        filled.append(tf.where(filling, places, values))
    score = tf.zeros_like(channels[-1]) + contract.interpolated_score
    return [*filled, tf.where(filling, score, channels[-1])]


# === Normalisation ===


def _image_normalised(places: Channels, contract: KeypointContract) -> Channels:
    """`keypoints.normalise_image`."""
    width, height = contract.image_size
    x, y, *z = places
    up = contract.y_axis == "up"
    y = y * ((2 if up else -2) / height) - (1.0 if up else -1.0)
    return [x * (2 / width) - 1.0, y, *(values * (2 / width) for values in z)]


def _body_normalised(
    places: Channels, present: tf.Tensor, contract: KeypointContract, operations: ClipOperations
) -> Channels:
    """`keypoints.normalise_body`."""
    rows = {point: index for index, point in enumerate(contract.points)}
    origin = _origin(places, present, [rows[point] for point in contract.root], operations)
    unit = _unit(places, present, *(rows[point] for point in contract.scale), operations)
    x, y, *z = (
        (values - operations.spread(middle, 2)) / unit for values, middle in zip(places, origin)
    )
    return [x, -y if contract.y_axis == "down" else y, *z]


def _origin(
    places: Channels, present: tf.Tensor, root: list[int], operations: ClipOperations
) -> Channels:
    """Median of the mean root; else of any root that is present; else of every present point.

    One median serves the three cases: the values of the two other cases are masked.
    """
    roots = tf.gather(present, root, axis=POINTS)
    together = tf.reduce_sum(tf.cast(roots, tf.float32), axis=POINTS) > len(root) - 0.5
    any_together = operations.spread(_any(together, (-1,)), 1)
    any_root = operations.spread(_any(roots, (TIME, POINTS)), 1)
    mask = [
        together,
        operations.flat(roots) & ~any_together & any_root,
        operations.flat(present) & ~any_together & ~any_root,
    ]
    everything = []
    for values in places:
        chosen = tf.gather(values, root, axis=POINTS)
        mean = tf.reduce_sum(chosen, axis=POINTS) / len(root)
        parts = [mean, operations.flat(chosen), operations.flat(values)]
        everything.append(tf.concat(parts, axis=-1))
    return operations.medians(everything, tf.concat(mask, axis=-1))


def _unit(
    places: Channels, present: tf.Tensor, first: int, second: int, operations: ClipOperations
) -> tf.Tensor:
    """Median distance of two points; else half the longer side of the box around all points."""
    together = present[..., first] & present[..., second]
    spans = [values[..., first] - values[..., second] for values in places[:2]]
    distance = tf.sqrt(spans[0] * spans[0] + spans[1] * spans[1])
    (median,) = operations.medians([distance], together)
    far = operations.constant(-4.0 * LARGEST, present)
    sides = []
    for values in places[:2]:
        high = tf.reduce_max(tf.where(present, values, far), axis=(TIME, POINTS))
        # The negative of the least value.
        low = tf.reduce_max(tf.where(present, -values, far), axis=(TIME, POINTS))
        sides.append(high + low)
    half = tf.maximum(*sides) / 2
    half = tf.where(half > 0, half, 1.0)
    return operations.spread(tf.where(median > 0, median, half), 2)


def _any(flags: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """Whether any flag of a clip is set."""
    return tf.reduce_max(tf.cast(flags, tf.float32), axis=axes) > 0.5
