"""Augmentation of many clips at once: other bodies, other cameras, other timing.

All clips have the same number of frames, so that each operation is one NumPy call for a batch. The
random numbers of a clip come from its own generator: a clip does not depend on the others.
"""

from collections.abc import Sequence

import numpy as np

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.draws import AXES, KNOTS, SEGMENTS, Draws
from slr_keras.data.keypoints import mirror
from slr_keras.data.skeleton import Skeleton

# A limb's length differs between bodies mostly on both sides alike.
SYMMETRY = 0.3


def augmented_clips(
    frames: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    steps: int,
    generators: Sequence[np.random.Generator],
    config: AugmentationConfig,
    skeleton: Skeleton,
) -> tuple[np.ndarray, np.ndarray]:
    """Warp and distort clips.

    Args:
        frames, starts, lengths: the clips, see `read_at`.
        steps: number of frames of each result.
        generators: one for each clip; it alone determines the result.
        config: sizes of the changes.
        skeleton: of the points.

    Returns:
        `(clips, steps, points, channels)` float32, and the `warped_places` at which they were read.
    """
    points, channels = frames.shape[1:]
    draws = Draws(generators, steps, points, channels - 1, config)
    places = warped_places(draws, steps, config)
    return distort(read_at(frames, starts, lengths, places), draws, config, skeleton), places


def warped_places(draws: Draws, steps: int, config: AugmentationConfig) -> np.ndarray:
    """Places in a clip, as fractions 0..1, at which its augmented form is read: `(clips, steps)`.

    The ends move by up to `config.ends` of the clip; places before the first frame or after the
    last one repeat it. Between the ends, five segments run at different speeds.
    """
    clips = len(draws.unit("first"))
    places = np.broadcast_to(np.linspace(0, 1, steps, dtype=np.float32), (clips, steps))
    if draws.warp is not None:
        knots = np.cumsum(np.exp(draws.warp), axis=1)
        knots = np.concatenate([np.zeros((clips, 1), np.float32), knots / knots[:, -1:]], axis=1)
        segment = np.minimum((places * SEGMENTS).astype(int), SEGMENTS - 1)
        rest = places * SEGMENTS - segment
        low = np.take_along_axis(knots, segment, 1)
        places = low + rest * (np.take_along_axis(knots, segment + 1, 1) - low)
    if config.ends:
        first = config.ends * draws.signed("first")[:, None]
        last = 1 + config.ends * draws.signed("last")[:, None]
        places = np.clip(first + (last - first) * places, 0, 1)
    return places


def read_at(
    frames: np.ndarray, starts: np.ndarray, lengths: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """Interpolate clips linearly between frames; a missing end takes the other one's position.

    Args:
        frames: `(all frames, points, channels)`, the clips one after another; score last, and all
            channels of a missing point are 0.
        starts, lengths: `(clips,)` first frame and number of frames of each clip.
        places: `(clips, steps)`, fractions 0..1 of the clip.

    Returns:
        `(clips, steps, points, channels)` float32.
    """
    at = places * (lengths[:, None] - 1)
    before = np.minimum(at.astype(int), np.maximum(lengths[:, None] - 2, 0))
    after = np.minimum(before + 1, lengths[:, None] - 1)
    part = (at - before).astype(np.float32)[..., None, None]
    low, high = frames[starts[:, None] + before], frames[starts[:, None] + after]
    low_weight = (1 - part) * (low[..., -1:] > 0)
    high_weight = part * (high[..., -1:] > 0)
    total = low_weight + high_weight
    weight = np.divide(high_weight, total, out=np.zeros_like(total), where=total > 0)
    result = low * (1 - weight) + high * weight
    result *= total > 0
    return result


def distort(
    clips: np.ndarray, draws: Draws, config: AugmentationConfig, skeleton: Skeleton
) -> np.ndarray:
    """Change bodies, camera and detections of clips.

    Args:
        clips: `(clips, frames, points, channels)` float32, normalised, score last; overwritten.
        draws: random numbers of the same clips.
        config: sizes of the changes.
        skeleton: of the points.

    Returns:
        the same shape; missing points are 0 in all channels.
    """
    clips = _mirrored(clips, draws, config, skeleton)
    positions, score = clips[..., :-1], clips[..., -1:]
    seen = score > 0
    if config.limbs or config.hand_scale or config.hand_rotation:
        positions = _other_bodies(positions, seen[..., 0], draws, config, skeleton)
    positions = _other_cameras(positions, draws, config)
    if draws.jitter is not None:
        positions += draws.jitter
    if draws.drift is not None:
        positions += _between_knots(draws.drift, positions.shape[1])
    seen = seen[..., 0] & ~_lost(draws, clips.shape[1], config, skeleton)
    clips = np.concatenate([positions, score], axis=-1)
    clips *= seen[..., None]
    return _held(clips, draws, config)


def _mirrored(clips, draws: Draws, config: AugmentationConfig, skeleton: Skeleton) -> np.ndarray:
    chosen = draws.unit("mirror") < config.mirror
    if chosen.any():
        clips[chosen] = mirror(clips[chosen], skeleton.mirror)
    return clips


def _other_bodies(positions, seen, draws: Draws, config: AugmentationConfig, skeleton: Skeleton):
    """Other limb lengths, and hands turned in the picture and scaled about the wrist."""
    factors = config.limbs * (2 * draws.per_point(0) - 1)
    factors = np.exp((1 - SYMMETRY) * factors + SYMMETRY * factors[:, list(skeleton.mirror)])
    result, fingers = positions.copy(), set(skeleton.fingers)
    for point in skeleton.order:
        if point in fingers:
            continue
        parent = skeleton.parents[point]
        bone = positions[:, :, point] - positions[:, :, parent]
        longer = result[:, :, parent] + bone * factors[:, None, point, None]
        # A bone with a missing end is not one.
        whole = (seen[:, :, point] & seen[:, :, parent])[..., None]
        result[:, :, point] = np.where(whole, longer, positions[:, :, point])
    for side, hand in skeleton.hands.items():
        if not hand.fingers:
            continue
        rows = list(hand.fingers)
        turn = _rotations(config.hand_rotation * draws.signed(f"turn_{side}"), 2, 0, 1)
        size = np.exp(config.hand_scale * draws.signed(f"scale_{side}"))
        shape = positions[:, :, rows] - positions[:, :, [hand.wrist]]
        shape[..., :2] = np.einsum("ntvd,nde->ntve", shape[..., :2], turn)
        shape *= size[:, None, None, None]
        result[:, :, rows] = result[:, :, [hand.wrist]] + shape
    return result


def _other_cameras(positions, draws: Draws, config: AugmentationConfig):
    """Rotate, scale, stretch, shear and shift each clip."""
    clips, coordinates = len(positions), positions.shape[-1]
    matrix = np.tile(np.eye(coordinates, dtype=np.float32), (clips, 1, 1))
    turned = draws.unit("turned") < config.rotation_probability
    angles = {(0, 1): turned * config.rotation * draws.signed("turn")}
    if coordinates == AXES:
        angles[0, 2] = config.yaw * draws.signed("yaw")
        angles[1, 2] = config.pitch * draws.signed("pitch")
    for (first, second), degrees in angles.items():
        if degrees.any():
            matrix = matrix @ _rotations(degrees, coordinates, first, second)
    low, high = config.scale
    factor = low + (high - low) * draws.unit("scale")[:, None]
    stretch = np.exp(config.stretch * draws.vector(1)[:, :coordinates])
    matrix = matrix * (factor * stretch)[:, None]
    if config.shear:
        matrix[:, 0, 1] += config.shear * draws.signed("shear_x")
        matrix[:, 1, 0] += config.shear * draws.signed("shear_y")
    positions = np.matmul(positions.reshape(clips, -1, coordinates), matrix.astype(np.float32))
    shift = draws.vector(0)[:, :2] * np.asarray(config.translation, np.float32)
    positions[..., :2] += shift[:, None]
    return positions.reshape(clips, -1, draws.points, coordinates)


def _rotations(degrees: np.ndarray, size: int, first: int, second: int) -> np.ndarray:
    """`(clips, size, size)` rotations in the plane of two axes, applied from the right."""
    radians = np.deg2rad(degrees)
    turns = np.tile(np.eye(size, dtype=np.float32), (len(radians), 1, 1))
    turns[:, first, first] = turns[:, second, second] = np.cos(radians)
    turns[:, first, second], turns[:, second, first] = np.sin(radians), -np.sin(radians)
    return turns


def _between_knots(knots: np.ndarray, frames: int) -> np.ndarray:
    """Linear interpolation of `(clips, knots, ...)` to `(clips, frames, ...)`."""
    at = np.linspace(0, KNOTS - 1, frames)
    low = np.minimum(at.astype(int), KNOTS - 2)
    part = (at - low).astype(np.float32)[None, :, None, None]
    return knots[:, low] * (1 - part) + knots[:, low + 1] * part


def _lost(draws: Draws, frames: int, config: AugmentationConfig, skeleton: Skeleton) -> np.ndarray:
    """`(clips, frames, points)`: which points the detector loses."""
    clips, points = len(draws.unit("lose")), draws.points
    lost = np.zeros((clips, frames, points), bool)
    rank = np.argsort(np.argsort(draws.per_point(1), axis=1), axis=1)
    most = max(points // 4, 1)
    for event, probability, count, count_name, share in (
        ("lose", config.drop_points, config.drop_points_most, "lose_count", None),
        ("span", config.drop_spans, config.drop_spans_most, "span_count", config.drop_spans_share),
    ):
        happens = draws.unit(event) < probability
        if not happens.any():
            continue
        number = 1 + (draws.unit(count_name) * min(count, most)).astype(int)
        chosen = happens[:, None] & (rank < number[:, None])
        when = np.ones((clips, frames), bool)
        if share is not None:
            when = _span(draws.unit("span_at"), share * draws.unit("span_length"), frames)
        lost |= chosen[:, None] & when[..., None]
    for side, hand in skeleton.hands.items():
        rows = [hand.wrist, *hand.fingers] if hand.fingers else []
        gone = draws.unit(f"lose_{side}") < config.lose_hand
        second = draws.unit("which") < 0.5
        chosen = (draws.unit("hand") < config.drop_hand) & (second == (side == "right"))
        when = _span(
            draws.unit("hand_at"), config.drop_hand_share * draws.unit("hand_length"), frames
        )
        lost[:, :, rows] |= (gone[:, None] | (chosen[:, None] & when))[..., None]
    return lost


def _held(clips: np.ndarray, draws: Draws, config: AugmentationConfig) -> np.ndarray:
    """Hold a stretch of frames at its first frame, as a detector or a camera that is stuck."""
    chosen = draws.unit("hold") < config.hold
    if not chosen.any():
        return clips
    frames = clips.shape[1]
    length = (config.hold_share * frames * draws.unit("held")).astype(int)
    first = (draws.unit("held_from") * (frames - length)).astype(int)
    time = np.arange(frames)
    inside = (time >= first[:, None]) & (time < (first + length)[:, None]) & chosen[:, None]
    rows = np.where(inside, first[:, None], time)
    return clips[np.arange(len(clips))[:, None], rows]


def _span(start: np.ndarray, share: np.ndarray, frames: int) -> np.ndarray:
    """`(clips, frames)`: a span of a share of the frames, at a random place within them."""
    length = share * frames
    first = start * (frames - length)
    time = np.arange(frames) + 0.5
    return (time >= first[:, None]) & (time < (first + length)[:, None])
