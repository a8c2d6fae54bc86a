"""STARK's encoders with heads of one sign: counts, masks, gradients, saving, precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.registry import create_model, family_of, list_models
from slr_keras.models.sign_head import SignHead
from slr_keras.models.stark import StarkIsolated
from slr_keras.utils.errors import UserError

LITTLE = {"widths": (8, 12), "stem_width": 8, "heads": 2, "window": 3, "pools": (2, 1)}
STREAMS = {"body": (0, 1, 2, 3, 4), "left": (0, 1), "right": (0, 2), "face": (3, 4)}


def little(**overrides):
    keras.utils.set_random_seed(7)
    return StarkIsolated(6, STREAMS, points=5, **{**LITTLE, **overrides})


def clips(*frames):
    generator = np.random.default_rng(0)
    time = max(frames)
    mask = (np.arange(time) < np.array(frames)[:, None]).astype("float32")
    keypoints = generator.normal(size=(len(frames), time, 5, 3)).astype("float32")
    return {"keypoints": keypoints, "mask": mask}


def test_a_clip_alone_and_in_a_batch_give_the_same_logits():
    model = little()
    batch = clips(12, 44, 4)
    batch["keypoints"] += 100 * (1 - batch["mask"][..., None, None])
    together = model(batch)
    assert {tuple(x.shape) for x in together.values()} == {(3, 4)}
    for row, frames in enumerate((12, 44, 4)):
        alone = model({key: value[row : row + 1, :frames] for key, value in batch.items()})
        for head in together:
            np.testing.assert_allclose(together[head][row], alone[head][0], atol=1e-5, rtol=1e-5)


def test_the_head_is_the_linear_map_of_the_mean_over_real_steps():
    head = SignHead(3)
    features = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    valid = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]], "float32")
    found = head(features, valid=valid)
    means = np.stack([features[0, :2].mean(axis=0), features[1].mean(axis=0)])
    kernel, bias = (weight.numpy() for weight in (head.linear.kernel, head.linear.bias))
    np.testing.assert_allclose(found, means @ kernel + bias, atol=1e-5)


def test_dropout_acts_on_the_mean_in_training_alone():
    head = SignHead(3, dropout=0.5)
    features, valid = np.ones((4, 2, 64), "float32"), np.ones((4, 2), "float32")
    quiet = head(features, valid=valid)
    np.testing.assert_array_equal(quiet, head(features, valid=valid))
    drawn = head(features, valid=valid, training=True).numpy()
    assert np.abs(drawn - quiet.numpy()).max() > 0
    assert len(np.unique(drawn[:, 0])) > 1


def test_every_weight_gets_a_gradient():
    model = little()
    with tf.GradientTape() as tape:
        outputs = model(clips(16, 12), training=True)
        loss = tf.add_n([tf.reduce_sum(tf.nn.log_softmax(x)[:, 1]) for x in outputs.values()])
    gradients = tape.gradient(loss, model.trainable_weights)
    silent = [
        weight.path
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True)
        if gradient is None or not np.abs(gradient).max() > 0
    ]
    assert not silent


def test_the_encoders_are_those_of_stark():
    ours = create_model("stark_isolated", vocabulary_size=102)
    streams = {name: encoder.count_params() for name, encoder in ours.encoders.items()}
    theirs = create_model("stark", vocabulary_size=102).encoders
    assert streams == {name: encoder.count_params() for name, encoder in theirs.items()}
    # Four streams of 256 channels in fuse, two in each hand's head, one in the body's.
    widths = {"fuse": 1024, "left": 512, "right": 512, "body": 256}
    heads = {name: head.count_params() for name, head in ours.head_layers.items()}
    assert heads == {name: (width + 1) * 100 for name, width in widths.items()}


def test_model_survives_saving_and_loading(tmp_path):
    model = little()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    for head, logits in model(clips(8, 20)).items():
        np.testing.assert_allclose(again(clips(8, 20))[head], logits, atol=1e-6)


def test_mixed_bfloat16_gives_float32_logits_near_those_of_float32():
    exact = little(dropout=0.0, attention_dropout=0.0)
    mixed = little(dropout=0.0, attention_dropout=0.0, dtype="mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    logits = mixed(clips(16, 12))["fuse"]
    assert logits.dtype == tf.float32
    assert np.abs(logits - exact(clips(16, 12))["fuse"]).max() < 0.1


@pytest.mark.parametrize(
    "name", [n for n in list_models("stark*") if family_of(n).output == "sign"]
)
def test_every_preset_gives_a_logit_for_each_gloss(name):
    outputs = create_model(name, vocabulary_size=9)(
        {"keypoints": np.zeros((2, 8, 79, 3)), "mask": np.ones((2, 8))}
    )
    assert {tuple(x.shape) for x in outputs.values()} == {(2, 7)}


def test_a_vocabulary_without_glosses_is_refused():
    with pytest.raises(UserError, match="2 tokens names no sign"):
        create_model("stark_isolated_tiny", vocabulary_size=2)
