"""The frame classifier and what turns its answers into glosses."""

import numpy as np
import pytest

from slr_keras.baselines.bag import FrameClassifier, collapse, smooth
from slr_keras.baselines.segments import REST


@pytest.mark.parametrize("hidden", [0, 5])
def test_gradients_equal_finite_differences(hidden):
    rng = np.random.default_rng(0)
    model = FrameClassifier(("A", "B", "C"), hidden, epochs=0, least_steps=0)
    frames, labels = rng.normal(size=(7, 4)), rng.integers(0, 3, 7)
    model.fit(frames, labels)
    model._weights = [weight.astype(np.float64) for weight in model._weights]
    for bias in model._weights[1::2]:
        bias += rng.normal(size=bias.shape)

    def loss():
        logits = model._forward(frames)[-1]
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -log_probs[np.arange(7), labels].mean()

    for weight, gradient in zip(model._weights, model._gradients(frames, labels), strict=True):
        place = tuple(rng.integers(0, size) for size in weight.shape)
        weight[place] += 1e-6
        above = loss()
        weight[place] -= 2e-6
        below = loss()
        weight[place] += 1e-6
        assert gradient[place] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_hidden_layer_learns_what_softmax_regression_cannot():
    frames = np.array([[0, 0], [1, 1], [0, 1], [1, 0]] * 30, np.float32) * 2 - 1
    labels = np.array([0, 0, 1, 1] * 30)

    def accuracy(hidden):
        model = FrameClassifier(("A", "B"), hidden).fit(frames, labels)
        return (model.log_probabilities(frames).argmax(axis=1) == labels).mean()

    assert accuracy(16) == 1.0
    assert accuracy(0) <= 0.75


def test_probabilities_sum_to_one_and_the_seed_decides_the_weights():
    rng = np.random.default_rng(0)
    frames, labels = rng.normal(size=(50, 6)), rng.integers(0, 3, 50)
    first, again, other = (
        FrameClassifier(("A", "B", "C"), 8, least_steps=5, seed=seed)
        .fit(frames, labels)
        .log_probabilities(frames)
        for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(np.exp(first).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_vote_is_the_mean_over_the_window_cut_at_the_ends():
    probabilities = np.random.default_rng(0).uniform(0.1, 0.9, (6, 2))
    voted = smooth(np.log(probabilities), 3)
    for t in range(6):
        np.testing.assert_allclose(
            voted[t], probabilities[max(0, t - 1) : t + 2].mean(axis=0), rtol=1e-9
        )
    np.testing.assert_allclose(smooth(np.log(probabilities), 1), probabilities)


@pytest.mark.parametrize(
    ("labels", "shortest", "expected"),
    [
        ("", 1, ""),
        ("AAABB", 1, "AB"),
        ("AA.AA", 1, "AA"),
        ("AABAA", 2, "A"),
        ("..AA..", 3, ""),
        ("AA.BBB", 2, "AB"),
    ],
)
def test_runs_become_glosses_short_ones_and_rest_go(labels, shortest, expected):
    given = [REST if label == "." else label for label in labels]
    assert collapse(given, shortest) == tuple(expected)
