"""The whole model: counts, masks, gradients, saving, precision (docs/papers/stark.md §8)."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.losses import stark_losses
from slr_keras.models.registry import create_model, family_of, list_models
from slr_keras.models.stark.model import Stark
from slr_keras.utils.errors import UserError

LITTLE = {
    "widths": (8, 12),
    "stem_width": 8,
    "heads": 2,
    "window": 3,
    "pools": (2, 1),
    "head_width": 16,
    "feed_forward_width": 24,
}
STREAMS = {"body": (0, 1, 2, 3, 4), "left": (0, 1), "right": (0, 2), "face": (3, 4)}


def little(**overrides):
    keras.utils.set_random_seed(7)
    return Stark(6, STREAMS, points=5, **{**LITTLE, **overrides})


def count(layer):
    return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


def clips(*frames, seed=0):
    generator = np.random.default_rng(seed)
    time = max(frames)
    keypoints = generator.normal(size=(len(frames), time, 5, 3)).astype("float32")
    mask = (np.arange(time) < np.array(frames)[:, None]).astype("float32")
    return {"keypoints": keypoints, "mask": mask}


@pytest.fixture(scope="module")
def paper_model():
    return create_model("stark", vocabulary_size=1094)


def test_paper_model_has_the_published_parameter_counts(paper_model):
    streams = {name: count(encoder) for name, encoder in paper_model.encoders.items()}
    assert streams == {"body": 866_560, "left": 725_536, "right": 725_536, "face": 724_096}
    assert sum(streams.values()) == 3_041_728
    heads = {name: count(head) for name, head in paper_model.gloss_heads.items()}
    assert heads == {"fuse": 7_383_110, "left": 7_120_966, "right": 7_120_966, "body": 6_989_894}
    assert count(paper_model) == 31_656_664


def test_the_model_for_a_phone_has_one_head_and_two_and_a_half_million_weights():
    model = create_model("stark_mobile", vocabulary_size=127)
    assert list(model.output) == ["fuse"]
    assert model.count_params() == 2_500_671
    large = create_model("stark", vocabulary_size=127)
    for name, encoder in model.encoders.items():
        shapes = [tuple(weight.shape) for weight in encoder.weights]
        assert shapes == [tuple(weight.shape) for weight in large.encoders[name].weights]


@pytest.mark.parametrize("names", [[], ["fuze"], ["fuse", "middle"]])
def test_heads_that_do_not_exist_are_refused(names):
    with pytest.raises(UserError, match="gloss_heads must be some of fuse, left, right, body"):
        create_model("stark_tiny", vocabulary_size=5, without=(), gloss_heads=names)


def test_paper_model_gives_one_step_for_four_frames(paper_model):
    inputs = {"keypoints": np.zeros((1, 12, 79, 3)), "mask": np.ones((1, 12))}
    outputs = paper_model(inputs)
    assert sorted(outputs) == ["body", "fuse", "left", "right"]
    assert {tuple(logits.shape) for logits in outputs.values()} == {(1, 3, 1094)}


def test_a_clip_alone_and_in_a_batch_give_the_same_logits():
    model = little()
    batch = clips(12, 44, 4)
    batch["keypoints"] += 100 * (1 - batch["mask"][..., None, None])
    together = model(batch)
    for row, frames in enumerate((12, 44, 4)):
        alone = model({key: value[row : row + 1, :frames] for key, value in batch.items()})
        for head in together:
            np.testing.assert_allclose(
                together[head][row, : frames // 4], alone[head][0], atol=1e-5, rtol=1e-5
            )


def test_padding_changes_neither_loss_nor_gradient_in_training():
    model = little(dropout=0.0, attention_dropout=0.0)
    short = clips(16, 8)
    padded = {
        key: np.pad(short[key], [(0, 0), (0, 20)] + [(0, 0)] * (short[key].ndim - 2))
        for key in short
    }
    padded["keypoints"][:, 16:] = 55.0
    padded["keypoints"][1, 8:] = 7.0
    (loss, gradients), (other, others) = (loss_and_gradients(model, x) for x in (short, padded))
    np.testing.assert_allclose(loss, other, rtol=1e-5)
    for gradient, value in zip(gradients, others, strict=True):
        np.testing.assert_allclose(gradient, value, atol=2e-4, rtol=1e-3)


def loss_and_gradients(model, inputs):
    labels = tf.constant([[2, 3], [1, 0]])
    steps = tf.constant(inputs["mask"].sum(1) // 4, tf.int32)
    with tf.GradientTape() as tape:
        terms = stark_losses(labels, model(inputs, training=True), tf.constant([2, 1]), steps)
        loss = tf.reduce_sum(terms["ctc"] + terms["distillation"])
    gradients = tape.gradient(loss, model.trainable_weights)
    return loss.numpy(), [None if g is None else g.numpy() for g in gradients]


def test_every_weight_gets_a_gradient():
    model = little()
    _, gradients = loss_and_gradients(model, clips(16, 12))
    silent = [
        weight.path
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        if gradient is None or not np.abs(gradient).max() > 0
    ]
    assert not silent


def test_model_survives_saving_and_loading_in_a_fresh_process(tmp_path):
    model = little()
    inputs = clips(8, 20)
    np.savez(tmp_path / "case.npz", **inputs, **{f"out_{k}": v for k, v in model(inputs).items()})
    model.save(tmp_path / "model.keras")
    code = (
        "import sys, numpy as np, keras, slr_keras.models\n"
        "case = np.load(sys.argv[2])\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "out = model({'keypoints': case['keypoints'], 'mask': case['mask']})\n"
        "assert sorted(out) == ['body', 'fuse', 'left', 'right'], sorted(out)\n"
        "for head in out:\n"
        "    np.testing.assert_allclose(out[head], case['out_' + head], atol=1e-5)\n"
    )
    arguments = [str(tmp_path / "model.keras"), str(tmp_path / "case.npz")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_config_round_trip_keeps_every_argument():
    model = little(position="learned", window=5)
    again = Stark.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert count(again) == count(model)


def test_mixed_bfloat16_stays_near_float32_and_gives_float32_logits():
    exact = little(dropout=0.0, attention_dropout=0.0)
    mixed = little(dropout=0.0, attention_dropout=0.0, dtype="mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    inputs = clips(16, 12)
    loss, gradients = loss_and_gradients(mixed, inputs)
    reference, _ = loss_and_gradients(exact, inputs)
    assert mixed(inputs)["fuse"].dtype == tf.float32
    assert abs(loss - reference) / reference < 0.05
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert {layer.compute_dtype for layer in mixed.encoders["body"].blocks} == {"bfloat16"}


def test_layouts_without_some_streams_leave_their_heads_out():
    model = Stark(6, {"body": (0, 1, 2)}, points=3, **LITTLE)
    assert set(model.output) == {"fuse"}
    model = Stark(6, {"body": (0, 1, 2), "left": (0,), "right": (1,)}, points=3, **LITTLE)
    assert set(model.output) == {"fuse", "left", "right", "body"}


SENTENCE_MODELS = [name for name in list_models("stark*") if family_of(name).output == "glosses"]


@pytest.mark.parametrize("name", SENTENCE_MODELS)
def test_every_preset_is_finite_and_repeatable(name):
    model = create_model(name, vocabulary_size=9)
    inputs = {
        "keypoints": np.random.default_rng(0).normal(size=(1, 8, 79, 3)).astype("float32"),
        "mask": np.ones((1, 8), "float32"),
    }
    first, second = model(inputs), model(inputs)
    for head in first:
        assert first[head].shape == (1, 2, 9)
        assert np.isfinite(first[head]).all()
        np.testing.assert_array_equal(first[head], second[head])


def test_unknown_names_and_options_name_the_nearest():
    with pytest.raises(UserError, match="did you mean 'stark_tiny'"):
        create_model("stark_tny", vocabulary_size=5)
    with pytest.raises(UserError, match="wndow"):
        create_model("stark_tiny", vocabulary_size=5, wndow=3)
