"""I3D: sizes, and TensorFlow's "same" padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.backbones import I3d, make_backbone
from slr_keras.models.backbones.i3d import ConvNorm3d, InceptionBlock


# docs/papers/stepnet.md §10.
@pytest.mark.parametrize(("name", "parameters"), [("i3d", 12_287_264), ("i3d_flow", 12_265_312)])
def test_sizes_are_the_published_ones(name, parameters):
    backbone = make_backbone(name)
    with keras.StatelessScope(initialize_variables=False):
        backbone.build(backbone.example_shape)
    assert sum(int(np.prod(weight.shape)) for weight in backbone.trainable_weights) == parameters


@pytest.mark.parametrize(
    ("strides", "clip", "expected"),
    [
        ((2, 2, 2), (64, 224, 224), (8, 7, 7)),
        ((2, 1, 1), (16, 256, 256), (8, 8, 8)),
        ((2, 2, 2), (17, 65, 96), (3, 3, 3)),
    ],
)
def test_shapes_round_up(strides, clip, expected):
    backbone = I3d(time_strides=strides)
    assert backbone.compute_output_shape((2, *clip, 3)) == (2, *expected, 1024)


def test_the_network_gives_the_shape_that_it_says():
    backbone = make_backbone("i3d")
    with keras.StatelessScope(initialize_variables=False):
        backbone.build(backbone.example_shape)
        # A graph of shapes, which is not run.
        clips = tf.TensorSpec((1, 9, 40, 33, 3))
        graph = tf.function(backbone.call, autograph=False).get_concrete_function(clips)
    assert tuple(graph.output_shapes) == backbone.compute_output_shape(clips.shape)
    assert tuple(graph.output_shapes) == (1, 2, 2, 2, 1024)


def literal_unit(x, layer):
    """Convolution with TensorFlow's padding, batch normalisation and ReLU, in float64."""
    kernel = np.asarray(layer.convolution.kernel, np.float64)
    for axis, (side, stride) in enumerate(zip(kernel.shape[:3], layer.strides)):
        size = x.shape[axis]
        total = max((-(-size // stride) - 1) * stride + side - size, 0)
        border = [(0, 0)] * 4
        # The smaller half comes first.
        border[axis] = (total // 2, total - total // 2)
        x = np.pad(x, border)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:3], (0, 1, 2))
    a, b, c = layer.strides
    y = np.einsum("thwcijk,ijkco->thwo", windows[::a, ::b, ::c], kernel)
    norm = layer.norm
    scale = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + 1e-3)
    return np.maximum((y - np.asarray(norm.moving_mean)) * scale + np.asarray(norm.beta), 0)


def literal_mixed(x, block):
    units = block.convolutions
    padded = np.pad(x, [(1, 1)] * 3 + [(0, 0)])
    pooled = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3), (0, 1, 2)).max(
        (-3, -2, -1)
    )
    branches = [
        literal_unit(x, units["b0"]),
        literal_unit(literal_unit(x, units["b1a"]), units["b1b"]),
        literal_unit(literal_unit(x, units["b2a"]), units["b2b"]),
        literal_unit(pooled, units["b3b"]),
    ]
    return np.concatenate(branches, -1)


def random_weights(layer, shape):
    layer.build(shape)
    generator = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(generator.uniform(0.5, 1.5, weight.shape) - 0.8 * ("kernel" in weight.path))


@pytest.mark.parametrize("size", [(4, 8, 9), (5, 7, 6)])
@pytest.mark.parametrize(
    ("layer", "literal"),
    [
        (ConvNorm3d(4, 7, (2, 2, 2)), literal_unit),
        (ConvNorm3d(4, 3, (1, 2, 2)), literal_unit),
        (InceptionBlock((2, 3, 4, 1, 3, 2)), literal_mixed),
    ],
)
def test_numbers_are_those_of_the_literal_transcription(layer, literal, size):
    if not layer.built:
        random_weights(layer, (None, None, None, None, 3))
    # What is pooled stands behind a ReLU.
    clip = np.random.default_rng(1).uniform(0, 1, (*size, 3))
    found = np.asarray(layer(clip[None].astype("float32")))[0]
    expected = literal(clip, layer)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_statistics_of_training_are_those_of_the_valid_clips():
    layer = ConvNorm3d(4, 3)
    clips = np.random.default_rng(0).normal(size=(3, 2, 4, 4, 3)).astype("float32")
    layer.build(clips.shape)
    layer(clips[:2], training=True)
    means = np.array(layer.norm.moving_mean)
    layer.norm.moving_mean.assign(np.zeros(4))
    layer(clips, valid=np.array([1.0, 1.0, 0.0], "float32"), training=True)
    np.testing.assert_allclose(layer.norm.moving_mean, means, atol=1e-6)


def test_impossible_strides_are_refused():
    for strides in ((2, 2), (2, 2, 3)):
        with pytest.raises(ValueError, match="three of 1 and 2"):
            I3d(time_strides=strides)
