"""The loss that a step follows: whose clips count, and how much."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import TrainingConfig
from slr_keras.losses import stark_losses
from slr_keras.training.objectives.ctc import CtcObjective
from slr_keras.training.step import TrainingStep, make_optimiser
from slr_keras.utils.errors import UserError

CLASSES = 5
SPEC = {
    "keypoints": tf.TensorSpec((None, None, 2, 3), tf.float32),
    "mask": tf.TensorSpec((None, None), tf.float32),
    "frames": tf.TensorSpec((None,), tf.int32),
    "labels": tf.TensorSpec((None, None), tf.int32),
    "label_lengths": tf.TensorSpec((None,), tf.int32),
    "index": tf.TensorSpec((None,), tf.int32),
    "weight": tf.TensorSpec((None,), tf.float32),
}
CONFIG = TrainingConfig(learning_rate=0.01)


def make_model(dtype=None):
    """Two linear heads on means over 4 frames: no batch statistics, no dropout."""
    keras.utils.set_random_seed(1)
    points = keras.Input((None, 2, 3), name="keypoints")
    mask = keras.Input((None,), name="mask")
    frames = keras.layers.Reshape((-1, 24), dtype=dtype)(points)
    outputs = {
        name: keras.layers.Activation("linear", dtype="float32")(
            keras.layers.Dense(CLASSES, dtype=dtype, name=name)(frames)
        )
        for name in ("fuse", "body")
    }
    model = keras.Model({"keypoints": points, "mask": mask}, outputs)
    model.clip_inputs, model.stride = ("keypoints", "mask"), 4
    return model


def objective_of(config):
    return CtcObjective(config.distillation_weight)


def make_batch(clips=4, seed=0, frames=24):
    rng = np.random.default_rng(seed)
    lengths = 4 * rng.integers(3, frames // 4 + 1, clips)
    label_lengths = rng.integers(1, 3, clips)
    labels = rng.integers(1, CLASSES, (clips, 2)) * (np.arange(2) < label_lengths[:, None])
    return {
        "keypoints": rng.normal(size=(clips, frames, 2, 3)).astype(np.float32),
        "mask": (np.arange(frames) < lengths[:, None]).astype(np.float32),
        "frames": lengths.astype(np.int32),
        "labels": labels.astype(np.int32),
        "label_lengths": label_lengths.astype(np.int32),
        "index": np.arange(clips, dtype=np.int32),
        "weight": np.ones(clips, np.float32),
    }


def rows(batch, chosen):
    return {name: values[chosen] for name, values in batch.items()}


def trained(batches, config=CONFIG, dtype=None):
    """Weights after one step on all the batches together, and what the last call gave."""
    model = make_model(dtype)
    strategy = tf.distribute.get_strategy()
    step = TrainingStep(
        strategy, model, objective_of(config), make_optimiser(model, config), config, SPEC
    )
    for number, batch in enumerate(batches, start=1):
        outcome = step(batch, config.learning_rate, hold=number < len(batches))
    return [w.numpy() for w in model.trainable_variables], outcome, step


def assert_same(first, second, tolerance=1e-6):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


def test_loss_is_the_sum_of_the_terms_over_clips_and_the_gradient_is_of_their_mean():
    config = dataclasses.replace(CONFIG, distillation_weight=0.5)
    batch, model = make_batch(), make_model()
    with tf.GradientTape() as tape:
        logits = model({n: batch[n] for n in ("keypoints", "mask")}, training=True)
        steps = batch["frames"] // 4
        terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
        losses = terms["ctc"] + 0.5 * terms["distillation"]
        mean = tf.reduce_mean(losses)
    gradients = tape.gradient(mean, [w.value for w in model.trainable_variables])
    _, outcome, _ = trained([batch], config)
    assert float(outcome["loss"]) == pytest.approx(float(tf.reduce_sum(losses)), rel=1e-5)
    assert float(outcome["clips"]) == 4
    norm = float(tf.linalg.global_norm(gradients))
    assert float(outcome["gradient_norm"]) == pytest.approx(norm, rel=1e-4)


def test_clips_of_weight_zero_change_nothing():
    batch = make_batch(6)
    batch["weight"][[1, 4]] = 0
    masked, outcome, _ = trained([batch])
    alone, expected, _ = trained([rows(batch, [0, 2, 3, 5])])
    assert_same(masked, alone)
    assert float(outcome["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)
    assert float(outcome["clips"]) == 4


@pytest.mark.parametrize("optimiser", ["adamw", "momentum"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_batch_of_fillers_alone_moves_the_weights_by_their_decay_only(optimiser, decay):
    batch = make_batch(2)
    batch["weight"][:] = 0
    config = dataclasses.replace(CONFIG, optimiser=optimiser, weight_decay=decay)
    weights, outcome, _ = trained([batch], config)
    first = [w.numpy() for w in make_model().trainable_variables]
    kept = 1 - config.learning_rate * decay
    assert_same(weights, [kept * w for w in first], 1e-7 if decay else 0)
    assert (weights[0] != first[0]).any() == bool(decay)
    assert float(outcome["gradient_norm"]) == 0


def test_accumulated_batches_of_unequal_size_equal_one_batch():
    batch = make_batch(7)
    config = dataclasses.replace(CONFIG, accumulate=3, clip_norm=0.5)
    parts = [rows(batch, slice(0, 3)), rows(batch, slice(3, 4)), rows(batch, slice(4, 7))]
    accumulated, _, _ = trained(parts, config)
    whole, _, _ = trained([batch], dataclasses.replace(config, accumulate=1))
    assert_same(accumulated, whole)


def test_held_gradients_are_gone_after_their_step():
    config = dataclasses.replace(CONFIG, accumulate=2)
    _, _, step = trained([make_batch(3, 1), make_batch(3, 2)], config)
    assert all(not held.numpy().any() for held in step._held)
    assert float(step._held_clips) == 0


def test_batches_of_many_shapes_are_traced_once():
    _, _, step = trained([make_batch()])
    for clips, frames in ((1, 12), (3, 20), (5, 40)):
        step(make_batch(clips, frames=frames), 0.01)
    assert step.traces() == 1


def test_clipping_limits_the_step_and_reports_the_norm_before_it():
    batch = make_batch()
    _, free, _ = trained([batch])
    config = dataclasses.replace(CONFIG, clip_norm=1e-9, weight_decay=0.0, epsilon=1.0)
    weights, clipped, _ = trained([batch], config)
    assert float(clipped["gradient_norm"]) == pytest.approx(float(free["gradient_norm"]), rel=1e-6)
    assert_same(weights, [w.numpy() for w in make_model().trainable_variables], 1e-7)


def test_xla_gives_the_same_step():
    batch = make_batch()
    compiled, outcome, _ = trained([batch], dataclasses.replace(CONFIG, jit_compile=True))
    plain, expected, _ = trained([batch])
    assert float(outcome["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)
    assert_same(compiled, plain, 1e-5)


def test_xla_over_several_devices_is_refused():
    model = make_model()

    class Two:
        num_replicas_in_sync = 2

    def step(strategy, compiled):
        config = dataclasses.replace(CONFIG, jit_compile=compiled)
        optimiser = make_optimiser(model, config)
        return TrainingStep(strategy, model, objective_of(config), optimiser, config, SPEC)

    with pytest.raises(UserError, match="jit_compile"):
        step(Two(), compiled=True)
    # The combination is refused: neither several devices alone nor XLA alone is.
    assert step(Two(), compiled=False).strategy.num_replicas_in_sync == 2
    assert step(tf.distribute.get_strategy(), compiled=True).config.jit_compile


def test_bfloat16_keeps_float32_weights_and_comes_close():
    batch = make_batch()
    _, outcome, step = trained([batch], dtype="mixed_bfloat16")
    _, expected, _ = trained([batch])
    assert {w.dtype for w in step.model.trainable_variables} == {"float32"}
    assert float(outcome["loss"]) == pytest.approx(float(expected["loss"]), rel=0.02)
    assert float(outcome["loss"]) != float(expected["loss"])
