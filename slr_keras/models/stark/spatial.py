"""Gram matrices and products of the spatial attention, for clips and for groups of frames.

Shapes: B batch, P points, T time, S heads, A attention channels of a head, C channels, G groups.
No tensor has more than four axes, so that the same graph runs on mobile devices.
"""

from keras import ops

from slr_keras.models.stark.policy import SpatialPolicy

# Divisor of sums over no frames.
LEAST_COUNT = 1e-6


def sizes(tensor) -> tuple:
    """The shape of a tensor, with static sizes where they are known."""
    return tuple(
        static if static is not None else dynamic
        for static, dynamic in zip(tensor.shape, ops.shape(tensor), strict=True)
    )


def gram(query, key, heads: int):
    """Sum over time of Q Kᵀ for each clip and head: `(B, P, T, S*A)` twice to `(B, S, P, P)`."""
    return ops.matmul(
        _head_features(query, heads), ops.transpose(_head_features(key, heads), (0, 1, 3, 2))
    )


def _head_features(tensor, heads: int):
    """`(B, P, T, S*A)` to `(B, S, P, T*A)`."""
    batch, points, time, channels = sizes(tensor)
    width = channels // heads
    tensor = ops.reshape(tensor, (batch, points * time, heads, width))
    tensor = ops.transpose(tensor, (0, 2, 1, 3))
    return ops.reshape(tensor, (batch, heads, points, time * width))


def mix(matrix, x):
    """A_s X with one matrix per clip: `(B, S, P, P)` and `(B, P, T, C)` to `(B, P*S, T, C)`."""
    batch, points, time, channels = sizes(x)
    heads = matrix.shape[1]
    # Rows are ordered (point, head), so that the result has the points first, like all tensors.
    matrix = ops.reshape(ops.transpose(matrix, (0, 2, 1, 3)), (batch, points * heads, points))
    mixed = ops.matmul(matrix, ops.reshape(x, (batch, points, time * channels)))
    return ops.reshape(mixed, (batch, points * heads, time, channels))


class GroupClock:
    """The frames that a block reads and returns in each call of the streaming model.

    Call c reads `group` frames from c * group - delay on and returns `group` frames from
    c * group - delay - look_ahead on. Frames of negative index do not exist.

    Args:
        group: frames per call.
        delay: delay of the block's input in frames.
        look_ahead: later frames that the block needs.

    >>> from slr_keras.models.stark.spatial import GroupClock
    >>> GroupClock(group=4, delay=3, look_ahead=3).leaving
    6
    """

    def __init__(self, group: int, delay: int, look_ahead: int):
        self.group = group
        self.coming = delay
        self.leaving = delay + look_ahead

    def grouped(self, x, delay: int):
        """`(B, P, T, C)` to `(B*G, P, group, C)`: the frames of a call are one group."""
        batch, points, time, channels = sizes(x)
        first = delay % self.group
        rest = -(time + first) % self.group
        x = ops.pad(x, ((0, 0), (0, 0), (first, rest), (0, 0)))
        groups = (time + first + rest) // self.group
        x = ops.reshape(x, (batch, points, groups, self.group * channels))
        x = ops.transpose(x, (0, 2, 1, 3))
        return ops.reshape(x, (batch * groups, points, self.group, channels))

    def ungrouped(self, x, delay: int, batch, time):
        """`(B*G, R, group, C)` back to `(B, R, T, C)`."""
        _, rows, group, channels = sizes(x)
        first = delay % group
        x = ops.reshape(x, (batch, -1, rows, group * channels))
        x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (batch, rows, -1, channels))
        return x[:, :, first : first + time]

    def calls(self, time, delay: int):
        """Index of the call of each group of `grouped`."""
        first = delay % self.group
        return ops.arange((time + first + self.group - 1) // self.group) + delay // self.group


def running_means(query, key, valid, heads: int, policy: SpatialPolicy, clock: GroupClock):
    """Running means of Q Kᵀ / A, one for each group of frames that leaves the block.

    Args:
        query, key: `(B, P, T, S*A)`, 0 on padding.
        valid: `(B, 1, T)`, 1 on real frames.
        heads: S.
        policy: weights of the groups.
        clock: groups of frames.

    Returns:
        `(B*G, S, P, P)`.
    """
    batch, points, time, channels = sizes(query)
    grams = gram(clock.grouped(query, clock.coming), clock.grouped(key, clock.coming), heads)
    weights = policy.weights(clock.calls(time, clock.leaving), clock.calls(time, clock.coming))
    # Sums over a clip do not fit into half precision.
    grams = ops.reshape(ops.cast(grams, "float32"), (batch, -1, heads * points * points))
    total = ops.reshape(ops.matmul(weights, grams), (-1, heads, points, points))
    frames = ops.expand_dims(ops.cast(valid, "float32"), -1)
    frames = ops.sum(clock.grouped(frames, clock.coming), axis=(1, 2, 3))
    count = ops.matmul(weights, ops.reshape(frames, (batch, -1, 1)))
    count = ops.maximum(count, LEAST_COUNT) * (channels // heads)
    return ops.cast(total / ops.reshape(count, (-1, 1, 1, 1)), query.dtype)


def mix_groups(matrix, x, clock: GroupClock):
    """A_s X with one matrix per group: `(B*G, S, P, P)` and `(B, P, T, C)` to `(B, P*S, T, C)`."""
    batch, _, time, _ = sizes(x)
    mixed = mix(matrix, clock.grouped(x, clock.leaving))
    return clock.ungrouped(mixed, clock.leaving, batch, time)
