"""Swin: sizes, numbers, shifted windows, stochastic depth."""

import keras
import numpy as np
import pytest

from slr_keras.models.backbones import Swin, list_backbones, make_backbone
from slr_keras.models.backbones.window_attention import shift_mask
from slr_keras.utils.errors import UserError

SMALL = {"embedding": 8, "depths": (2, 2), "heads": (2, 4), "window": 4, "stochastic_depth": 0.0}


def count(layer) -> int:
    return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


def shake(backbone, seed=0, scale=0.3):
    """Random weights large enough that every one of them shows in the result."""
    generator = np.random.default_rng(seed)
    for weight in backbone.named_weights().values():
        weight.assign(weight + generator.normal(0, scale, weight.shape))


# docs/papers/ustm.md §3.1, less the classifier of 1000 classes on 768 or 1024 features.
@pytest.mark.parametrize(
    ("name", "parameters", "width"),
    [
        ("swin_t", 28_288_354 - 769_000, 768),
        ("swin_s", 49_606_258 - 769_000, 768),
        ("swin_b", 87_768_224 - 1_025_000, 1024),
    ],
)
def test_sizes_are_the_published_ones(name, parameters, width):
    backbone = make_backbone(name)
    # Shapes only: no memory is filled.
    with keras.StatelessScope(initialize_variables=False):
        backbone.build((None, 224, 224, 3))
    assert count(backbone) == parameters
    assert backbone.width == backbone.compute_output_shape((5, 224, 224, 3))[1] == width


def test_modules_have_the_published_sizes():
    backbone = make_backbone("swin_t")
    with keras.StatelessScope(initialize_variables=False):
        backbone.build((None, 224, 224, 3))
    sizes = {}
    for name, weight in backbone.named_weights().items():
        kind = "merging" if "merging" in name else name.split("_block")[0].split("/")[0]
        sizes[kind] = sizes.get(kind, 0) + int(np.prod(weight.shape))
    assert sizes["patches"] + sizes["patches_norm"] == 4_896
    stages = [224_694, 891_756, 10_658_952, 14_183_856]
    assert [sizes[f"stage_{stage}"] for stage in range(4)] == stages
    assert sizes["merging"] == 74_496 + 296_448 + 1_182_720
    assert sizes["norm"] == 1_536


# Whole windows; padded windows and odd merging; a map smaller than a window; a ragged last patch.
@pytest.mark.parametrize("size", [(32, 32), (36, 20), (8, 32), (23, 42)])
def test_numbers_are_those_of_the_literal_transcription(literal, size):
    backbone = Swin(**SMALL)
    backbone.build((None, *size, 3))
    shake(backbone)
    frame = np.random.default_rng(1).normal(size=(*size, 3))
    weights = {
        name: np.asarray(value, np.float64) for name, value in backbone.named_weights().items()
    }
    expected = literal.swin(frame, weights, SMALL["depths"], SMALL["heads"], SMALL["window"])
    result = np.asarray(backbone(frame[None].astype("float32")))[0]
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_shifted_windows_do_not_see_across_the_border():
    hidden = shift_mask(8, 8, 4, 2, 2) < 0
    assert not hidden[0].any()
    # In the last window the four quarters come from the four corners of the map.
    quarters = (np.arange(16) // 4 // 2) * 2 + np.arange(16) % 4 // 2
    np.testing.assert_array_equal(hidden[3], quarters[:, None] != quarters[None, :])


def test_an_axis_without_shift_hides_nothing():
    assert (shift_mask(4, 8, 4, 0, 2)[0] == 0).all()
    hidden = shift_mask(4, 8, 4, 0, 2)[1] < 0
    halves = np.arange(16) % 4 // 2
    np.testing.assert_array_equal(hidden, halves[:, None] != halves[None, :])


def test_frames_do_not_see_each_other():
    backbone = Swin(**SMALL)
    frames = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype("float32")
    together = np.asarray(backbone(frames))
    alone = np.concatenate([np.asarray(backbone(frames[i : i + 1])) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_stochastic_depth_leaves_out_branches_of_single_frames_and_keeps_the_mean():
    backbone = Swin(**{**SMALL, "stochastic_depth": 0.5})
    keep = np.asarray(backbone.draw(20_000))
    assert keep.shape == (20_000, 8)
    # 0.5 k / 3 of the k-th of four blocks, both of its branches.
    left_out = (keep == 0).mean(0)
    np.testing.assert_allclose(left_out, np.repeat([0, 1 / 6, 1 / 3, 1 / 2], 2), atol=0.015)
    np.testing.assert_allclose(keep.mean(0), 1, atol=0.03)


def test_without_its_branches_a_block_is_the_identity():
    block = Swin(**SMALL)
    block.build((None, 32, 32, 3))
    maps = np.random.default_rng(0).normal(size=(2, 8, 8, 8)).astype("float32")
    keep = np.array([[0, 0], [1, 1]], "float32")
    result = np.asarray(block.steps[1](maps, keep=keep))
    np.testing.assert_array_equal(result[0], maps[0])
    assert np.abs(result[1] - maps[1]).max() > 1e-3


def test_evaluation_draws_nothing():
    backbone = Swin(**{**SMALL, "stochastic_depth": 0.9})
    frames = np.ones((2, 16, 16, 3), "float32")
    np.testing.assert_array_equal(backbone(frames), backbone(frames))
    frames = np.ones((8, 16, 16, 3), "float32")
    assert np.ptp(np.asarray(backbone(frames, training=True)), axis=0).max() > 0


def test_half_precision_stays_close():
    full, half = Swin(**SMALL), Swin(**SMALL, dtype="mixed_bfloat16")
    full.build((None, 32, 32, 3))
    half.build((None, 32, 32, 3))
    for ours, theirs in zip(full.weights, half.weights, strict=True):
        theirs.assign(ours)
    frames = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    result = half(frames)
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    np.testing.assert_allclose(np.asarray(result, np.float32), full(frames), atol=0.1)


def test_every_backbone_round_trips_through_its_config():
    for name in list_backbones():
        backbone = make_backbone(name)
        again = type(backbone).from_config(backbone.get_config())
        assert again.get_config() == backbone.get_config()


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("swin_x", {}, "did you mean"),
        ("swin_t", {"depth": 3}, "swin_t"),
        ("swin_t", {"depths": (2, 2)}, "not of the same stages"),
    ],
)
def test_mistakes_are_explained(name, overrides, message):
    with pytest.raises(UserError, match=message):
        make_backbone(name, **overrides)
