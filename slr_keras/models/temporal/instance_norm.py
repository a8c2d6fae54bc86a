"""Instance normalisation over time that leaves padding steps out."""

import keras
from keras import ops

from slr_keras.models.layers import PACKAGE


def wide_dtype(dtype: str) -> str:
    """The dtype of sums: float32, or float64 if the compute dtype is float64."""
    return keras.backend.result_type(dtype, "float32")


@keras.saving.register_keras_serializable(PACKAGE)
class MaskedInstanceNormalization(keras.layers.Layer):
    """Normalise every channel of a clip by its own mean and variance over time.

    Equal to PyTorch's `InstanceNorm1d(affine=True)`: the variance is biased, and there are no
    running statistics.

    Args:
        epsilon: added to the variance. Defaults to `1e-5`.

    Call arguments:
        inputs: `(batch, time, channels)`.
        valid: `(batch, time)`, 1 on steps that count. Defaults to all.

    Returns:
        the shape of inputs; values on padding are undefined.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import MaskedInstanceNormalization
    >>> layer = MaskedInstanceNormalization()
    >>> x = np.array([[[1.0], [3.0], [99.0]]], "float32")
    >>> np.round(np.asarray(layer(x, np.array([[1.0, 1.0, 0.0]], "float32")))[0, :2, 0], 3)
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, inputs_shape, valid_shape=None):
        shape = (inputs_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, inputs, valid=None):
        wide = wide_dtype(self.compute_dtype)
        values = ops.cast(inputs, wide)
        if valid is None:
            valid = ops.ones_like(values[..., 0])
        weights = ops.expand_dims(ops.cast(valid, wide), -1)
        count = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1)
        mean = ops.sum(values * weights, axis=1, keepdims=True) / count
        centred = values - mean
        variance = ops.sum(ops.square(centred) * weights, axis=1, keepdims=True) / count
        scale = ops.cast(self.gamma, wide) * ops.rsqrt(variance + self.epsilon)
        return ops.cast(centred * scale + ops.cast(self.beta, wide), self.compute_dtype)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
