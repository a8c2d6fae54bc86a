"""Keras model of the sign encoder: features, averages over time, and a linear map."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.inputs import KeypointInputs, ReadsFeatures, SkeletonOption
from slr_keras.models.layers import PACKAGE
from slr_keras.models.sign_encoder.whitening import Whitening

VECTOR = "vector"


@keras.saving.register_keras_serializable(PACKAGE)
class SignEncoderModel(ReadsFeatures, keras.Model):
    """Maps a clip of one sign to a vector; vectors of one sign have a large cosine.

    The clip is resampled to `steps` times, its features are standardised and averaged over
    `segments` equal parts of the clip, and the averages are mapped linearly (`fit_whitening`).
    Nothing is trained by gradients.

    Args:
        dimension: components of the vector.
        points: points in the input. Defaults to `55`.
        channels: channels of a point. Defaults to `3`.
        steps: times to which a clip is resampled. Defaults to `16`.
        segments: parts over which the features are averaged. Defaults to `8`.
        skeleton: hands and mirror map, see `slr_keras.models.inputs.KeypointInputs`.
        name: of the model.

    Call arguments:
        inputs: `keypoints` `(batch, time, points, channels)`, prepared by the contract, and `mask`
            `(batch, time)`, 1 on the frames of the clip.

    Returns:
        `{"vector": (batch, dimension)}`, not at unit length.

    Raises:
        OptionError: the segments do not divide the steps.

    >>> import numpy as np
    >>> from slr_keras.models.sign_encoder import SignEncoderModel
    >>> model = SignEncoderModel(4, points=5)
    >>> clip = {"keypoints": np.ones((2, 9, 5, 3), "float32"), "mask": np.ones((2, 9), "float32")}
    >>> model(clip)["vector"].shape
    TensorShape([2, 4])
    """

    def __init__(
        self,
        dimension: int,
        points: int = 55,
        channels: int = 3,
        steps: int = 16,
        segments: int = 8,
        skeleton: SkeletonOption | None = None,
        name: str = "sign_encoder",
    ):
        if segments < 1 or steps % segments:
            raise OptionError(f"segments is {segments}; it must divide the {steps} steps")
        inputs = {"steps": steps, "hands": "wrist", "standardise": True}
        input_layer = KeypointInputs(inputs, skeleton, name="inputs")
        linear = keras.layers.Dense(dimension, trainable=False, name="linear")
        keypoints = keras.Input((None, points, channels), dtype="float32", name="keypoints")
        mask = keras.Input((None,), dtype="float32", name="mask")
        features, _ = input_layer(keypoints, mask)
        parts = ops.reshape(features, (-1, segments, steps // segments, features.shape[-1]))
        averages = ops.reshape(ops.mean(parts, axis=2), (-1, segments * features.shape[-1]))
        outputs = {VECTOR: linear(averages)}
        super().__init__(inputs={"keypoints": keypoints, "mask": mask}, outputs=outputs, name=name)
        self.input_layer = input_layer
        self.linear = linear
        self.averages = keras.Model(self.inputs, averages)
        self.options = {
            "dimension": dimension,
            "points": points,
            "channels": channels,
            "steps": steps,
            "segments": segments,
            "skeleton": skeleton,
        }

    def set_whitening(self, whitening: Whitening) -> None:
        """Take the matrix and the offset of a whitening."""
        self.linear.kernel.assign(whitening.matrix)
        self.linear.bias.assign(whitening.offset)

    def get_config(self):
        return {"name": self.name, **self.options}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
