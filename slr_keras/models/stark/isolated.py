"""STARK for isolated signs: classification heads.

See docs/papers/stark.md §3, docs/papers/stepnet.md §6.

The heads are those of StepNet: mean over the clip, dropout, one linear layer, each with its own
loss.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE
from slr_keras.models.sign_head import SignHead
from slr_keras.models.stark.base import KeypointModel
from slr_keras.models.stark.streams import checked_streams, heads_of


@keras.saving.register_keras_serializable(PACKAGE)
class StarkIsolated(KeypointModel):
    """Isolated sign recognition from keypoints.

    The encoders are those of `Stark`; a `SignHead` replaces each gloss head. The prediction is that
    of `fuse`, which reads all streams.

    Args:
        vocabulary_size: tokens with the blank and <unk>; class c is the token c + 2.
        streams, points, channels, widths, stem_width, heads, window, pools, stride,
            attention_dropout, position: see `Stark`.
        dropout: dropout rate of the heads. Defaults to `0.5`.
        spatial_policy, spatial_decay, spatial_memory, causal, inputs, skeleton: see `Stark`.
        pooling: pooling of the heads, see `ClipPooling`. Defaults to `"mean"`.
        dtype: dtype policy of the layers.
        name: name of the model.

    Raises:
        ValueError: unknown streams, or a vocabulary without signs.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`; time and the
        length of each clip are multiples of `stride`.

    Outputs:
        logits by head, `(batch, vocabulary_size - 2)` each.

    >>> import numpy as np
    >>> from slr_keras.models.stark.isolated import StarkIsolated
    >>> model = StarkIsolated(7, {"body": (0, 1, 2), "left": (0, 1)}, points=3, widths=(8,),
    ...                       stem_width=8, heads=2, window=3, pools=(1,))
    >>> outputs = model({"keypoints": np.zeros((1, 8, 3, 3)), "mask": np.ones((1, 8))})
    >>> sorted(outputs), outputs["fuse"].shape
    (['body', 'fuse', 'left'], TensorShape([1, 5]))
    """

    #: Heads whose mean is the prediction.
    reported_heads = ("fuse",)

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
        dropout: float = 0.5,
        spatial_policy: str = "offline",
        spatial_decay: float = 0.97,
        spatial_memory: int = 64,
        causal: bool = False,
        pooling: str = "mean",
        inputs: Mapping[str, Any] | None = None,
        skeleton: Mapping[str, Any] | None = None,
        dtype=None,
        name: str | None = None,
    ):
        classes = vocabulary_size - Vocabulary.FIRST_GLOSS_ID
        if classes < 1:
            raise OptionError(f"a vocabulary of {vocabulary_size} tokens names no sign")
        streams = checked_streams(streams, points)
        head_layers = {
            head: SignHead(classes, dropout, pooling, dtype=dtype, name=f"head_{head}")
            for head in heads_of(streams)
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
        self.pooling = pooling
        self.head_layers = head_layers

    def get_config(self):
        return {**super().get_config(), "pooling": self.pooling}
