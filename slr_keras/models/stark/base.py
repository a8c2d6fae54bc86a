"""Base class of STARK's models: streams of keypoints, an encoder for each stream, and heads."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from slr_keras.models.inputs import KeypointInputs, ReadsFeatures
from slr_keras.models.presets import FromPreset
from slr_keras.models.stark.streams import encode_streams, make_encoders, merge_streams

Streams = Mapping[str, Sequence[int]]


class KeypointModel(ReadsFeatures, FromPreset, keras.Model):
    """Base of models that read keypoints through STARK's encoders.

    Args:
        vocabulary_size: tokens with the blank.
        streams: point indices of each stream, as `checked_streams` returns them.
        head_layers: a layer by the head's name. Its call takes the features of the head's streams,
            `(batch, steps, channels)`, and `valid`, `(batch, steps)`.
        points: points in the input.
        channels: channels of a point.
        attention_dropout: dropout rate of the attention maps.
        dropout: dropout rate of the heads; kept for `get_config`.
        dtype: dtype policy of the layers.
        name: of the model.
        inputs: options of `slr_keras.models.inputs.InputConfig`; None for the points as they are.
        skeleton: hands and mirror map of the points, which some inputs need.
        encoder: the other arguments of `StarkEncoder`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        streams: Streams,
        head_layers: Mapping[str, keras.layers.Layer],
        *,
        points: int,
        channels: int,
        attention_dropout: float,
        dropout: float,
        dtype: Any,
        name: str | None,
        inputs: Mapping[str, Any] | None = None,
        skeleton: Mapping[str, Any] | None = None,
        **encoder: Any,
    ):
        # === Functional Model ===
        input_layer = None
        if inputs is not None:
            input_layer = KeypointInputs(inputs, skeleton, form="points", name="inputs")
        encoders = make_encoders(streams, dropout=attention_dropout, dtype=dtype, **encoder)
        read, features, steps = encode_streams(encoders, streams, points, channels, input_layer)
        outputs = {
            head: layer(merge_streams(head, features, dtype), valid=steps)
            for head, layer in head_layers.items()
        }
        super().__init__(inputs=read, outputs=outputs, name=name)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.streams = streams
        self.points = points
        self.channels = channels
        self.widths = tuple(encoder["widths"])
        self.stem_width = encoder["stem_width"]
        self.attention_heads = encoder["heads"]
        self.window = encoder["window"]
        self.pools = tuple(encoder["pools"])
        self.stride = encoder["stride"]
        self.attention_dropout = attention_dropout
        self.position = encoder["position"]
        self.dropout = dropout
        self.spatial_policy = encoder["spatial_policy"]
        self.spatial_decay = encoder["spatial_decay"]
        self.spatial_memory = encoder["spatial_memory"]
        self.causal = encoder["causal"]
        self.skeleton = skeleton
        self.input_layer = input_layer
        self.encoders = encoders

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
            "dropout": self.dropout,
            "spatial_policy": self.spatial_policy,
            "spatial_decay": self.spatial_decay,
            "spatial_memory": self.spatial_memory,
            "causal": self.causal,
            "inputs": self.input_layer.config.to_json() if self.input_layer else None,
            "skeleton": self.skeleton,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
