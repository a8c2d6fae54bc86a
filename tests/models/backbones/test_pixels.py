"""Pixels arrive where the backbones were trained."""

import keras
import numpy as np
import pytest

from slr_keras.models.backbones import PixelNormalization

PIXELS = np.arange(24).reshape(2, 4, 3) * 11 % 256


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_symmetric_maps_0_to_255_on_minus_one_to_one(dtype):
    result = PixelNormalization()(PIXELS.astype(dtype))
    np.testing.assert_allclose(result, PIXELS / 127.5 - 1, atol=1e-6)


def test_imagenet_uses_the_mean_and_deviation_of_each_channel():
    expected = (PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    result = PixelNormalization("imagenet")(PIXELS.astype("uint8"))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_slowfast_treats_all_channels_alike():
    result = PixelNormalization("slowfast")(PIXELS.astype("uint8"))
    np.testing.assert_allclose(result, (PIXELS / 255 - 0.45) / 0.225, atol=1e-5)


def test_half_precision_rounds_after_centring_only():
    pixels = np.full((1, 3), 127.0, "float32")
    layer = PixelNormalization(dtype="mixed_bfloat16")
    result = layer(pixels)
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    # bfloat16 knows 129 as 129, 255 as 255, but not 254.6.
    np.testing.assert_allclose(np.asarray(layer(pixels * 0 + 254.6), np.float32), 0.9969, atol=3e-3)


def test_mistakes_are_explained():
    with pytest.raises(ValueError, match="mode must be one of"):
        PixelNormalization("caffe")
    with pytest.raises(ValueError, match="3 channels"):
        PixelNormalization()(np.zeros((2, 4), "uint8"))
