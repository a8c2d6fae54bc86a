"""The STARK model: keypoint streams, their encoders, and the gloss heads.

See docs/papers/stark.md §0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from slr_keras.models.layers import PACKAGE
from slr_keras.models.stark.base import KeypointModel
from slr_keras.models.stark.head import GlossHead
from slr_keras.models.stark.streams import checked_heads, checked_streams


@keras.saving.register_keras_serializable(PACKAGE)
class Stark(KeypointModel):
    """Continuous sign language recognition from keypoints.

    Each stream of points has its own encoder. Up to four heads read concatenated streams: `fuse`
    reads all of them, `left` and `right` one hand and the face, `body` the body. Streams that a
    keypoint layout lacks are left out, and so are heads that would repeat `fuse`.

    Reference: Patra and Samanta, "STARK: Spatio-Temporal Attention for Representation of Keypoints
    for Continuous Sign Language Recognition", arXiv 2603.16163.

    Args:
        vocabulary_size: classes with the blank (class 0).
        streams: point indices of each stream; the names are `body`, `left`, `right`, `face`.
        points: points in the input. Defaults to `79`.
        channels: channels of a point. Defaults to `3`: x, y, score.
        widths: output channels of the encoders' blocks (hidden_sizes). Defaults to
            `(64, 96, 128, 256)`.
        stem_width: channels of the encoders' stems (embed_dim). Defaults to `64`.
        heads: number of attention heads per block (num_heads). Defaults to `6`.
        window: frames that the temporal attention reads (window_size). Defaults to `7`.
        pools: temporal pooling factors before the blocks, see `StarkEncoder`. Defaults to
            `(1, 1, 1, 1)`.
        stride: frames per output step. Defaults to `4`.
        attention_dropout: dropout rate of the attention maps. Defaults to `0.1`.
        position: position code of the points, see `KeypointStem`. Defaults to `"keypoint"`.
        head_width: channels inside the heads (hidden_dim). Defaults to `512`.
        feed_forward_width: channels of the heads' feed-forward layers (intermediate_dim). Defaults
            to `2048`.
        dropout: dropout rate of the heads. Defaults to `0.1`.
        spatial_policy, spatial_decay, spatial_memory: frames that the spatial attention averages
            over, see `StarkBlock`. Defaults to `"offline"`, the whole clip.
        causal: whether the temporal attention reads no later frames. Defaults to `False`.
        causal_heads: whether the heads' convolutions read no later steps. Defaults to `False`.
        gloss_heads: names of the heads, such as `("fuse",)`. Defaults to `None`: every head whose
            streams exist. Heads other than `fuse` serve training; inference needs one head.
        inputs: features of the points, options of `slr_keras.models.inputs.InputConfig`. Defaults
            to `None`: the points as they are, as published.
        skeleton: hands and mirror map, see `slr_keras.models.inputs.KeypointInputs`.
        dtype: dtype policy of the layers.
        name: name of the model.

    The spatial policy and the causal arguments change no weight's shape, so that weights of one
    setting load into another.

    Raises:
        ValueError: unknown streams or heads.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`; time and the
        length of each clip are multiples of `stride`.

    Outputs:
        logits by head, `(batch, time / stride, vocabulary_size)` each.

    >>> import numpy as np
    >>> from slr_keras.models.stark.model import Stark
    >>> model = Stark(5, {"body": (0, 1, 2), "left": (0, 1)}, points=3, widths=(8, 8), stem_width=8,
    ...               heads=2, window=3, pools=(1, 1), head_width=8, feed_forward_width=16)
    >>> outputs = model({"keypoints": np.zeros((1, 8, 3, 3)), "mask": np.ones((1, 8))})
    >>> sorted(outputs), outputs["fuse"].shape
    (['body', 'fuse', 'left'], TensorShape([1, 2, 5]))
    """

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
        inputs: Mapping[str, Any] | None = None,
        skeleton: Mapping[str, Any] | None = None,
        dtype=None,
        name: str | None = None,
    ):
        streams = checked_streams(streams, points)
        head_names = checked_heads(streams, gloss_heads)
        head_layers = {
            head: GlossHead(
                vocabulary_size,
                width=head_width,
                feed_forward_width=feed_forward_width,
                dropout=dropout,
                causal=causal_heads,
                dtype=dtype,
                name=f"head_{head}",
            )
            for head in head_names
        }
        super().__init__(
            vocabulary_size,
            streams,
            head_layers,
            points=points,
            channels=channels,
            widths=widths,
            stem_width=stem_width,
            heads=heads,
            window=window,
            pools=pools,
            stride=stride,
            attention_dropout=attention_dropout,
            position=position,
            dropout=dropout,
            spatial_policy=spatial_policy,
            spatial_decay=spatial_decay,
            spatial_memory=spatial_memory,
            causal=causal,
            inputs=inputs,
            skeleton=skeleton,
            dtype=dtype,
            name=name,
        )
        self.head_width = head_width
        self.feed_forward_width = feed_forward_width
        self.causal_heads = causal_heads
        # `None` is kept, so that it means every head for other streams, too.
        self.head_names = None if gloss_heads is None else head_names
        self.gloss_heads = head_layers

    def get_config(self):
        return {
            **super().get_config(),
            "head_width": self.head_width,
            "feed_forward_width": self.feed_forward_width,
            "causal_heads": self.causal_heads,
            "gloss_heads": self.head_names,
        }
