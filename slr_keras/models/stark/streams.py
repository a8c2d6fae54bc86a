"""Streams of points, and the streams that each head reads (docs/papers/stark.md §0)."""

from collections.abc import Iterable, Mapping, Sequence

import keras

from slr_keras.models.checks import OptionError
from slr_keras.models.inputs import KeypointInputs
from slr_keras.models.inputs.operations import select_points
from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.encoder import StarkEncoder

STREAMS = ("left", "face", "right", "body")
HEADS = ("fuse", "left", "right", "body")
HEAD_STREAMS = {
    "fuse": STREAMS,
    "left": ("left", "face"),
    "right": ("right", "face"),
    "body": ("body",),
}


def heads_of(streams: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """Names of the heads whose streams exist; heads that would repeat `fuse` are left out.

    >>> from slr_keras.models.stark.streams import heads_of
    >>> heads_of({"body": (), "left": (), "right": (), "face": ()})
    ('fuse', 'left', 'right', 'body')
    >>> heads_of({"body": ()})
    ('fuse',)
    """
    return tuple(
        name
        for name in HEADS
        if name == "fuse" or (name in streams and set(streams) - set(HEAD_STREAMS[name]))
    )


def checked_heads(
    streams: Mapping[str, Sequence[int]], names: Sequence[str] | None
) -> tuple[str, ...]:
    """Check names of heads and return them in the order of `HEADS`.

    Args:
        streams: point indices by stream.
        names: names of heads; None for all that the streams allow.

    Raises:
        ValueError: a head whose streams do not exist, or no head.

    >>> from slr_keras.models.stark.streams import checked_heads
    >>> checked_heads({"body": (), "left": ()}, ["left", "fuse"])
    ('fuse', 'left')
    """
    known = heads_of(streams)
    if names is None:
        return known
    unknown = set(names) - set(known)
    if unknown or not names:
        raise OptionError(f"gloss_heads must be some of {', '.join(known)}; got {list(names)}")
    return tuple(name for name in known if name in names)


def checked_streams(
    streams: Mapping[str, Sequence[int]], points: int
) -> dict[str, tuple[int, ...]]:
    """Check point indices by stream and return them in the order of `STREAMS`.

    Raises:
        ValueError: an unknown stream, no points, or an index outside 0..points - 1.

    >>> from slr_keras.models.stark.streams import checked_streams
    >>> checked_streams({"body": [0, 1], "left": [1]}, points=2)
    {'left': (1,), 'body': (0, 1)}
    """
    unknown = set(streams) - set(STREAMS)
    if unknown or not streams:
        raise OptionError(f"streams must be some of {sorted(STREAMS)}; got {sorted(streams)}")
    for name, indices in streams.items():
        if not len(indices) or min(indices) < 0 or max(indices) >= points:
            raise OptionError(f"stream {name!r} needs point indices in 0..{points - 1}")
    return {name: tuple(int(i) for i in streams[name]) for name in STREAMS if name in streams}


def make_encoders(streams: Iterable[str], **options) -> dict[str, StarkEncoder]:
    """Make an encoder for each stream, all with the same arguments of `StarkEncoder`.

    >>> from slr_keras.models.stark.streams import make_encoders
    >>> [encoder.name for encoder in make_encoders(("left", "body"), stem_width=8).values()]
    ['encoder_left', 'encoder_body']
    """
    return {name: StarkEncoder(name=f"encoder_{name}", **options) for name in streams}


def encode_streams(
    encoders: Mapping[str, StarkEncoder],
    streams: Mapping[str, Sequence[int]],
    points: int,
    channels: int,
    input_layer: KeypointInputs | None = None,
) -> tuple[dict, dict, "keras.KerasTensor"]:
    """Connect the inputs of a functional model to the features of each stream.

    Args:
        encoders: encoder of each stream.
        streams: point indices of each stream.
        points: points in the input.
        channels: channels of a point.
        input_layer: features of the points, in the form "points"; None for the points themselves.

    Returns:
        the inputs "keypoints" `(batch, time, points, channels)` and "mask" `(batch, time)`; the
        features `(batch, steps, width)` by stream; and the mask of the steps `(batch, steps)`.
    """
    keypoints = keras.Input((None, points, channels), dtype="float32", name="keypoints")
    mask = keras.Input((None,), dtype="float32", name="mask")
    read, valid = (keypoints, mask) if input_layer is None else input_layer(keypoints, mask)
    features = {
        name: encoders[name](_PointSelection(indices, name=f"points_{name}")(read), valid)
        for name, indices in streams.items()
    }
    stride = next(iter(encoders.values())).stride
    steps = _StepMask(stride, name="steps")(valid)
    return {"keypoints": keypoints, "mask": mask}, features, steps


def merge_streams(head: str, features: Mapping[str, "keras.KerasTensor"], dtype=None):
    """Concatenate the features of a head's streams: `(batch, steps, channels)`."""
    selected = [features[name] for name in HEAD_STREAMS[head] if name in features]
    if len(selected) == 1:
        return selected[0]
    return keras.layers.Concatenate(name=f"merge_{head}", dtype=dtype)(selected)


@keras.saving.register_keras_serializable(PACKAGE)
class _PointSelection(keras.layers.Layer):
    """Select the points of a stream: `(batch, time, points, channels)` on the points axis."""

    def __init__(self, indices, **kwargs):
        super().__init__(**kwargs)
        self.indices = tuple(indices)

    def call(self, inputs):
        return select_points(inputs, self.indices)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], len(self.indices), input_shape[3])

    def get_config(self):
        return {**super().get_config(), "indices": self.indices}


@keras.saving.register_keras_serializable(PACKAGE)
class _StepMask(keras.layers.Layer):
    """Frame mask to step mask; the length of a clip is a multiple of the stride."""

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs):
        return inputs[:, :: self.stride]

    def compute_output_shape(self, input_shape):
        batch, time = input_shape
        return (batch, None if time is None else time // self.stride)

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}
