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


@pytest.mark.parametrize("wrong", ["K4", "K", "Q2", "P0", "", "K-5"])
def test_a_wrong_layer_is_named(wrong):
    with pytest.raises(ValueError, match=f"'{wrong}'"):
        length_through(20, (wrong,))
