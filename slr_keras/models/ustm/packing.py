"""Packing of a batch of clips into one sequence of frames, so that no padding is computed.

Every clip is lengthened as in the authors' loader (docs/papers/ustm.md §2.5): 6 copies of its first
frame, its T frames, and copies of its last frame up to L = 4 ceil(T/4) + 12. The lengthened clips
are concatenated with a gap of one frame after each. Layers of kernel size 3 read zeros in the gaps
and therefore never mix two clips.
"""

from typing import Any, NamedTuple

from keras import ops

from slr_keras.models.temporal import edge_padding, padded_length, time_stride

EDGE = edge_padding()
STRIDE = time_stride()
#: Frames that lengthening adds to a clip whose length is a multiple of the stride.
ADDED = 2 * EDGE


class Packing(NamedTuple):
    """Correspondence between the frames of a packed sequence and those of the batch.

    Attributes:
        sources: `(frames,)` int32, index of the frame in the flattened batch.
        places: `(frames,)` int32, position in the lengthened clip, from 0.
        inside: `(frames,)` float32, 1 on frames of a clip, 0 in gaps.
        counted: `(frames,)` float32, 1 on frames that count in batch statistics.
        slots: `(frames,)` int32, index in the flattened `(batch, length + 1)`.
        valid: `(batch, length)` float32, 1 on frames of the lengthened clips; in both forms each
            clip has its own length.
    """

    sources: Any
    places: Any
    inside: Any
    counted: Any
    slots: Any
    valid: Any


def pack(mask, masked: bool = True) -> Packing:
    """Pack a batch.

    Args:
        mask: `(batch, time)`, 1 on real frames, which come first.
        masked: `True` lengthens each clip independently of the batch, and only real frames count in
            statistics. `False` is the published form: all clips become as long as the longest, and
            copies count in statistics, too.

    Returns:
        the packing, with the longest lengthened clip as `length`.

    >>> import numpy as np
    >>> from slr_keras.models.ustm.packing import pack
    >>> packing = pack(np.array([[1, 1, 1, 1, 1, 0, 0, 0]], "float32"))
    >>> packing.sources.numpy().tolist()
    [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
    >>> int(packing.inside[-1]), int(packing.counted.numpy().sum())
    (0, 5)
    """
    time = ops.shape(mask)[1]
    lengths = ops.cast(ops.sum(ops.cast(mask, "float32"), axis=1), "int32")
    longest = padded_length(time) if masked else padded_length(ops.max(lengths))
    own = ops.where(lengths > 0, padded_length(lengths), 0)
    whole = own if masked else ops.where(lengths > 0, longest, 0)
    column = ops.arange(longest + 1, dtype="int32")[None, :]
    # The gap of a clip comes right after its frames.
    used = column <= whole[:, None]
    inside = ops.cast(column < whole[:, None], "float32")
    real = (column >= EDGE) & (column < EDGE + lengths[:, None])
    counted = ops.cast(real, "float32") if masked else inside
    first = time * ops.arange(ops.shape(mask)[0], dtype="int32")[:, None]
    last = ops.maximum(lengths - 1, 0)[:, None]
    sources = first + ops.minimum(ops.maximum(column - EDGE, 0), last)
    slots = ops.cast(ops.nonzero(ops.reshape(used, (-1,)))[0], "int32")

    def chosen(values):
        return ops.take(ops.reshape(values, (-1,)), slots, axis=0)

    # Gaps take position 0: after the longest clip, their own could be beyond a table of positions.
    places = ops.where(column < whole[:, None], column, 0)
    valid = ops.cast(column[:, :-1] < own[:, None], "float32")
    return Packing(*(chosen(values) for values in (sources, places, inside, counted)), slots, valid)


def unpack(features, packing: Packing):
    """Turn the vectors of a packed sequence into a batch.

    Args:
        features: `(frames, width)`.
        packing: the packing of the batch.

    Returns:
        `(batch, length, width)`, 0 after the end of each clip.

    >>> import numpy as np
    >>> from slr_keras.models.ustm.packing import pack, unpack
    >>> packing = pack(np.array([[1, 1, 1, 1], [1, 0, 0, 0]], "float32"))
    >>> unpack(np.ones((34, 3), "float32"), packing).shape
    TensorShape([2, 16, 3])
    """
    batch, length = ops.shape(packing.valid)[:2]
    width = features.shape[-1]
    # Not by a product: 0 * inf of a gap would be nan.
    features = ops.where(packing.inside[:, None] > 0, features, ops.zeros_like(features))
    flat = ops.scatter(ops.expand_dims(packing.slots, 1), features, (batch * (length + 1), width))
    return ops.reshape(flat, (batch, length + 1, width))[:, :length]
