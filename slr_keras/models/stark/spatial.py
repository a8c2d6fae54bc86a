"""The spatial attention's Gram matrices and mixtures: of clips, and of groups of frames of a clip.

Shapes: B batch, P points, T time, S heads, A attention channels of a head, C channels, G groups.
No tensor has more than four axes, so that the same graph runs on the device.
"""

from keras import ops

from slr_keras.models.stark.policy import SpatialPolicy

# Sums that no frame has reached yet are divided by this.
LEAST_COUNT = 1e-6


def sizes(tensor) -> tuple:
    """The shape of a tensor, each size static where it is known."""
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
    """A_s X of one matrix a clip: `(B, S, P, P)` and `(B, P, T, C)` to `(B, P*S, T, C)`."""
    batch, points, time, channels = sizes(x)
    heads = matrix.shape[1]
    # Rows ordered (point, head): the result lies point by point, as everything else.
    matrix = ops.reshape(ops.transpose(matrix, (0, 2, 1, 3)), (batch, points * heads, points))
    mixed = ops.matmul(matrix, ops.reshape(x, (batch, points, time * channels)))
    return ops.reshape(mixed, (batch, points * heads, time, channels))


class GroupClock:
    """When a block that sees `group` frames a call sees which frame, and lets which go.

    Call c brings the frames from c * group - delay on; the frames from c * group - delay -
    look_ahead on leave. Frames before the first one do not exist.

    Args:
        group: frames a call.
        delay: how many frames late the block's input is.
        look_ahead: frames that the block waits for.

    >>> from slr_keras.models.stark.spatial import GroupClock
    >>> GroupClock(group=4, delay=3, look_ahead=3).leaving
    6
    """

    def __init__(self, group: int, delay: int, look_ahead: int):
        self.group = group
        self.coming = delay
        self.leaving = delay + look_ahead

    def grouped(self, x, delay: int):
        """`(B, P, T, C)` to `(B*G, P, group, C)`, frames of the same call in one group."""
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
        """The call of each group of `grouped`."""
        first = delay % self.group
        return ops.arange((time + first + self.group - 1) // self.group) + delay // self.group


def running_means(query, key, valid, heads: int, policy: SpatialPolicy, clock: GroupClock):
    """What each leaving group's attention is the softmax of.

    Args:
        query, key: `(B, P, T, S*A)`, 0 on padding.
        valid: `(B, 1, T)`.

    Returns:
        `(B*G, S, P, P)`, by leaving groups.
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
    """A_s X with a matrix for each leaving group: `(B*G, S, P, P)` and `(B, P, T, C)` to
    `(B, P*S, T, C)`."""
    batch, _, time, _ = sizes(x)
    mixed = mix(matrix, clock.grouped(x, clock.leaving))
    return clock.ungrouped(mixed, clock.leaving, batch, time)
