"""The objective of USTM on given logits, and on a small model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config.schema import SelfDistillationConfig
from slr_keras.losses import ctc_loss
from slr_keras.models.registry import create_model
from slr_keras.training.objectives.self_distillation import SelfDistillationObjective

CLASSES = 5


class Given:
    """Stands for a model whose outputs are known; the objective reads nothing else of it."""

    clip_inputs = ("mask",)
    stride = 4

    def __init__(self, outputs, masked=True):
        self.outputs = outputs
        self.masked = masked

    def __call__(self, inputs, training):
        assert training
        return self.outputs


def make_batch(frames=(16, 12, 8)):
    frames = np.array(frames)
    return {
        "mask": tf.constant((np.arange(16) < frames[:, None]).astype(np.float32)),
        "frames": tf.constant(frames, tf.int32),
        "labels": tf.constant([[1, 2, 0], [3, 0, 0], [4, 1, 4]], tf.int32),
        "label_lengths": tf.constant([2, 1, 3], tf.int32),
    }


def logits(seed):
    values = np.random.default_rng(seed).normal(size=(3, 4, CLASSES)).astype(np.float32)
    return tf.Variable(values)


def outputs(convolution, sequence):
    return {
        "convolution": convolution,
        "sequence": sequence,
        "lifting": tf.constant([3.0, 5.0, 7.0]),
    }


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("masked", [True, False])
def test_the_loss_is_the_sum_of_its_published_terms(masked):
    student, teacher = logits(0), logits(1)
    batch = make_batch()
    config = SelfDistillationConfig(weight=2.0, temperature=4.0, lifting_weight=0.1)
    objective = SelfDistillationObjective(config)
    losses, terms = objective(Given(outputs(student, teacher), masked), batch, {})
    assert set(terms) == set(objective.terms)
    arguments = batch["label_lengths"], batch["frames"] // 4
    for name, values in (("convolution", student), ("sequence", teacher)):
        np.testing.assert_allclose(terms[name], ctc_loss(batch["labels"], values, *arguments))
    p, q = (softmax(x.numpy()[..., 1:].astype(np.float64) / 4) for x in (teacher, student))
    divergence = (p * np.log(p / q)).sum(-1)
    for row, steps in enumerate([4, 3, 2]):
        mean = divergence[row, : steps if masked else 4].mean()
        np.testing.assert_allclose(terms["distillation"][row], 16 * mean, rtol=1e-4)
    expected = terms["convolution"] + terms["sequence"] + 2 * terms["distillation"]
    expected += 0.1 * terms["lifting"]
    np.testing.assert_allclose(losses[:2], expected[:2], rtol=1e-5)
    # Three glosses in two steps have no path.
    assert losses[2] == 0


def test_equal_logits_are_no_distance_apart_and_the_teacher_is_held_constant():
    same = logits(0)
    _, terms = SelfDistillationObjective()(Given(outputs(same, same)), make_batch(), {})
    np.testing.assert_allclose(terms["distillation"], 0, atol=1e-5)
    student, teacher = logits(0), logits(1)
    with tf.GradientTape() as tape:
        _, terms = SelfDistillationObjective()(Given(outputs(student, teacher)), make_batch(), {})
        loss = tf.reduce_sum(terms["distillation"])
    to_student, to_teacher = tape.gradient(loss, [student, teacher])
    assert to_teacher is None
    gradient = to_student.numpy()
    # The blank takes no part.
    np.testing.assert_array_equal(gradient[..., 0], 0)
    assert np.abs(gradient[..., 1:]).max() > 1e-3


def test_distillation_gives_the_recurrent_layers_nothing_and_the_loss_gives_all_something():
    keras.utils.set_random_seed(1)
    model = create_model(
        "ustm_tiny",
        CLASSES,
        image_size=(16, 16),
        width=8,
        adapter_width=4,
        backbone_options={"embedding": 8, "depths": (1, 1), "heads": (1, 2), "window": 4},
    )
    video = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 16, 3)).astype(np.uint8)
    batch = {**make_batch(), "video": tf.constant(video)}
    variables = model.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        losses, terms = SelfDistillationObjective()(model, batch, {})
        taught, loss = tf.reduce_sum(terms["distillation"]), tf.reduce_sum(losses)
    values = [variable.value for variable in variables]
    for variable, gradient in zip(variables, tape.gradient(taught, values), strict=True):
        reached = gradient is not None and np.any(tf.convert_to_tensor(gradient))
        assert not (reached and "recurrent" in variable.path), variable.path
    for variable, gradient in zip(variables, tape.gradient(loss, values), strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path
