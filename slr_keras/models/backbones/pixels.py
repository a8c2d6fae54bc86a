"""Normalisation of pixels and of optical flow."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE

# Scale and shift per channel: outputs = pixels * scale + shift.
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
MODES = {
    "symmetric": ((1 / 127.5,) * 3, (-1.0,) * 3),
    "imagenet": (
        tuple(1 / (255 * deviation) for deviation in _IMAGENET_DEVIATION),
        tuple(
            -mean / deviation
            for mean, deviation in zip(_IMAGENET_MEAN, _IMAGENET_DEVIATION, strict=True)
        ),
    ),
    "slowfast": ((1 / (255 * 0.225),) * 3, (-0.45 / 0.225,) * 3),
    # The mean of ImageNet's deviations; one number for any channels.
    "flow": ((1 / (255 * 0.226),), (-0.5 / 0.226,)),
    "symmetric_flow": ((1 / 127.5,), (-1.0,)),
}
FLOW_MODES = ("flow", "symmetric_flow")


@keras.saving.register_keras_serializable(PACKAGE)
class PixelNormalization(keras.layers.Layer):
    """Normalise values in 0..255.

    See docs/papers/c2st.md §2.1, docs/papers/ustm.md §2.2, docs/papers/stepnet.md §2.4.

    Args:
        mode: for RGB `"symmetric"`, x / 127.5 - 1; `"imagenet"`, (x / 255 - mean) / deviation with
            ImageNet's mean and standard deviation of each channel; or `"slowfast"`,
            (x / 255 - 0.45) / 0.225. For optical flow, in which 128 is no motion, `"flow"`,
            (x / 255 - 0.5) / 0.226, or `"symmetric_flow"`, x / 127.5 - 1. Defaults to
            `"symmetric"`.

    Call arguments:
        inputs: `(..., 3)`, or for flow `(..., 2 * fields)` with x before y; values in 0..255 of
            any integer or floating type.

    Returns:
        the shape of inputs, in the compute dtype of the layer.

    Raises:
        OptionError: an unknown mode, or a number of channels that does not fit the mode.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import PixelNormalization
    >>> np.asarray(PixelNormalization()(np.array([[0, 51, 255]], "uint8"))).round(2).tolist()
    [[-1.0, -0.6000000238418579, 1.0]]
    """

    def __init__(self, mode: str = "symmetric", **kwargs):
        # Autocasting would round pixels to bfloat16 before they are centred.
        super().__init__(autocast=False, **kwargs)
        if mode not in MODES:
            raise OptionError(f"mode must be one of {tuple(MODES)}; got {mode!r}")
        self.mode = mode

    def call(self, inputs):
        channels = inputs.shape[-1]
        if self.mode in FLOW_MODES:
            if channels % 2:
                raise OptionError(f"flow has x and y on the last axis, in turn; got {inputs.shape}")
        elif channels != 3:
            raise OptionError(f"pixels have 3 channels on the last axis; got {inputs.shape}")
        scale, shift = (ops.convert_to_tensor(part, "float32") for part in MODES[self.mode])
        return ops.cast(ops.cast(inputs, "float32") * scale + shift, self.compute_dtype)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
