"""Accuracy of isolated signs."""

import numpy as np
import pytest

from slr_keras.metrics import label_ranks, per_class_top_k_accuracy, top_k_accuracy
from slr_keras.utils.errors import UserError


def test_top_k_equals_a_plain_search_among_the_k_best():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(200, 30))
    labels = generator.integers(0, 30, 200)
    for k in (1, 5, 30):
        best = np.argsort(-scores, axis=1)[:, :k]
        expected = 100 * np.mean([label in row for label, row in zip(labels, best)])
        assert top_k_accuracy(scores, labels, (k,))[k] == pytest.approx(expected)
    assert top_k_accuracy(scores, labels, (30,)) == {30: 100.0}


def test_a_model_that_scores_all_classes_alike_is_not_right_every_time():
    labels = np.arange(10)
    assert top_k_accuracy(np.zeros((10, 10)), labels, (1, 5)) == {1: 10.0, 5: 50.0}


def test_classes_weigh_alike_however_many_clips_they_have():
    scores = np.array([[1.0, 0, 0]] * 9 + [[1.0, 0, 0]])
    labels = np.array([0] * 9 + [2])
    assert top_k_accuracy(scores, labels, (1,)) == {1: 90.0}
    assert per_class_top_k_accuracy(scores, labels, (1,)) == {1: 50.0}


def test_minus_infinity_is_a_score_and_nan_is_a_miss_at_every_k():
    scores = np.array([[-np.inf, 0.0], [0.0, -np.inf]])
    assert label_ranks(scores, np.array([1, 1])).tolist() == [0, 1]
    for place in (0, 1):
        spoilt = scores.copy()
        spoilt[1, place] = np.nan
        assert top_k_accuracy(spoilt, np.array([1, 1]), (1, 2, 9)) == {1: 50.0, 2: 50.0, 9: 50.0}


def test_labels_that_are_no_class_and_no_clips_at_all_are_refused():
    for label in (-1, 2):
        with pytest.raises(UserError, match="is not one of 2 classes"):
            top_k_accuracy(np.zeros((1, 2)), np.array([label]))
    with pytest.raises(UserError, match="no clip"):
        top_k_accuracy(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(ValueError, match="scores"):
        label_ranks(np.zeros(3), np.zeros(3, int))
