"""A model family of another package: the mean over the points of four frames, and two layers.

This module and `mean_points.yaml` are all that a new family needs; CONTRIBUTING tells the same in
words.
"""

from typing import Any

import keras
from keras import ops

from slr_keras.models.family import ModelFamily


@keras.saving.register_keras_serializable("mean_points")
class MeanPoints(keras.Model):
    """CTC logits of the mean of all points over each four frames.

    Args:
        vocabulary_size: classes with the blank.
        width: of the hidden layer.

    Inputs, a dictionary: `keypoints` `(batch, time, points, channels)` and `mask` `(batch, time)`.

    Outputs, a dictionary: `fuse`, logits `(batch, time / 4, vocabulary_size)`.
    """

    stride = 4
    clip_inputs = ("keypoints", "mask")
    reported_heads = ("fuse",)

    def __init__(self, vocabulary_size: int, width: int = 16, **kwargs: Any):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.width = width
        self.hidden = keras.layers.Dense(width, activation="relu", name="hidden")
        self.head_fuse = keras.layers.Dense(vocabulary_size, name="head_fuse")

    def hidden_steps(self, inputs):
        """The hidden layer, `(batch, time / 4, width)`; padding adds nothing."""
        keypoints, mask = inputs["keypoints"], inputs["mask"]
        batch, time, points, channels = ops.shape(keypoints)
        masked = ops.reshape(keypoints, (batch, time, points * channels)) * mask[..., None]
        steps = ops.reshape(masked, (batch, time // self.stride, self.stride, points * channels))
        return self.hidden(ops.mean(steps, axis=2))

    def call(self, inputs, training=None):
        return {"fuse": self.head_fuse(self.hidden_steps(inputs))}

    def get_config(self) -> dict[str, Any]:
        config = {"vocabulary_size": self.vocabulary_size, "width": self.width}
        return {**super().get_config(), **config}


def build(
    vocabulary_size: int,
    streams: dict[str, tuple[int, ...]],
    points: int,
    channels: int,
    width: int = 16,
    dtype: str | None = None,
) -> MeanPoints:
    """Make the model and its weights for clips of so many points and channels."""
    model = MeanPoints(vocabulary_size, width, dtype=dtype)
    model({"keypoints": ops.zeros((1, 4, points, channels)), "mask": ops.ones((1, 4))})
    return model


FAMILY = ModelFamily(
    "mean_points",
    "keypoints",
    "glosses",
    build,
    {"mean_points": {}, "mean_points_small": {"width": 8}},
    feature_head="fuse",
    features=lambda model, head: model.hidden_steps,
)
