"""STARK: keypoint streams, their encoders, and the gloss heads (specs/stark.md §0)."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.encoder import StarkEncoder
from slr_keras.models.stark.head import GlossHead

STREAMS = ("left", "face", "right", "body")
HEADS = ("fuse", "left", "right", "body")
HEAD_STREAMS = {
    "fuse": STREAMS,
    "left": ("left", "face"),
    "right": ("right", "face"),
    "body": ("body",),
}


@keras.saving.register_keras_serializable(PACKAGE)
class Stark(keras.Model):
    """Continuous sign language recognition from keypoints.

    Each stream of points has an encoder of its own; heads read the streams in the order left, face,
    right, body: `fuse` all of them, `left` and `right` a hand and the face, `body` the body.
    Streams that a keypoint layout lacks are left out, and so are heads that would repeat `fuse`.

    Reference: Patra and Samanta, "STARK: Spatio-Temporal Attention for Representation of Keypoints
    for Continuous Sign Language Recognition", arXiv 2603.16163.

    Args:
        vocabulary_size: classes with the blank (class 0).
        streams: point indices of each stream, names out of body, left, right, face.
        points: points in the input. Defaults to `79`.
        channels: channels of a point. Defaults to `3`: x, y, score.
        widths, stem_width, heads, window, pools, stride, attention_dropout, position: of the
            encoders, see `StarkEncoder`.
        head_width, feed_forward_width, dropout: of the heads, see `GlossHead`.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`; time and the
        length of each clip are multiples of `stride`.

    Outputs:
        logits by head, each `(batch, time / stride, vocabulary_size)`.

    >>> import numpy as np
    >>> from slr_keras.models.stark.model import Stark
    >>> model = Stark(5, {"body": (0, 1, 2), "left": (0, 1)}, points=3, widths=(8, 8), stem_width=8,
    ...               heads=2, window=3, pools=(1, 1), head_width=8, feed_forward_width=16)
    >>> outputs = model({"keypoints": np.zeros((1, 8, 3, 3)), "mask": np.ones((1, 8))})
    >>> sorted(outputs), outputs["fuse"].shape
    (['body', 'fuse', 'left'], TensorShape([1, 2, 5]))
    """

    #: What the model reads of a batch.
    clip_inputs = ("keypoints", "mask")

    def __init__(
        self,
        vocabulary_size: int,
        streams: Mapping[str, Sequence[int]],
        points: int = 79,
        channels: int = 3,
        widths: Sequence[int] = (64, 96, 128, 256),
        stem_width: int = 64,
        heads: int = 6,
        window: int = 7,
        pools: Sequence[int] = (1, 1, 1, 1),
        stride: int = 4,
        attention_dropout: float = 0.1,
        position: str = "keypoint",
        head_width: int = 512,
        feed_forward_width: int = 2048,
        dropout: float = 0.1,
        dtype=None,
        name: str | None = None,
    ):
        streams = _checked_streams(streams, points)
        # === Layers ===
        encoders = {
            name: StarkEncoder(
                widths,
                stem_width=stem_width,
                heads=heads,
                window=window,
                pools=pools,
                stride=stride,
                dropout=attention_dropout,
                position=position,
                dtype=dtype,
                name=f"encoder_{name}",
            )
            for name in streams
        }
        gloss_heads = {
            name: GlossHead(
                vocabulary_size,
                width=head_width,
                feed_forward_width=feed_forward_width,
                dropout=dropout,
                dtype=dtype,
                name=f"head_{name}",
            )
            for name in heads_of(streams)
        }

        # === Functional Model ===
        keypoints = keras.Input((None, points, channels), dtype="float32", name="keypoints")
        mask = keras.Input((None,), dtype="float32", name="mask")
        features = {
            name: encoders[name](_PointSelection(indices, name=f"points_{name}")(keypoints), mask)
            for name, indices in streams.items()
        }
        steps = _StepMask(stride, name="steps")(mask)
        outputs = {}
        for name, head in gloss_heads.items():
            parts = [features[part] for part in HEAD_STREAMS[name] if part in features]
            merged = (
                keras.layers.Concatenate(name=f"merge_{name}", dtype=dtype)(parts)
                if len(parts) > 1
                else parts[0]
            )
            outputs[name] = head(merged, valid=steps)
        super().__init__(inputs={"keypoints": keypoints, "mask": mask}, outputs=outputs, name=name)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.streams = streams
        self.points = points
        self.channels = channels
        self.widths = tuple(widths)
        self.stem_width = stem_width
        self.attention_heads = heads
        self.window = window
        self.pools = tuple(pools)
        self.stride = stride
        self.attention_dropout = attention_dropout
        self.position = position
        self.head_width = head_width
        self.feed_forward_width = feed_forward_width
        self.dropout = dropout
        self.encoders = encoders
        self.gloss_heads = gloss_heads

    def get_config(self):
        return {
            "name": self.name,
            "vocabulary_size": self.vocabulary_size,
            "streams": {name: list(indices) for name, indices in self.streams.items()},
            "points": self.points,
            "channels": self.channels,
            "widths": self.widths,
            "stem_width": self.stem_width,
            "heads": self.attention_heads,
            "window": self.window,
            "pools": self.pools,
            "stride": self.stride,
            "attention_dropout": self.attention_dropout,
            "position": self.position,
            "head_width": self.head_width,
            "feed_forward_width": self.feed_forward_width,
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def heads_of(streams: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """The heads that a set of streams can feed; those that would repeat `fuse` are left out.

    >>> from slr_keras.models.stark.model import heads_of
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


def _checked_streams(streams, points):
    unknown = set(streams) - set(STREAMS)
    if unknown or not streams:
        raise ValueError(f"streams must be some of {sorted(STREAMS)}; got {sorted(streams)}")
    for name, indices in streams.items():
        if not len(indices) or min(indices) < 0 or max(indices) >= points:
            raise ValueError(f"stream {name!r} needs point indices in 0..{points - 1}")
    return {name: tuple(int(i) for i in streams[name]) for name in STREAMS if name in streams}


@keras.saving.register_keras_serializable(PACKAGE)
class _PointSelection(keras.layers.Layer):
    """Picks a stream's points: `(batch, time, points, channels)` on the points axis."""

    def __init__(self, indices, **kwargs):
        super().__init__(**kwargs)
        self.indices = tuple(indices)

    def call(self, inputs):
        # Runs of neighbours become slices: the device has no fast gather.
        indices = np.asarray(self.indices)
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1
        parts = [inputs[:, :, run[0] : run[-1] + 1] for run in np.split(indices, breaks)]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=2)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], len(self.indices), input_shape[3])

    def get_config(self):
        return {**super().get_config(), "indices": self.indices}


@keras.saving.register_keras_serializable(PACKAGE)
class _StepMask(keras.layers.Layer):
    """Frame mask to step mask: clips are multiples of the stride long."""

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
