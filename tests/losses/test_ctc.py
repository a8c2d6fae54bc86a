"""CTC against enumeration of every path; infeasible samples cost nothing."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.losses import (
    ctc_loss,
    distillation_loss,
    ensemble_log_probabilities,
    feasible,
    stark_losses,
)
from slr_keras.utils.errors import UserError


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def brute_force(labels, logits):
    """-log of the summed probability of every path that collapses to the labels."""
    scores = log_softmax(logits.astype(np.float64))
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        collapsed = [k for k, _ in itertools.groupby(path) if k]
        if collapsed == list(labels):
            total += np.exp(sum(scores[t, k] for t, k in enumerate(path)))
    return -np.log(total)


@pytest.mark.parametrize("labels", [[], [1], [2, 1], [1, 1], [1, 2, 1]])
def test_loss_equals_enumeration_of_paths(labels):
    logits = np.random.default_rng(len(labels)).normal(size=(2, 6, 3)).astype("float32")
    padded = np.zeros((2, 4), "int32")
    padded[:, : len(labels)] = labels
    losses = ctc_loss(padded, logits, [len(labels)] * 2, [6, 5])
    np.testing.assert_allclose(losses[0], brute_force(labels, logits[0]), rtol=1e-5)
    np.testing.assert_allclose(losses[1], brute_force(labels, logits[1, :5]), rtol=1e-5)


def test_feasibility_counts_labels_and_adjacent_repeats():
    labels = [[1, 2, 3, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 2, 2], [1, 0, 0, 0]]
    steps = [3, 4, 5, 6, 0]
    lengths = [3, 3, 3, 4, 1]
    assert feasible(labels, lengths, steps).numpy().tolist() == [True, False, True, True, False]


def test_an_infeasible_sample_costs_nothing_and_moves_nothing():
    logits = tf.Variable(np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32"))
    labels = tf.constant([[1, 1, 2, 2], [1, 2, 0, 0]])
    with tf.GradientTape() as tape:
        losses = ctc_loss(labels, logits, [4, 2], [5, 5])
        total = tf.reduce_sum(losses)
    gradient = tape.gradient(total, logits).numpy()
    assert losses[0] == 0
    assert losses[1] > 0
    assert not gradient[0].any()
    assert gradient[1].any()


def test_distillation_is_the_masked_sum_of_divergences_from_the_mean():
    generator = np.random.default_rng(0)
    heads = {name: generator.normal(size=(2, 3, 4)).astype("float32") for name in "abc"}
    mask = np.array([[1, 1, 1], [1, 0, 0]])
    probabilities = {name: np.exp(log_softmax(x.astype(np.float64))) for name, x in heads.items()}
    mean = np.mean(list(probabilities.values()), axis=0)
    expected = sum(
        ((mean * (np.log(mean) - np.log(p))).sum(-1) * mask).sum(1) for p in probabilities.values()
    )
    np.testing.assert_allclose(distillation_loss(heads, mask), expected, rtol=1e-5)
    np.testing.assert_allclose(ensemble_log_probabilities(heads), np.log(mean), atol=1e-5)


def test_the_teacher_is_held_constant():
    first = tf.Variable([[[1.0, 0.0]]])
    second = tf.constant([[[0.0, 1.0]]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(distillation_loss({"a": first, "b": second}, [[1.0]]))
    teacher = np.exp(ensemble_log_probabilities({"a": first, "b": second}))[0, 0]
    student = tf.nn.softmax(first)[0, 0].numpy()
    np.testing.assert_allclose(tape.gradient(loss, first)[0, 0], student - teacher, atol=1e-6)


def test_heads_in_one_call_equal_heads_one_by_one():
    generator = np.random.default_rng(1)
    heads = {name: generator.normal(size=(2, 6, 5)).astype("float32") for name in ("fuse", "body")}
    labels = np.array([[1, 2, 0], [3, 3, 3]])
    lengths, steps = np.array([2, 3]), np.array([6, 4])
    terms = stark_losses(labels, heads, lengths, steps)
    separate = sum(ctc_loss(labels, x, lengths, steps) for x in heads.values())
    np.testing.assert_allclose(terms["ctc"], separate, rtol=1e-6)
    assert terms["ctc"][1] == 0
    assert terms["distillation"][1] == 0


def test_the_ensemble_may_be_the_mean_of_chosen_heads_only():
    generator = np.random.default_rng(3)
    heads = {name: generator.normal(size=(1, 2, 3)).astype("float32") for name in "abc"}
    chosen = np.mean([np.exp(log_softmax(heads[name])) for name in "ac"], axis=0)
    np.testing.assert_allclose(
        np.exp(ensemble_log_probabilities(heads, ("a", "c"))), chosen, atol=1e-6
    )
    with pytest.raises(UserError, match="no head 'd'; it has a, b, c"):
        ensemble_log_probabilities(heads, ("d",))
