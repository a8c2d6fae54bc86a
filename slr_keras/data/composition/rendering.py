"""Render the plan of a sentence: keypoints of its clips and of the transitions between them."""

import numpy as np

from slr_keras.data.composition.plan import SentencePlan
from slr_keras.data.composition.pool import ClipPool


def render(plan: SentencePlan, pool: ClipPool) -> np.ndarray:
    """The keypoints of a sentence.

    Clips are sampled at fractional frames by linear interpolation, turned about the vertical axis
    through the body if they have z, and moved to the place of the body in the first clip. In a
    transition, every point moves on a straight line with the profile of least jerk, as hands do.
    An interpolated point has the lower of two scores; it is missing if one of the two is missing.

    Args:
        plan: of the sentence.
        pool: the clips.

    Returns:
        `(frames, points, channels)` float32, a new array; all channels of missing points are 0.

    >>> import numpy as np
    >>> from slr_keras.data.composition.plan import Part, SentencePlan
    >>> from slr_keras.data.composition.pool import ClipPool, pool_clip
    >>> from slr_keras.data.composition.rendering import render
    >>> clips = [np.full((2, 1, 3), value, np.float32) for value in (1, 2)]
    >>> described = [pool_clip(f"{n}", "A", "", clips[n], hands=[0]) for n in (0, 1)]
    >>> pool = ClipPool(described, clips.__getitem__)
    >>> plan = SentencePlan((Part(0, "A", np.arange(2.0)), Part(1, "A", np.arange(2.0), before=3)))
    >>> render(plan, pool)[:, 0, 0].round(3).tolist()
    [1.0, 1.0, 1.1039999723434448, 1.5, 1.8960000276565552, 2.0, 2.0]
    """
    rows = list(dict.fromkeys(part.row for part in plan.parts))
    kept = [pool.keypoints(row) for row in rows]
    lengths = np.array([len(keypoints) for keypoints in kept])
    offsets = dict(zip(rows, (np.cumsum(lengths) - lengths).tolist()))
    counts = np.array([len(part.positions) for part in plan.parts])
    ends = plan.ends
    places = np.arange(counts.sum()) + np.repeat(ends - np.cumsum(counts), counts)
    sentence = np.empty((plan.frames, *kept[0].shape[1:]), np.float32)
    sentence[places] = _turned(_sampled(plan, np.concatenate(kept), offsets, counts), plan, pool)
    _move(sentence, plan, ends, counts)
    sentence[sentence[..., -1] <= 0] = 0
    return sentence


def minimum_jerk(time: np.ndarray) -> np.ndarray:
    """Way of a movement of least jerk from 0 to 1, for times from 0 to 1 (Flash and Hogan, 1985).

    >>> import numpy as np
    >>> from slr_keras.data.composition.rendering import minimum_jerk
    >>> minimum_jerk(np.array([0, 0.5, 1])).tolist()
    [0.0, 0.5, 1.0]
    """
    return time**3 * (10 - 15 * time + 6 * time**2)


def _between(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Poses between two; score 0 marks missing points, whose coordinates mean nothing."""
    poses = first + weight.astype(np.float32)[:, None, None] * (second - first)
    poses[..., -1] = np.minimum(first[..., -1], second[..., -1])
    return poses


def _sampled(
    plan: SentencePlan, frames: np.ndarray, offsets: dict[int, int], counts: np.ndarray
) -> np.ndarray:
    # Rounded, so that a position that is a whole frame but for the arithmetic is that frame.
    positions = np.concatenate([part.positions for part in plan.parts]).round(6)
    low = positions.astype(np.intp)
    weight = positions - low
    low += np.repeat([offsets[part.row] for part in plan.parts], counts)
    # A position on a frame needs no neighbour, which may lie in the next clip.
    return _between(frames[low], frames[np.where(weight > 0, low + 1, low)], weight)


def _turned(points: np.ndarray, plan: SentencePlan, pool: ClipPool) -> np.ndarray:
    """Turn and move every part; changes the points."""
    to = pool.clips[plan.parts[0].row].root
    channels, start = points.shape[-1], 0
    for part in plan.parts:
        end = start + len(part.positions)
        root = pool.clips[part.row].root
        yaw = part.yaw if channels == 4 else 0.0
        if yaw or (root != to).any():
            turn, shift = np.eye(channels, dtype=np.float32), np.zeros(channels, np.float32)
            cosine, sine = np.cos(yaw), np.sin(yaw)
            if yaw:
                turn[0, 0], turn[0, 2], turn[2, 0], turn[2, 2] = cosine, -sine, sine, cosine
            shift[:-1] = to - root @ turn[:-1, :-1]
            moved = points[start:end].reshape(-1, channels) @ turn + shift
            points[start:end] = moved.reshape(end - start, -1, channels)
        start = end
    return points


def _move(sentence: np.ndarray, plan: SentencePlan, ends: np.ndarray, counts: np.ndarray) -> None:
    """Fill the frames of all transitions in place."""
    before = np.array([part.before for part in plan.parts])
    if not before.any():
        return
    starts = ends - counts - before
    step = np.arange(before.sum()) - np.repeat(np.cumsum(before) - before, before)
    first, duration = np.repeat(starts, before), np.repeat(before, before)
    weight = minimum_jerk((step + 1) / (duration + 1))
    sentence[first + step] = _between(sentence[first - 1], sentence[first + duration], weight)
