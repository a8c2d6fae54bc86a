"""ResNet: sizes, PyTorch's padding, statistics of valid frames only."""

import keras
import numpy as np
import pytest

from slr_keras.models.backbones import ResNet, make_backbone
from slr_keras.models.backbones.residual import ConvNorm

SMALL = {"depths": (1, 1), "widths": (4, 6)}


# torchvision's ResNet-18 and -50 less their classifiers of 1000 classes.
@pytest.mark.parametrize(
    ("name", "parameters", "width"),
    [
        ("resnet18", 11_689_512 - 513_000, 512),
        ("resnet50", 25_557_032 - 2_049_000, 2048),
    ],
)
def test_sizes_are_the_published_ones(name, parameters, width):
    backbone = make_backbone(name)
    # Shapes only: no memory is filled.
    with keras.StatelessScope(initialize_variables=False):
        backbone.build((None, 224, 224, 3))
    trainable = sum(int(np.prod(weight.shape)) for weight in backbone.trainable_weights)
    assert trainable == parameters
    assert backbone.width == width


def conv_norm(x, layer):
    """Convolution with symmetric padding and batch normalisation, in float64."""
    kernel = np.asarray(layer.convolution.kernel, np.float64)
    side, stride = kernel.shape[0] // 2, layer.stride
    x = np.pad(x, ((side, side), (side, side), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (0, 1))
    y = np.einsum("hwcij,ijco->hwo", windows[::stride, ::stride], kernel)
    norm = layer.norm
    mean, variance, gamma, beta = (
        np.asarray(v, np.float64)
        for v in (norm.moving_mean, norm.moving_variance, norm.gamma, norm.beta)
    )
    return (y - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def literal_resnet(x, backbone):
    """One frame through the network, layer by layer."""
    x = np.maximum(conv_norm(x, backbone.stem_layer), 0)
    x = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))
    x = windows[::2, ::2].max((-2, -1))
    for block in backbone.blocks:
        y = x
        for layer in block.branch[:-1]:
            y = np.maximum(conv_norm(y, layer), 0)
        y = conv_norm(y, block.branch[-1])
        x = np.maximum(y + (x if block.shortcut is None else conv_norm(x, block.shortcut)), 0)
    return x.mean((0, 1))


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("size", [(32, 32), (23, 30)])
def test_numbers_are_those_of_the_literal_transcription(size, bottleneck):
    backbone = ResNet(**SMALL, bottleneck=bottleneck)
    backbone.build((None, *size, 3))
    generator = np.random.default_rng(0)
    for name, weight in backbone.named_weights().items():
        if "variance" not in name:
            weight.assign(weight + generator.normal(0, 0.2, weight.shape))
        else:
            weight.assign(generator.uniform(0.5, 2, weight.shape))
    frame = generator.normal(size=(*size, 3))
    result = np.asarray(backbone(frame[None].astype("float32")))[0]
    np.testing.assert_allclose(result, literal_resnet(frame, backbone), rtol=1e-4, atol=1e-4)


def test_statistics_of_training_are_those_of_the_valid_frames():
    layer = ConvNorm(5, 3)
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(4, 8, 8, 3)).astype("float32")
    layer.build(frames.shape)
    valid = np.array([1, 0, 1, 1], "float32")
    result = np.asarray(layer(frames, valid=valid, training=True))
    means = np.asarray(layer.norm.moving_mean)
    layer.norm.moving_mean.assign(np.zeros(5))
    frames[1] = 1e3
    np.testing.assert_allclose(
        np.asarray(layer(frames, valid=valid, training=True))[valid == 1],
        result[valid == 1],
        atol=1e-5,
    )
    np.testing.assert_allclose(layer.norm.moving_mean, means, atol=1e-6)
    np.testing.assert_allclose(result[valid == 1].mean((0, 1, 2)), 0, atol=1e-5)
