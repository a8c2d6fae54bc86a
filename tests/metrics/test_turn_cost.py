"""The cost of a turn of the body."""

import numpy as np
import pytest

from slr_keras.metrics import ErrorCounts, bootstrap_interval, sign_accuracy
from slr_keras.metrics.turn_cost import TurnCost


def sentences(seed=0, clips=60):
    rng = np.random.default_rng(seed)
    references = rng.integers(1, 5, clips)
    none = rng.binomial(references, 0.1)
    return references, none, np.maximum(none, rng.binomial(references, 0.3)), none.copy()


def test_word_error_rates_and_intervals_are_those_of_the_plain_score():
    references, none, plus, minus = sentences()
    cost = TurnCost.of(20, [none, plus, minus], references, accuracy=False, rotated=True)
    for estimate, errors in ((cost.none, none), (cost.plus, plus), (cost.minus, minus)):
        counts = [
            ErrorCounts(correct=r - e, substitutions=e, references=r)
            for r, e in zip(references.tolist(), errors.tolist())
        ]
        assert estimate.value == pytest.approx(sum(counts, ErrorCounts()).wer)
        assert (estimate.low, estimate.high) == pytest.approx(bootstrap_interval(counts))


def test_accuracies_and_intervals_are_those_of_isolated_signs():
    errors = np.random.default_rng(1).integers(0, 2, (3, 80))
    cost = TurnCost.of(20, errors, np.ones(80), accuracy=True, rotated=True)
    for estimate, row in zip((cost.none, cost.plus, cost.minus), errors):
        expected = sign_accuracy(row, np.zeros(80, int), 1).per_instance[1]
        assert estimate.value == pytest.approx(expected.value)
        assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_the_worst_turn_is_the_one_with_more_errors_in_either_measure():
    references, none, plus, _ = sentences()
    for accuracy, sign in ((False, 1), (True, -1)):
        for errors, worst in (([none, plus, none], 15), ([none, none, plus], -15)):
            cost = TurnCost.of(15, errors, references, accuracy, rotated=True)
            change = sign * 100 * (plus.sum() - none.sum()) / references.sum()
            assert cost.worst == worst
            assert cost.change.value == pytest.approx(change)
            assert cost.change.low < cost.change.value < cost.change.high
            assert cost.change.low * cost.change.high > 0
            assert f"{change:+.2f} points at {worst:+g} degrees" in cost.plain_text()


def test_a_turn_that_costs_nothing_changes_nothing():
    errors = [[0, 1, 0]] * 3
    cost = TurnCost.of(10, errors, [1, 1, 1], accuracy=True, rotated=False)
    assert "worst change: +0.00 points" in cost.plain_text()
    assert "approximation" in cost.plain_text()
    assert cost.as_json()["worst"] == {"degrees": 10, "value": 0, "low": 0, "high": 0}
