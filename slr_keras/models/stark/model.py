"""STARK: keypoint streams, their encoders, and the gloss heads (specs/stark.md §0)."""

from collections.abc import Mapping, Sequence

import keras

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.head import GlossHead
from slr_keras.models.stark.streams import (
    checked_heads,
    checked_streams,
    encode_streams,
    encoder_config,
    make_encoders,
    merge_streams,
)


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
        gloss_heads: which of these there are: `fuse`, which reads all streams, alone or with others
            of `left`, `right`, `body`. Defaults to `None`, all that the streams can feed. Heads
            beside `fuse` teach in training; a device needs one.
        spatial_policy, spatial_decay, spatial_memory, causal: how the encoders see a clip that is
            still being signed, see `StarkBlock`; `causal_heads`: whether the heads' convolutions
            see no step to come. The weights are the same whatever these say.

    Raises:
        ValueError: streams or heads that do not exist.

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
        spatial_policy: str = "offline",
        spatial_decay: float = 0.97,
        spatial_memory: int = 64,
        causal: bool = False,
        causal_heads: bool = False,
        gloss_heads: Sequence[str] | None = None,
        dtype=None,
        name: str | None = None,
    ):
        streams = checked_streams(streams, points)
        head_names = checked_heads(streams, gloss_heads)
        # === Layers ===
        encoders = make_encoders(
            streams,
            widths=widths,
            stem_width=stem_width,
            heads=heads,
            window=window,
            pools=pools,
            stride=stride,
            dropout=attention_dropout,
            position=position,
            spatial_policy=spatial_policy,
            spatial_decay=spatial_decay,
            spatial_memory=spatial_memory,
            causal=causal,
            dtype=dtype,
        )
        head_layers = {
            name: GlossHead(
                vocabulary_size,
                width=head_width,
                feed_forward_width=feed_forward_width,
                dropout=dropout,
                causal=causal_heads,
                dtype=dtype,
                name=f"head_{name}",
            )
            for name in head_names
        }

        # === Functional Model ===
        inputs, features, steps = encode_streams(encoders, streams, points, channels)
        outputs = {
            name: head(merge_streams(name, features, dtype), valid=steps)
            for name, head in head_layers.items()
        }
        super().__init__(inputs=inputs, outputs=outputs, name=name)

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
        self.spatial_policy = spatial_policy
        self.spatial_decay = spatial_decay
        self.spatial_memory = spatial_memory
        self.causal = causal
        self.causal_heads = causal_heads
        self.encoders = encoders
        # `None` stays, so that it means all heads of other streams, too.
        self.head_names = None if gloss_heads is None else head_names
        self.gloss_heads = head_layers

    def get_config(self):
        return {
            **encoder_config(self),
            "head_width": self.head_width,
            "feed_forward_width": self.feed_forward_width,
            "causal_heads": self.causal_heads,
            "gloss_heads": self.head_names,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
