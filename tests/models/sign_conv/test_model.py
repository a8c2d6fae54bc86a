"""SignConv: sizes, causality, blocks against direct forms."""

import keras
import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.skeleton import Skeleton
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.factory import DECODERS
from slr_keras.models.checks import OptionError
from slr_keras.models.registry import create_model
from slr_keras.models.sign_conv import SignConv, SignConvIsolated
from slr_keras.models.sign_conv.block import AttentionBlock, ConvolutionBlock

LITTLE = {"vocabulary_size": 6, "points": 5, "width": 8, "blocks": 3, "inputs": {"motion": [2]}}


def clip(frames=24, points=5, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(1, frames, points, 3)).astype("float32")
    points[..., -1] = 1
    return points


def scores(model, points):
    inputs = {"keypoints": points, "mask": np.ones(points.shape[:2], "float32")}
    return np.asarray(model(inputs)["glosses"])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sign_conv_small", 50e3),
        ("sign_conv_isolated_small", 50e3),
        ("sign_conv", 500e3),
        ("sign_conv_isolated", 500e3),
        ("sign_conv_large", 3e6),
        ("sign_conv_isolated_large", 3e6),
    ],
)
def test_the_sizes_are_those_that_the_names_promise(name, parameters):
    layout = contract("mediapipe_75")
    model = create_model(
        name, 32, points=len(layout.points), skeleton=Skeleton.of(layout).for_model()
    )
    assert 0.8 < model.count_params() / parameters < 1.2


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("attention", [0, 1])
def test_a_causal_model_reads_no_later_frame_than_that_of_the_step(depthwise, attention):
    model = SignConv(
        **{**LITTLE, "inputs": {"motion": [2, 4], "backward": True}},
        causal=True,
        depthwise=depthwise,
        attention_blocks=attention,
    )
    points = clip()
    changed = points.copy()
    changed[:, 12:] += 1
    found, other = scores(model, points), scores(model, changed)
    np.testing.assert_allclose(found[:, :3], other[:, :3], atol=1e-6)
    assert np.abs(found[:, 3:] - other[:, 3:]).max() > 1e-3


def test_a_model_that_is_not_causal_reads_later_frames():
    model = SignConv(**LITTLE)
    points = clip()
    changed = points.copy()
    changed[:, 12:] += 1
    assert np.abs(scores(model, points)[:, :3] - scores(model, changed)[:, :3]).max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
def test_a_depthwise_block_equals_a_full_convolution_of_the_same_product(causal):
    rng = np.random.default_rng(0)
    block = ConvolutionBlock(4, 5, depthwise=True, causal=causal)
    x, valid = rng.normal(size=(1, 9, 4)).astype("float32"), np.ones((1, 9), "float32")
    block(x, valid)
    filters = np.asarray(block.filters.kernel)[:, :, 0]
    mix = np.asarray(block.mix.kernel)
    full = ConvolutionBlock(4, 5, causal=causal)
    full(x, valid)
    full.convolution.kernel.assign(filters[:, :, None] * mix[None])
    block.mix.bias.assign(np.zeros(4))
    np.testing.assert_allclose(block(x, valid), full(x, valid), atol=1e-5)


def test_attention_of_one_head_equals_its_formula():
    rng = np.random.default_rng(0)
    block = AttentionBlock(4, heads=1)
    x, valid = rng.normal(size=(1, 6, 4)).astype("float32"), np.ones((1, 6), "float32")
    block(x, valid)
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    rows = normal @ np.asarray(block.projections.kernel) + np.asarray(block.projections.bias)
    query, key, value = np.split(rows[0], 3, axis=-1)
    maps = np.exp(query @ key.T / 2)
    expected = (maps / maps.sum(-1, keepdims=True)) @ value
    found = np.asarray(block._attended(normal, valid, False))
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_a_span_head_is_there_only_if_asked_for():
    assert set(SignConv(**LITTLE).output) == {"glosses"}
    model = SignConv(**LITTLE, span_head=True)
    assert {head: value.shape[-1] for head, value in model.output.items()} == {
        "glosses": 6,
        "spans": 6,
    }
    assert model.reported_heads == ("glosses",)


def test_a_model_of_sentences_refuses_to_resample_clips():
    with pytest.raises(OptionError, match="isolated"):
        SignConv(**{**LITTLE, "inputs": {"steps": 16}})


def test_an_isolated_sign_is_the_same_at_any_frame_rate():
    keras.utils.set_random_seed(0)
    model = SignConvIsolated(6, points=5, width=8, blocks=2, inputs={"steps": 16, "motion": [2]})
    slow = clip(31)
    time = np.linspace(0, 30, 61)
    at = time.astype(int).clip(0, 29)
    part = (time - at)[None, :, None, None].astype("float32")
    fast = slow[:, at] * (1 - part) + slow[:, at + 1] * part
    outputs = [
        np.asarray(model({"keypoints": x, "mask": np.ones(x.shape[:2], "float32")})["sign"])
        for x in (slow, fast)
    ]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)


def test_the_span_head_is_not_decoded():
    model = SignConv(**LITTLE, span_head=True)
    decoder = DECODERS["ctc"](model, DecodingConfig(), "cst")
    points = clip()
    outputs = model({"keypoints": points, "mask": np.ones(points.shape[:2], "float32")})
    assert set(decoder.scores(outputs)) == {"ensemble", "glosses"}
