"""StepNet as a whole: heads and losses, batches, switches, saving, what is refused."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.registry import create_model, family_of
from slr_keras.models.stepnet import StepNet
from slr_keras.utils.errors import UserError

PARTS = ("left", "right", "top", "bottom", "left_right", "top_bottom", "global", "spatial")
HEADS = (*PARTS, "temporal", "fused")


def total_loss(logits, labels):
    """Eq. 5: the plain sum of all heads' cross-entropies, for every clip."""
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    return sum(cross_entropy(labels, value) for value in logits.values())


def test_there_are_ten_heads_and_one_is_the_result(model, small):
    logits = model(small.make_clips())
    assert tuple(logits) == HEADS
    assert {tuple(value.shape) for value in logits.values()} == {(2, small.CLASSES)}
    assert model.reported_heads == ("fused",)
    family = family_of("stepnet")
    assert (family.modality, family.output) == ("video", "sign")


# === Losses ===


def test_heads_of_zero_cost_ten_times_the_logarithm_of_the_classes(small):
    model = small.make_model()
    for head in model.head_layers.values():
        for weight in head.weights:
            weight.assign(np.zeros(weight.shape))
    loss = total_loss(model(small.make_clips(), training=True), [0, 4])
    np.testing.assert_allclose(loss, 10 * math.log(small.CLASSES), rtol=1e-6)


def test_new_heads_begin_near_that(small):
    model = StepNet(**small.OPTIONS)
    loss = total_loss(model(small.make_clips()), [0, 4])
    np.testing.assert_allclose(loss, 10 * math.log(small.CLASSES), rtol=0.01)
    kernels = np.concatenate([np.ravel(h.linear.kernel) for h in model.head_layers.values()])
    assert np.std(kernels) == pytest.approx(0.001, rel=0.15)


def test_every_trainable_weight_receives_a_gradient(small):
    # Training changes the statistics of the model.
    model = small.make_model()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(total_loss(model(small.make_clips(), training=True), [0, 4]))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_the_result_does_not_depend_on_the_other_nine_heads(small):
    model = small.make_model()
    clips = small.make_clips()
    before = model(clips)
    for name, head in model.head_layers.items():
        if name != "fused":
            head.linear.kernel.assign(head.linear.kernel + 1)
    after = model(clips)
    np.testing.assert_array_equal(after["fused"], before["fused"])
    for name in set(HEADS) - {"fused"}:
        assert np.abs(after[name] - before[name]).max() > 0


def test_a_head_classifies_the_mean_over_time_of_its_features(model, small):
    clips = small.make_clips()
    maps = model.frame_encoder(clips["video"])
    features, logits = model.features(maps), model(clips)
    for name, head in model.head_layers.items():
        mean = np.mean(features[name], axis=1)
        expected = mean @ np.asarray(head.linear.kernel) + np.asarray(head.linear.bias)
        np.testing.assert_allclose(logits[name], expected, atol=1e-5, rtol=1e-5)
    both = np.concatenate([features["spatial"], features["temporal"]], axis=-1)
    first, second = model.fusion.linear
    hidden = np.maximum(both @ np.asarray(first.kernel) + np.asarray(first.bias), 0)
    expected = hidden @ np.asarray(second.kernel) + np.asarray(second.bias)
    np.testing.assert_allclose(features["fused"], expected, atol=1e-5, rtol=1e-5)


def test_dropout_acts_on_the_means_in_training_only(small):
    model = small.make_model(dropout=0.5)
    clips = small.make_clips()
    np.testing.assert_array_equal(model(clips)["fused"], model(clips)["fused"])
    first, second = (model(clips, training=True)["fused"] for _ in range(2))
    assert np.abs(first - second).max() > 0


# === Batches ===


def test_a_clip_gives_the_same_alone_and_in_a_batch(model, small):
    clips = small.make_clips(3)
    together = model(clips)
    for row in range(3):
        alone = model({name: value[row : row + 1] for name, value in clips.items()})
        for name in HEADS:
            np.testing.assert_allclose(together[name][row], alone[name][0], atol=1e-5)
    without = model({"video": clips["video"]})
    np.testing.assert_array_equal(without["fused"], together["fused"])


@pytest.mark.parametrize("backbone", ["tsm_micro", "i3d"])
def test_a_clip_that_completes_a_batch_teaches_nothing(small, backbone):
    if backbone == "i3d":
        options = {"time_strides": (2, 1, 1)}
        sizes = {"image_size": (64, 64), "backbone": "i3d", "backbone_options": options}
        sizes |= {"temporal": False, "heads": "reported"}
        model = StepNet(**{**small.OPTIONS, **sizes})
        video = np.random.default_rng(0).integers(0, 256, (2, 8, 64, 64, 3)).astype("uint8")
        clips = {"video": video, "mask": np.ones((2, 8), "float32")}
    else:
        model, clips = small.make_model(), small.make_clips()
    filled = {
        "video": np.concatenate([clips["video"], np.zeros_like(clips["video"][:1])]),
        "mask": np.pad(clips["mask"], ((0, 1), (0, 0))),
    }
    start = [np.array(weight) for weight in model.weights]
    found = []
    for batch in (clips, filled):
        for weight, value in zip(model.weights, start, strict=True):
            weight.assign(value)
        logits = model(batch, training=True)[model.reported_heads[0]][:2]
        found.append([np.array(logits), *(np.array(w) for w in model.non_trainable_weights)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert any((a != b).any() for a, b in zip(start, [np.array(w) for w in model.weights]))


@pytest.mark.parametrize("frames", [7, 16])
def test_a_clip_of_another_length_is_refused(model, small, frames):
    clips = small.make_clips(frames=frames)
    with pytest.raises(UserError, match=r"exactly 8 frames.*data\.clip_frames"):
        model(clips)
    signature = {
        "video": tf.TensorSpec((None, None, 16, 16, 3), tf.uint8),
        "mask": tf.TensorSpec((None, None)),
    }
    traced = tf.function(model, input_signature=[signature], autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="exactly 8 frames"):
        traced(clips)
    right = small.make_clips()
    np.testing.assert_allclose(traced(right)["fused"], model(right)["fused"], atol=1e-5)


def training_step(model, clips):
    """Gradients by name and running statistics after one step of a traced function."""

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(total_loss(model(clips, training=True), [0, 4]))
        return tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    gradients = [np.array(gradient) for gradient in step()]
    return gradients, [np.array(weight) for weight in model.non_trainable_weights]


@pytest.mark.parametrize(
    ("backbone", "policy"),
    [
        ("tsm_micro", "float32"),
        ("tsm_micro", "mixed_bfloat16"),
        pytest.param("i3d", "float32", marks=pytest.mark.long),
    ],
)
def test_recomputation_changes_neither_gradients_nor_statistics(small, backbone, policy):
    options = {"temporal": False, "dtype": policy, "heads": "reported"}
    clips = small.make_clips()
    if backbone == "i3d":
        options |= {"backbone": "i3d", "backbone_options": {}, "image_size": (64, 64)}
        clips["video"] = np.repeat(np.repeat(clips["video"], 4, axis=2), 4, axis=3)
    found = [
        training_step(small.make_model(recompute=recompute, **options), clips)
        for recompute in (False, True)
    ]
    for kept, again in zip(*found, strict=True):
        for one, other in zip(kept, again, strict=True):
            bound = np.abs(one).max()
            np.testing.assert_allclose(other, one, atol=1e-4 * bound + 1e-6)


# === Switches ===

WITHOUT_TIME, WITHOUT_SPACE = {"temporal": False}, {"spatial": False}


@pytest.mark.parametrize(
    ("options", "heads"),
    [
        ({"spatial": False, "temporal": False}, ("global",)),
        (WITHOUT_TIME, PARTS),
        (WITHOUT_SPACE, ("temporal",)),
        ({**WITHOUT_TIME, "left_right": False}, ("top", "bottom", "top_bottom", *PARTS[-2:])),
        ({**WITHOUT_TIME, "top_bottom": False}, ("left", "right", "left_right", *PARTS[-2:])),
        ({**WITHOUT_TIME, "spatial_fusion": "concatenate"}, PARTS),
        ({**WITHOUT_TIME, "part_heads": "gated", "gate_hidden": []}, PARTS),
        ({"attention_norm": "layer", "fusion_hidden": []}, HEADS),
        ({**WITHOUT_SPACE, "gru": False, "segments": 4, "segment_steps": 2}, ("temporal",)),
        (
            {**WITHOUT_SPACE, "segment_heads": True, "gru_layers": 1, "bidirectional": False},
            ("segment_1", "segment_2", "segment_3", "temporal"),
        ),
        ({"heads": "reported", "gru": False}, ("fused",)),
        ({**WITHOUT_TIME, "stream": "flow"}, PARTS),
    ],
)
def test_parts_can_be_switched_off_and_the_model_is_remade_from_its_config(small, options, heads):
    model = small.make_model(**options)
    clips = small.make_clips(channels=10 if options.get("stream") == "flow" else 3)
    logits = model(clips)
    assert set(logits) == set(heads)
    assert model.reported_heads == heads[-1:]
    assert all(np.isfinite(value).all() for value in logits.values())
    again = StepNet.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_gated_heads_see_the_gated_parts(small):
    model, clips = small.make_model(part_heads="gated", temporal=False), small.make_clips()
    # Gates of zero let half through.
    for weight in model.spatial_branch.gates["left"].weights:
        weight.assign(np.zeros(weight.shape))
    features = model.features(model.frame_encoder(clips["video"]))
    expected = model.head_layers["left"](features["left"] / 2)
    np.testing.assert_allclose(model(clips)["left"], expected, rtol=1e-5, atol=1e-5)
    assert np.abs(model.head_layers["left"](features["left"]) - expected).max() > 1e-3


def test_flow_sees_all_fields_and_i3d_the_first(small):
    options = {**small.OPTIONS, **WITHOUT_TIME, "stream": "flow"}
    tsm = StepNet(**options)
    i3d = StepNet(**{**options, "image_size": (64, 64), "backbone": "i3d", "backbone_options": {}})
    assert (tsm.pixels, i3d.pixels) == ("flow", "symmetric_flow")
    assert tsm.frame_encoder.backbone.channels == 10
    assert i3d.frame_encoder.backbone.channels == 2
    video = np.random.default_rng(0).integers(0, 256, (1, 8, 64, 64, 10)).astype("uint8")
    other = video.copy()
    other[..., 2:] = 128
    np.testing.assert_array_equal(i3d.frame_encoder(video), i3d.frame_encoder(other))
    assert np.abs(tsm.frame_encoder(video) - tsm.frame_encoder(other)).max() > 0


def test_the_form_for_inference_is_the_same_function_with_one_head(model, small):
    smaller, clips = model.for_inference(), small.make_clips()
    found = smaller(clips)
    assert tuple(found) == ("fused",)
    np.testing.assert_allclose(found["fused"], model(clips)["fused"], atol=1e-6)
    heads = sum(h.count_params() for n, h in model.head_layers.items() if n != "fused")
    assert smaller.count_params() == model.count_params() - heads


# === Saving and precision ===


def test_a_saved_model_is_the_same_model(model, small, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    clips = small.make_clips()
    for name, value in model(clips).items():
        np.testing.assert_allclose(again(clips)[name], value, atol=1e-6)
    assert again.get_config() == model.get_config()


def test_half_precision_stays_close(small):
    full, half = small.make_model(), small.make_model(dtype="mixed_bfloat16")
    clips = small.make_clips()
    for name, expected in full(clips).items():
        found = half(clips)[name]
        assert found.dtype == tf.float32
        expected = np.asarray(expected)
        np.testing.assert_allclose(found, expected, atol=0.1 * np.abs(expected).max() + 0.02)


# === Refusals ===


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"image_size": (60, 64)}, r"multiples of 8 pixels.*tsm_micro"),
        ({"image_size": (8, 64)}, "16 at least"),
        ({"segments": 2, "segment_steps": 4}, "2 segments of 4 steps do not cover a clip of 16"),
        ({"left_right": False, "top_bottom": False}, "set spatial to false"),
        ({"stream": "depth"}, "stream is one of rgb, flow"),
        ({"heads": "some"}, "heads is one of"),
        ({"part_heads": "none"}, "part_heads is one of"),
        ({"spatial_fusion": "sum"}, "spatial_fusion is one of"),
        ({"attention_norm": "batch"}, "norm of an attention is one of"),
        ({"width": 15}, "width is 15"),
        ({"backbone": "resnet18"}, "gives no maps of clips"),
        ({"backbone": "swin_t"}, "gives no maps of clips"),
        ({"backbone": "tsm_r51"}, "did you mean"),
        ({"pixels": "bright"}, "mode must be one of"),
        ({"vocabulary_size": 2}, "no gloss"),
    ],
)
def test_impossible_models_are_refused_by_name(options, says):
    with pytest.raises(UserError, match=says):
        create_model("stepnet_tiny", **{"vocabulary_size": 7, **options})
