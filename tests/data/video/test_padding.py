"""VAC's clip padding: the steps that leave the network do not depend on the batch."""

import numpy as np
import pytest

from slr_keras.data.video.padding import LAYERS, output_length, vac_padding
from slr_keras.utils.errors import UserError


def test_a_clip_of_138_frames_becomes_152_and_leaves_35_steps():
    padding = vac_padding([138])
    assert (padding.left, padding.padded, padding.valid) == (6, 152, (152,))
    assert output_length(152) == 35


@pytest.mark.parametrize(
    ("layers", "left", "stride"),
    [
        (LAYERS, 6, 4),
        (("K3", "P2", "K5"), 5, 2),
        (("K5", "P3", "K3", "P2", "K3"), 2 + 3 + 6, 6),
        (("K5",), 2, 1),
    ],
)
def test_steps_are_the_frames_over_the_stride_rounded_up(layers, left, stride):
    lengths = range(1, 50)
    padding = vac_padding(lengths, layers)
    assert padding.left == left
    for frames, valid in zip(lengths, padding.valid):
        assert output_length(valid, layers) == -(-frames // stride)
        assert vac_padding([frames], layers).valid == (valid,)
    assert padding.padded == max(padding.valid)


def test_first_and_last_frames_are_repeated():
    padding = vac_padding([5, 9])
    assert padding.padded == 24
    assert padding.indices(5).tolist() == [0] * 6 + [0, 1, 2, 3, 4] + [4] * 13
    assert np.array_equal(padding.indices(9)[6:15], np.arange(9))


def test_features_padded_inside_the_network_are_features_of_padded_frames():
    rng = np.random.default_rng(0)
    clip = rng.normal(size=(7, 3))

    def backbone(frames):
        return np.tanh(frames @ np.arange(6).reshape(3, 2))

    padding = vac_padding([7])
    frames = backbone(clip[padding.indices(7)])
    # The loader repeats the last frame up to a multiple of 4, the model pads 6 on either side.
    loaded = np.concatenate([clip, clip[-1:]])
    features = np.pad(backbone(loaded), ((6, 6), (0, 0)), mode="edge")
    np.testing.assert_allclose(features, frames)


@pytest.mark.parametrize("layers", [("K4",), ("X3",), ("K",), ("P0",)])
def test_layers_that_have_no_such_padding_are_refused(layers):
    with pytest.raises(UserError, match="layer"):
        vac_padding([8], layers)


def test_a_clip_with_no_frames_is_refused():
    with pytest.raises(UserError, match="no frames"):
        vac_padding([8, 0])
