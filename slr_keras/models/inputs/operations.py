"""Operations on batches of keypoints within the graph: selection, differences, resampling.

All are built of slices, concatenations, products and additions, which mobile runtimes have.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

# Below the smallest weight of a filled step, above rounding.
LEAST_WEIGHT = 1e-6
#: A step without the point takes it from others, with weights that fall with the cube of the
#: distance: mostly the nearest step on each side, the nearer one more.
FILL_POWER = 3.0


def select_points(x, indices: Sequence[int]):
    """Select points on axis 2: `(batch, time, points, channels)`.

    Runs of neighbours become slices, because mobile devices have no fast gather.
    """
    indices = np.asarray(indices)
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    parts = [x[:, :, run[0] : run[-1] + 1] for run in np.split(indices, breaks)]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=2)


def present(keypoints, mask):
    """1 for each point of the clip that has a score: `(batch, time, points, 1)`."""
    frames = ops.expand_dims(ops.expand_dims(mask, -1), -1)
    return ops.cast(keypoints[..., -1:] > 0, "float32") * frames


def difference(x, seen, before: int, after: int):
    """x[t + after] - x[t - before]; 0 where either end is missing.

    Args:
        x: `(batch, time, points, coordinates)`.
        seen: `(batch, time, points, 1)`, 1 where a point of the clip is present.
        before, after: frames from the frame to the two positions; not both 0.
    """
    interval = before + after
    padding = ((0, 0), (before, after), (0, 0), (0, 0))
    x, seen = ops.pad(x, padding), ops.pad(seen, padding)
    return (x[:, interval:] - x[:, :-interval]) * seen[:, interval:] * seen[:, :-interval]


def resampling_weights(mask, steps: int):
    """Weights `(batch, steps, time)` of linear interpolation at even times of each clip.

    Args:
        mask: `(batch, time)`, 1 on the first frames.
        steps: number of times; the first frame and the last one are among them.
    """
    last = ops.maximum(ops.sum(mask, axis=1, keepdims=True) - 1.0, 0.0)
    fractions = ops.convert_to_tensor(np.linspace(0, 1, steps, dtype=np.float32)[None])
    places = ops.expand_dims(last * fractions, -1)
    times = ops.arange(ops.shape(mask)[1], dtype="float32")
    return ops.relu(1.0 - ops.absolute(places - times))


def fill_weights(steps: int) -> np.ndarray:
    """Weights `(steps, steps)` of the other steps for a step without the point."""
    apart = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))).astype(np.float32)
    return np.where(apart > 0, 1 / np.maximum(apart, 1) ** FILL_POWER, 0).astype(np.float32)


def resample(x, seen, mask, steps: int):
    """Resample clips to even steps, interpolating over frames and steps without the point.

    Args:
        x: `(batch, time, points, channels)`; the channels of a missing point are 0.
        seen: `(batch, time, points, 1)`.
        mask: `(batch, time)`.
        steps: number of times.

    Returns:
        `(batch, steps, points, channels)`, and `(batch, steps, points, 1)`: 1 for points that are
        present in any frame of the clip.
    """
    points, _channels = x.shape[2:]
    weights = resampling_weights(mask, steps)

    def weighted(matrix, values):
        flat = ops.reshape(
            values, (-1, values.shape[1] or ops.shape(values)[1], points * values.shape[3])
        )
        mixed = ops.matmul(matrix, flat)
        return ops.reshape(mixed, (-1, steps, points, values.shape[3]))

    total, count = weighted(weights, x * seen), weighted(weights, seen)
    here = ops.cast(count > LEAST_WEIGHT, "float32")
    values = here * total / ops.maximum(count, LEAST_WEIGHT)
    others = ops.convert_to_tensor(fill_weights(steps)[None])
    total, count = weighted(others, values), weighted(others, here)
    filled = total / ops.maximum(count, LEAST_WEIGHT)
    ever = ops.maximum(here, ops.cast(count > LEAST_WEIGHT, "float32"))
    return values + (1.0 - here) * filled * ever, ever


def mirrored(x, permutation: Sequence[int]):
    """Exchange left and right points and negate x: `(batch, time, points, channels)`."""
    x = ops.concatenate([0.0 - x[..., :1], x[..., 1:]], axis=-1)
    return select_points(x, permutation)
