"""The objective of C²ST on a tiny model: its terms, its schedule, and what it draws."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import TransductionConfig
from slr_keras.decoding import align_transducer
from slr_keras.losses import ctc_loss
from slr_keras.losses.cst import cgd_loss_additive
from slr_keras.models.c2st.sampling import sample_hypotheses
from slr_keras.models.registry import create_model
from slr_keras.training.transduction import TransductionObjective

CLASSES, SIZE = 5, 32


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    options = {"width": 16, "dropout": 0.0, "language_model_options": {"width": 8}}
    return create_model("c2st_tiny", CLASSES, image_size=(SIZE, SIZE), adapter_scale=1.0, **options)


def make_batch():
    rng = np.random.default_rng(0)
    frames = np.array([16, 12, 8])
    return {
        "video": tf.constant(rng.integers(0, 256, (3, 16, SIZE, SIZE, 3)).astype(np.uint8)),
        "mask": tf.constant((np.arange(16) < frames[:, None]).astype(np.float32)),
        "frames": tf.constant(frames, tf.int32),
        "labels": tf.constant([[1, 2, 2], [3, 0, 0], [4, 1, 4]], tf.int32),
        "label_lengths": tf.constant([3, 1, 3], tf.int32),
        "index": tf.constant([4, 0, 9], tf.int32),
        "weight": tf.ones(3),
    }


def run(model, epoch=0, **options):
    objective = TransductionObjective(TransductionConfig(**options), epochs=10)
    controls = {name: tf.constant(value) for name, value in objective.at(epoch).items()}
    losses, terms = objective(model, make_batch(), controls)
    assert set(objective.terms) == set(terms)
    return losses.numpy(), {name: value.numpy() for name, value in terms.items()}


def outputs_of(model):
    batch = make_batch()
    names = ("video", "mask", "labels", "label_lengths")
    return batch, model({name: batch[name] for name in names}, training=True)


def test_each_level_costs_its_own_transduction_and_infeasible_clips_cost_nothing(model):
    losses, terms = run(model, loss="cgd")
    batch, outputs = outputs_of(model)
    for level in ("chunk", "video"):
        expected = cgd_loss_additive(
            outputs[level],
            outputs[f"{level}_context"],
            batch["labels"],
            batch["frames"] // 4,
            batch["label_lengths"],
            zero_infinity=True,
        )
        np.testing.assert_allclose(terms[level], expected, rtol=1e-4)
    # Three glosses in two steps have no path.
    assert terms["video"][2] == losses[2] == 0
    total = terms["chunk"] + terms["video"] + 25 * terms["divergence"] + 1e-3 * terms["lifting"]
    np.testing.assert_allclose(losses[:2], total[:2], rtol=1e-5)


def test_ctc_needs_no_context(model):
    losses, _ = run(model, loss="ctc", divergence="none", lifting_weight=0.0)
    batch, outputs = outputs_of(model)
    expected = [
        ctc_loss(batch["labels"], outputs[level], batch["label_lengths"], batch["frames"] // 4)
        for level in ("chunk", "video")
    ]
    np.testing.assert_allclose(losses[:2], (expected[0] + expected[1])[:2], rtol=1e-4)


def test_the_first_epochs_may_learn_ctc_without_context(model):
    _, pure = run(model, loss="ctc", divergence="none")
    _, first = run(model, epoch=1, loss="cgd", ctc_epochs=2)
    _, after = run(model, epoch=2, loss="cgd", ctc_epochs=2)
    _, plain = run(model, epoch=2, loss="cgd")
    for level in ("chunk", "video"):
        np.testing.assert_allclose(first[level], pure[level], rtol=1e-4)
        np.testing.assert_allclose(after[level], plain[level], rtol=1e-4)
        assert abs(first[level] - after[level])[:2].min() > 1e-3


def test_calibration_begins_with_its_epoch(model):
    before, terms = run(model, epoch=4)
    assert not terms["calibration"].any()
    after, terms = run(model, epoch=5, hypotheses=8)
    assert terms["calibration"][:2].any()
    np.testing.assert_allclose(after[:2] - before[:2], terms["calibration"][:2], atol=2e-3)
    twice, _ = run(model, epoch=5, hypotheses=8)
    np.testing.assert_array_equal(after, twice)


@pytest.mark.parametrize("form", ["renormalised", "literal", "mwer"])
@pytest.mark.parametrize("divergence", ["aligned", "visual", "lattice"])
def test_every_weight_of_the_model_gets_a_finite_gradient(model, form, divergence):
    objective = TransductionObjective(
        TransductionConfig(calibration=form, divergence=divergence, calibration_start=0.0), 10
    )
    controls = {name: tf.constant(value) for name, value in objective.at(3).items()}
    with tf.GradientTape() as tape:
        losses, _ = objective(model, make_batch(), controls)
        loss = tf.reduce_sum(losses)
    weights = model.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, [w.value for w in weights])):
        assert gradient is not None, weight.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), weight.path


def test_hypotheses_are_drawn_as_often_as_they_are_probable(model):
    rng = np.random.default_rng(5)
    logits = tf.constant(rng.normal(size=(1, 2, CLASSES)), tf.float32)
    sequences, lengths = sample_hypotheses(model, "video", logits, [2], 6000, 4, (1, 2))
    drawn = [tuple(row[:length]) for row, length in zip(sequences[0].numpy(), lengths[0].numpy())]
    for count in range(3):
        for ids in itertools.product(range(1, CLASSES), repeat=count):
            contexts = model.context_logits("video", [ids[:k] for k in range(count + 1)])
            exact = np.exp(align_transducer(logits[0].numpy(), contexts, ids).log_likelihood)
            share = drawn.count(ids) / len(drawn)
            # Five standard deviations.
            assert abs(share - exact) < 5 * np.sqrt(exact * (1 - exact) / len(drawn)) + 1e-4, ids


def test_what_is_drawn_depends_on_the_seed_and_respects_lengths(model):
    logits = tf.zeros((2, 5, CLASSES))
    first = sample_hypotheses(model, "video", logits, [5, 2], 20, 3, (1, 2))
    again = sample_hypotheses(model, "video", logits, [5, 2], 20, 3, (1, 2))
    other = sample_hypotheses(model, "video", logits, [5, 2], 20, 3, (1, 3))
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0].numpy() != other[0].numpy()).any()
    assert first[1].numpy()[0].max() == 3
    assert first[1].numpy()[1].max() == 2
    real = np.arange(3) < first[1].numpy()[..., None]
    np.testing.assert_array_equal(first[0].numpy() > 0, real)
