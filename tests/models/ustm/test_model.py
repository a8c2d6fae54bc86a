"""USTM as a whole: sizes, masks, saving, what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.complexity import module_costs
from slr_keras.models.registry import create_model
from slr_keras.utils.errors import UserError

PHOENIX14 = 1296
# Keras keeps one bias where PyTorch's LSTM adds two.
SECOND_BIASES = 8192
HEADS = ("convolution", "sequence")


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def hollow(name, classes=PHOENIX14):
    """A model of full size whose weights take no memory."""
    with keras.StatelessScope(initialize_variables=False):
        return create_model(name, classes)


# docs/papers/ustm.md §9.1: adapters, backbone with them, MSTCN, everything.
@pytest.mark.parametrize(
    ("name", "adapters", "backbone", "head", "total"),
    [
        ("ustm_t", 2_235_104, 29_754_458, 79_216_640, 122_897_498),
        ("ustm_s", 2_235_104, 51_072_362, 79_216_640, 144_215_402),
        ("ustm_b", 2_297_984, 89_041_208, 80_789_504, 183_757_112),
    ],
)
def test_parameters_are_the_published_ones_by_module(name, adapters, backbone, head, total):
    model = hollow(name)
    encoder = model.frame_encoder
    assert encoder.backbone.stochastic_depth == 0.2
    assert sum(count(a.trainable_weights) for a in encoder.adapters) == adapters
    assert count(encoder.trainable_weights) == backbone
    assert count([*model.streams.trainable_weights, *model.convolution.trainable_weights]) == head
    assert count(model.recurrent.trainable_weights) + SECOND_BIASES == 12_599_296
    assert count(model.classifier.trainable_weights) == 1_327_104
    assert count(model.trainable_weights) + SECOND_BIASES == total


def test_the_largest_size_has_the_published_streams_and_shapes():
    model = hollow("ustm_b")
    assert count(model.streams.trainable_weights) == 18_884_608
    stages = {}
    for weight in model.convolution.trainable_weights:
        stage = next(s for s in ("K5_0", "P2_1", "K5_2", "P2_3") if s in weight.path)
        stages[stage] = stages.get(stage, 0) + int(np.prod(weight.shape))
    published = (31_460_352, 12_599_296, 5_245_952, 12_599_296)
    assert stages == dict(zip(("K5_0", "P2_1", "K5_2", "P2_3"), published))
    # §9.3
    swin = model.frame_encoder.backbone
    maps = [swin.map_shape(stage, 224, 224) for stage in range(4)]
    assert maps == [(56, 56, 128), (28, 28, 256), (14, 14, 512), (7, 7, 1024)]
    for frames, length in ((32, 44), (64, 76)):
        features, _ = model.frame_encoder.compute_output_shape((2, frames, 224, 224, 3))
        assert features == (2, length, 1024)
        views = model.streams.compute_output_shape(features)
        assert views == (2, length, 6144)
        assert model.convolution.compute_output_shape(views)[0] == (2, frames // 4, 1024)


# §9.2, in GMAC for 32 frames; elementwise work is not counted here.
@pytest.mark.parametrize(("name", "published"), [("ustm_t", 285.1), ("ustm_b", 767.6)])
def test_multiply_adds_are_the_published_ones(name, published):
    total = sum(cost.multiply_adds for cost in module_costs(hollow(name), frames=32))
    assert total / 1e9 == pytest.approx(published, rel=0.01)


def test_stage_4_of_the_full_size_is_not_shifted():
    last = hollow("ustm_t").frame_encoder.backbone.steps[-1].attention
    # A map of 7 x 7 is one window; `WindowAttention` shifts only what several windows cover.
    assert last.shift == 3
    assert last.window == 7


@pytest.fixture(scope="module")
def model(small):
    return small.make_model()


def test_a_clip_gives_the_same_alone_in_a_batch_and_padded_further(model, small):
    frames = (12, 4, 7)
    clips = small.make_clips(frames)
    together = model(clips)
    longer = {
        "video": np.concatenate([clips["video"], clips["video"]], 1),
        "mask": np.pad(clips["mask"], ((0, 0), (0, 12))),
    }
    padded = model(longer)
    assert together["sequence"].shape == (3, 3, 5)
    for row, count_ in enumerate(frames):
        alone = model({name: value[row : row + 1, :count_] for name, value in clips.items()})
        steps = -(-count_ // 4)
        for head in HEADS:
            expected = alone[head][0]
            np.testing.assert_allclose(together[head][row, :steps], expected, atol=1e-5)
            np.testing.assert_allclose(padded[head][row, :steps], expected, atol=1e-5)
        np.testing.assert_allclose(together["lifting"][row], alone["lifting"][0], rtol=1e-4)
        np.testing.assert_allclose(padded["lifting"][row], alone["lifting"][0], rtol=1e-4)


def test_one_classifier_serves_both_heads(model):
    names = [weight.path for weight in model.weights if "classifier" in weight.path]
    assert len(names) == 1


def test_a_saved_model_is_the_same_model(model, small, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    clips = small.make_clips()
    for name, value in model(clips).items():
        np.testing.assert_allclose(again(clips)[name], value, atol=1e-6)
    assert again.get_config() == model.get_config()


def test_half_precision_stays_close(small):
    full, half = small.make_model(), small.make_model(dtype="mixed_bfloat16")
    clips = small.make_clips((8,))
    for head in HEADS:
        found, expected = (np.asarray(m(clips)[head]) for m in (half, full))
        assert half(clips)[head].dtype == tf.float32
        np.testing.assert_allclose(found, expected, atol=0.1 * np.abs(expected).max() + 0.02)


def test_the_streams_can_be_left_out(small):
    model = small.make_model(multiscale=False)
    assert model(small.make_clips((9,)))["sequence"].shape == (1, 3, 5)
    assert "streams" not in [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("option", "gone"), [("multiscale", "streams"), ("adapter_width", "adapter")]
)
def test_a_module_is_left_out_by_the_option_of_a_recipe(option, gone):
    full = create_model("ustm_tiny", 5, image_size=(16, 16))
    less = create_model("ustm_tiny", 5, image_size=(16, 16), **{option: 0})
    paths = [{weight.path for weight in model.weights} for model in (full, less)]
    assert any(gone in path for path in paths[0])
    assert not any(gone in path for path in paths[1])


# === Refusals ===


def test_what_only_models_of_keypoints_take_is_refused():
    for name, value in {"streams": False, "points": 3, "channels": 3}.items():
        with pytest.raises(UserError, match=f"ustm_tiny.*'{name}'"):
            create_model("ustm_tiny", 5, **{name: value})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"image_size": (66, 64)}, "multiples of the patch of 8"),
        ({"width": 15}, "width is 15"),
        ({"backbone": "resnet_micro", "backbone_options": {}}, "not a Swin"),
        ({"recompute": True, "chunk": 0}, "set chunk"),
        ({"pixels": "bright"}, "mode must be one of"),
    ],
)
def test_impossible_models_are_refused_by_name(options, says):
    with pytest.raises(UserError, match=says):
        create_model("ustm_tiny", 5, **options)


def test_a_clip_longer_than_the_table_is_refused_and_the_longest_is_not(small):
    model = small.make_model(positions=28)
    model(small.make_clips((16,)))
    with pytest.raises(UserError, match=r"more than 16 frames.*table of 28 positions"):
        model(small.make_clips((17,)))
    # Padding needs no place.
    longer = small.make_clips((16, 20))
    model({name: value[:1] for name, value in longer.items()})
    traced = tf.function(model, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"more than 16 frames"):
        traced(small.make_clips((17,)))


def test_the_published_form_refuses_clips_of_one_step(small):
    model = small.make_model(masked=False)
    model(small.make_clips((5,)))
    with pytest.raises(UserError, match="no clip of the batch has 5 frames"):
        model(small.make_clips((4,)))
