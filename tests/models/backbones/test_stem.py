"""A convolutional stem before Swin's blocks: sizes, masks, statistics."""

import keras
import numpy as np
import pytest

from slr_keras.models.backbones import Swin, make_backbone
from slr_keras.models.backbones.costs import frame_multiply_adds
from slr_keras.models.backbones.stem import ConvolutionalStem
from slr_keras.models.ustm import ClipEncoder
from slr_keras.utils.errors import UserError

OPTIONS = {"embedding": 8, "depths": (1, 1), "heads": (2, 4), "window": 2, "patch": 4}
OPTIONS |= {"stochastic_depth": 0.0, "stem": (4, 6)}


def frames(count, height=16, width=16, seed=0):
    return np.random.default_rng(seed).normal(size=(count, height, width, 3)).astype("float32")


def test_a_stem_adds_its_convolutions_and_takes_away_the_map_of_patches():
    plain, stem = Swin(**{**OPTIONS, "stem": ()}), Swin(**OPTIONS)
    for backbone in (plain, stem):
        backbone.build((None, 16, 16, 3))
    added = 9 * 3 * 4 + 2 * 4 + 9 * 4 * 6 + 2 * 6 + 6 * 8 + 8
    removed = 4 * 4 * 3 * 8 + 8
    trainable = [
        sum(int(np.prod(weight.shape)) for weight in backbone.trainable_weights)
        for backbone in (plain, stem)
    ]
    assert trainable[1] - trainable[0] == added - removed


def test_tokens_stand_where_the_patches_stood():
    for height, width in ((16, 16), (23, 18)):
        backbone = Swin(**OPTIONS)
        assert backbone(frames(2, height, width)).shape == (2, 16)
        maps = backbone.run_stage(0, frames(1, height, width))
        assert tuple(maps.shape[1:]) == backbone.map_shape(0, height, width)


def test_pixels_beyond_the_last_whole_patch_are_not_seen():
    backbone = Swin(**OPTIONS)
    whole = frames(2, 16, 16)
    ragged = np.pad(whole, ((0, 0), (0, 3), (0, 2), (0, 0)), constant_values=9.0)
    np.testing.assert_allclose(backbone(ragged), backbone(whole), atol=1e-6)


def test_in_training_the_statistics_see_valid_frames_only():
    pixels = frames(6)
    results = []
    for fill in (0.0, 100.0):
        backbone = Swin(**OPTIONS)
        backbone.build((None, 16, 16, 3))
        for index, weight in enumerate(backbone.named_weights().values()):
            noise = np.random.default_rng(index).normal(0, 0.2, weight.shape)
            weight.assign(1 + np.abs(noise) if "variance" in weight.path else noise)
        pixels[4:] = fill
        outputs = backbone(pixels, valid=np.array([1, 1, 1, 1, 0, 0]), training=True)
        results.append((outputs[:4], *(w.numpy() for w in backbone.non_trainable_weights)))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_in_evaluation_a_frame_does_not_depend_on_the_others():
    backbone = Swin(**OPTIONS)
    pixels = frames(5)
    backbone(pixels, training=True)
    np.testing.assert_allclose(backbone(pixels)[2:3], backbone(pixels[2:3]), atol=1e-5)


def test_its_statistics_forbid_recomputation_in_chunks():
    with pytest.raises(ValueError, match="set recompute to false"):
        ClipEncoder(Swin(**OPTIONS), chunk=4, recompute=True)


def test_a_stem_that_does_not_halve_to_patches_is_refused():
    with pytest.raises(UserError, match="halves 1 times; patch is 8"):
        make_backbone("swin_nano", stem=(32,))


def test_a_stem_is_in_the_configuration():
    copy = Swin.from_config(Swin(**OPTIONS).get_config())
    assert copy.stem == (4, 6)


def test_multiply_adds_are_counted_position_by_position():
    stem = ConvolutionalStem((4, 6), 8)
    assert stem.multiply_adds(16, 16) == 64 * 27 * 4 + 16 * 36 * 6 + 16 * 6 * 8
    plain = Swin(**{**OPTIONS, "stem": ()})
    difference = stem.multiply_adds(16, 16) - 16 * 48 * 8
    assert (
        frame_multiply_adds(Swin(**OPTIONS), 16, 16) - frame_multiply_adds(plain, 16, 16)
        == difference
    )


def test_gradients_reach_every_weight():
    import tensorflow as tf

    backbone = Swin(**OPTIONS)
    backbone.build((None, 16, 16, 3))
    with tf.GradientTape() as tape:
        outputs = backbone(frames(3), training=True)
        loss = keras.ops.sum(outputs * frames(1, 3, 16)[0, :, :, 0])
    variables = backbone.trainable_variables
    assert all(gradient is not None for gradient in tape.gradient(loss, variables))
