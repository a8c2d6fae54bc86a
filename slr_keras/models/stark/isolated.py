"""STARK's encoders with heads that name the one sign of a clip (specs/stark.md §3, stepnet.md §6).

The heads of StepNet: mean over the clip, dropout, one linear layer, each with a loss of its own.
"""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.layers import PACKAGE, Linear
from slr_keras.models.stark.streams import (
    checked_streams,
    encode_streams,
    encoder_config,
    heads_of,
    make_encoders,
    merge_streams,
)


@keras.saving.register_keras_serializable(PACKAGE)
class SignHead(keras.layers.Layer):
    """Features of a clip to the logits of one sign: mean over real steps, dropout, FC.

    Args:
        classes: signs.
        dropout: on the mean. Defaults to `0.5`.

    Call arguments:
        inputs: `(batch, steps, channels)`.
        valid: `(batch, steps)`, 1 on real steps.

    Returns:
        Logits `(batch, classes)` in float32.

    >>> import numpy as np
    >>> from slr_keras.models.stark.isolated import SignHead
    >>> head = SignHead(3)
    >>> head(np.zeros((2, 5, 8), "float32"), valid=np.ones((2, 5), "float32")).shape
    TensorShape([2, 3])
    """

    def __init__(self, classes: int, dropout: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.dropout = dropout

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.mean_dropout = keras.layers.Dropout(self.dropout, dtype=policy)
        self.linear = Linear(self.classes, dtype=policy, name="linear")
        self.linear.build((inputs_shape[0], inputs_shape[-1]))

    def call(self, inputs, valid=None, training=False):
        if valid is None:
            valid = ops.ones(ops.shape(inputs)[:2])
        steps = ops.cast(valid, self.compute_dtype)
        count = ops.maximum(ops.sum(steps, axis=1, keepdims=True), 1.0)
        mean = ops.sum(inputs * ops.expand_dims(steps, -1), axis=1) / count
        return ops.cast(self.linear(self.mean_dropout(mean, training=training)), "float32")

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (inputs_shape[0], self.classes)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, _, channels = inputs_shape
        return batch * channels * self.classes

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "dropout": self.dropout}


@keras.saving.register_keras_serializable(PACKAGE)
class StarkIsolated(keras.Model):
    """Isolated sign recognition from keypoints.

    The encoders of `Stark`, and in place of its gloss decoders a `SignHead` for each of its heads;
    `fuse`, which sees all streams, is the prediction.

    Args:
        vocabulary_size: tokens with the blank and <unk>; class c is the token c + 2.
        streams, points, channels, widths, stem_width, heads, window, pools, stride,
            attention_dropout, position: see `Stark`.
        dropout: of the heads, see `SignHead`.
        spatial_policy, spatial_decay, spatial_memory, causal: see `Stark`.

    Inputs:
        `{"keypoints": (batch, time, points, channels), "mask": (batch, time)}`; time and the
        length of each clip are multiples of `stride`.

    Outputs:
        logits by head, each `(batch, vocabulary_size - 2)`.

    >>> import numpy as np
    >>> from slr_keras.models.stark.isolated import StarkIsolated
    >>> model = StarkIsolated(7, {"body": (0, 1, 2), "left": (0, 1)}, points=3, widths=(8,),
    ...                       stem_width=8, heads=2, window=3, pools=(1,))
    >>> outputs = model({"keypoints": np.zeros((1, 8, 3, 3)), "mask": np.ones((1, 8))})
    >>> sorted(outputs), outputs["fuse"].shape
    (['body', 'fuse', 'left'], TensorShape([1, 5]))
    """

    #: What the model reads of a batch.
    clip_inputs = ("keypoints", "mask")
    #: Whose logits are the prediction.
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
        dtype=None,
        name: str | None = None,
    ):
        classes = vocabulary_size - Vocabulary.FIRST_GLOSS_ID
        if classes < 1:
            raise ValueError(f"a vocabulary of {vocabulary_size} tokens names no sign")
        streams = checked_streams(streams, points)
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
            name: SignHead(classes, dropout, dtype=dtype, name=f"head_{name}")
            for name in heads_of(streams)
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
        self.dropout = dropout
        self.spatial_policy = spatial_policy
        self.spatial_decay = spatial_decay
        self.spatial_memory = spatial_memory
        self.causal = causal
        self.encoders = encoders
        self.head_layers = head_layers

    def get_config(self):
        return encoder_config(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)
