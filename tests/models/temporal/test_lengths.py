"""Lengths through a list of temporal layers."""

import numpy as np
import pytest

from slr_keras.models.temporal import edge_padding, length_through, padded_length, time_stride


@pytest.mark.parametrize(
    "layers",
    [("K5", "P2", "K5", "P2"), ("K3", "K5", "P2"), ("P2", "K5", "P3", "K7"), ("K5", "P4"), ("P2",)],
)
def test_a_padded_clip_gives_a_step_for_every_stride_begun(layers):
    frames = np.arange(1, 60)
    steps = length_through(padded_length(frames, layers), layers)
    np.testing.assert_array_equal(steps, np.ceil(frames / time_stride(layers)))


def test_the_published_layers_pad_six_frames_and_quarter_time():
    assert (edge_padding(), time_stride()) == (6, 4)
    assert length_through(padded_length(138)) == 35


@pytest.mark.parametrize(
    ("layers", "edge", "stride"),
    [
        (("K3", "P2", "K5"), 5, 2),
        (("K5", "P3", "K3", "P2", "K3"), 2 + 3 + 6, 6),
        (("K5",), 2, 1),
    ],
)
def test_the_edge_is_half_of_every_kernel_at_its_stride(layers, edge, stride):
    assert (edge_padding(layers), time_stride(layers)) == (edge, stride)


def test_features_padded_inside_the_network_are_features_of_padded_frames():
    rng = np.random.default_rng(0)
    clip = rng.normal(size=(7, 3))

    def backbone(frames):
        return np.tanh(frames @ np.arange(6).reshape(3, 2))

    places = np.arange(padded_length(7)) - edge_padding()
    frames = backbone(clip[np.clip(places, 0, 6)])
    # The loader repeats the last frame up to a multiple of 4, the model pads 6 on either side.
    loaded = np.concatenate([clip, clip[-1:]])
    features = np.pad(backbone(loaded), ((6, 6), (0, 0)), mode="edge")
    np.testing.assert_allclose(features, frames)


@pytest.mark.parametrize("wrong", ["K4", "K", "Q2", "P0", "", "K-5"])
def test_a_wrong_layer_is_named(wrong):
    with pytest.raises(ValueError, match=f"'{wrong}'"):
        length_through(20, (wrong,))
