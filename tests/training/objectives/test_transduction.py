"""The objective of C²ST on a tiny model: its terms, its schedule, and what it draws."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import TransductionConfig, override, parse_config
from slr_keras.data.video.contract import FrameContract
from slr_keras.decoding import align_transducer
from slr_keras.losses import ctc_loss
from slr_keras.losses.cst import (
    cgd_arcs_additive,
    cgd_lattice,
    cgd_loss_additive,
    occupancy,
)
from slr_keras.models.c2st.sampling import sample_hypotheses, uniform
from slr_keras.models.registry import create_model
from slr_keras.training.model import build_model
from slr_keras.training.objectives.factory import make_objective
from slr_keras.training.objectives.transduction import TransductionObjective
from slr_keras.training.step import TrainingStep, make_optimiser

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


def test_ctc_with_context_is_that_of_the_logits_under_the_lattices_alignment(model):
    losses, terms = run(model, loss="ctc_context", divergence="none", lifting_weight=0.0)
    batch, outputs = outputs_of(model)
    labels, lengths, steps = batch["labels"], batch["label_lengths"], batch["frames"] // 4
    arcs = cgd_arcs_additive(outputs["video"], outputs["video_context"], labels, steps, lengths)
    nodes = occupancy(cgd_lattice(*arcs, steps, lengths)).numpy().argmax(-1)
    for level in ("chunk", "video"):
        logits, contexts = (outputs[name].numpy() for name in (level, f"{level}_context"))
        seen = logits + np.take_along_axis(contexts, nodes[..., None], axis=1)
        expected = ctc_loss(labels, seen, lengths, steps).numpy()
        np.testing.assert_allclose(terms[level], expected, rtol=1e-4)
        without = ctc_loss(labels, logits, lengths, steps).numpy()
        assert np.abs(expected - without)[:2].max() > 1e-3
    np.testing.assert_allclose(losses[:2], (terms["chunk"] + terms["video"])[:2], rtol=1e-5)


def test_ctc_with_context_teaches_the_adapters(model):
    objective = TransductionObjective(TransductionConfig(loss="ctc_context"), 10)
    controls = {name: tf.constant(value) for name, value in objective.at(0).items()}
    adapters = [weight.value for layer in model.context.adapters for weight in layer.weights]
    with tf.GradientTape() as tape:
        losses, _ = objective(model, make_batch(), controls)
        loss = tf.reduce_sum(losses)
    for gradient in tape.gradient(loss, adapters):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0


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


def seeds(*words, clips=1):
    return np.tile(words, (clips, 1))


def test_hypotheses_are_drawn_as_often_as_they_are_probable(model):
    rng = np.random.default_rng(5)
    logits = tf.constant(rng.normal(size=(1, 2, CLASSES)), tf.float32)
    sequences, lengths = sample_hypotheses(model, "video", logits, [2], 6000, [4], seeds(1, 2))
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

    def draw(*words):
        return sample_hypotheses(model, "video", logits, [5, 2], 20, [3, 3], seeds(*words, clips=2))

    first, again, other = draw(1, 2), draw(1, 2), draw(1, 3)
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0].numpy() != other[0].numpy()).any()
    assert first[1].numpy()[0].max() == 3
    assert first[1].numpy()[1].max() == 2
    real = np.arange(3) < first[1].numpy()[..., None]
    np.testing.assert_array_equal(first[0].numpy() > 0, real)


def test_a_clip_draws_the_same_alone_as_in_a_batch(model):
    rng = np.random.default_rng(6)
    logits = tf.constant(rng.normal(size=(3, 7, CLASSES)), tf.float32)
    steps, longest = np.array([7, 4, 6]), np.array([2, 6, 4])
    words = np.array([[0, 1, 5], [0, 1, 9], [0, 1, 2]])
    together = sample_hypotheses(model, "video", logits, steps, 16, longest, words)
    assert len({row.tobytes() for row in together[0].numpy()}) == 3
    for row in range(3):
        mine = slice(row, row + 1)
        alone = sample_hypotheses(
            model,
            "video",
            logits[mine, : steps[row]],
            steps[mine],
            16,
            longest[mine],
            words[mine],
        )
        room = longest[row]
        np.testing.assert_array_equal(alone[0][0], together[0][row, :, :room])
        np.testing.assert_array_equal(alone[1][0], together[1][row])


def test_uniform_numbers_of_neighbouring_seeds_are_spread_evenly_and_uncorrelated():
    grid = np.stack(np.meshgrid(np.arange(200), np.arange(200), indexing="ij"), -1)
    found = uniform(grid.reshape(-1, 2)).numpy().reshape(200, 200).astype(np.float64)
    assert found.min() >= 0
    assert found.max() < 1
    counts = np.histogram(found, 100, (0, 1))[0]
    # Chi-square of 99 degrees of freedom exceeds 161 once in ten thousand.
    assert ((counts - 400) ** 2 / 400).sum() < 161
    centred = found - 0.5
    for product in (centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1]):
        # Five standard deviations of a mean of products of variance 1/144.
        assert abs(product.mean()) < 5 / 12 / np.sqrt(product.size)


def test_calibration_costs_a_clip_the_same_alone_as_in_a_batch(model):
    options = {"loss": "cst", "calibration_start": 0.0, "hypotheses": 6}
    # As in inference: the statistics of a batch are its own matter.
    inference = {name: value[:2] for name, value in make_batch().items()}
    objective = TransductionObjective(TransductionConfig(**options), epochs=10)
    controls = {name: tf.constant(value) for name, value in objective.at(0).items()}

    def calibration(batch):
        inputs = {name: batch[name] for name in ("video", "mask", "labels", "label_lengths")}
        outputs = model(inputs, training=False)
        steps = batch["frames"] // 4
        losses = {
            level: cgd_loss_additive(
                outputs[level],
                outputs[f"{level}_context"],
                batch["labels"],
                steps,
                batch["label_lengths"],
            )
            for level in ("chunk", "video")
        }
        return objective._calibration(model, outputs, batch, steps, losses, controls).numpy()

    both = calibration(inference)
    assert (both > 0).any()
    for row, (frames, glosses) in enumerate(((16, 3), (12, 1))):
        alone = {name: value[row : row + 1] for name, value in inference.items()}
        alone["video"], alone["mask"] = alone["video"][:, :frames], alone["mask"][:, :frames]
        alone["labels"] = alone["labels"][:, :glosses]
        np.testing.assert_allclose(calibration(alone)[0], both[row], rtol=1e-4, atol=1e-5)


@pytest.mark.long
def test_a_step_that_xla_compiles_is_the_step_of_the_graph():
    """With CTC at the start and with calibration after it."""
    tree = {
        "data": {"folder": "unused"},
        "model": {
            "name": "c2st_tiny",
            "options": {"width": 16, "dropout": 0.0, "language_model_options": {"width": 8}},
        },
        "training": {"learning_rate": 1e-3, "warm_up_epochs": 0, "epochs": 2},
        "transduction": {"ctc_epochs": 1, "calibration_start": 0.5, "hypotheses": 2},
    }
    contract = FrameContract(size=(SIZE, SIZE), resize=(SIZE, SIZE), crop=(SIZE, SIZE))
    batch = make_batch()
    open_shapes = {"video": (None, None, SIZE, SIZE, 3)}
    spec = {
        name: tf.TensorSpec(open_shapes.get(name, [None] * value.shape.rank), value.dtype)
        for name, value in batch.items()
    }
    outcomes = []
    for compiled in (False, True):
        config = override(parse_config(tree), [f"training.jit_compile={str(compiled).lower()}"])
        keras.utils.set_random_seed(1)
        model = build_model(config, CLASSES, contract)
        assert model.skip_padding is not compiled
        step = TrainingStep(
            tf.distribute.get_strategy(),
            model,
            make_objective(model, config),
            make_optimiser(model, config.training),
            config.training,
            spec,
        )
        outcomes.append([step(batch, 1e-3, epoch) for epoch in range(2)])
    for graph, xla in zip(*outcomes):
        assert float(graph["loss"]) > 0
        for name in graph:
            np.testing.assert_allclose(xla[name], graph[name], rtol=2e-3, atol=1e-4, err_msg=name)
