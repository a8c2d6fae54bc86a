"""Whether two systems differ: the paired bootstrap, and the matched-pairs segment test."""

import itertools
import math

import numpy as np
import pytest

from slr_keras.metrics import align, bootstrap_ratio, matched_pairs, paired_bootstrap
from slr_keras.metrics.matched_pairs import segment_errors
from slr_keras.utils.errors import UserError


def test_interval_and_p_value_are_those_of_all_resamples_there_are():
    first, second = np.array([3, 0, 2, 1, 4]), np.array([1, 1, 1, 0, 2])
    words = np.array([7, 2, 5, 3, 4])
    rows = np.array(list(itertools.product(range(5), repeat=5)))
    exact = (second - first)[rows].sum(1) / words[rows].sum(1)
    found = paired_bootstrap(first, second, words, level=0.8, resamples=40_000)
    assert found.difference == pytest.approx(-5 / 21)
    expected = 2 * min((exact >= 0).mean(), (exact <= 0).mean())
    assert found.p_value == pytest.approx(expected, abs=0.01)
    low, high = np.percentile(exact, [10, 90])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_the_p_value_of_one_sided_differences_is_known_in_closed_form():
    # k of n sentences are one error better: no resample but one of the others shows no gain.
    n, k = 40, 2
    first = np.array([1] * k + [0] * (n - k))
    found = paired_bootstrap(first, np.zeros(n), np.ones(n), resamples=50_000)
    assert found.p_value == pytest.approx(2 * (1 - k / n) ** n, abs=0.008)


def simulated(rng, sentences=100, gain=0.0):
    """Errors of two systems in sentences that are hard or easy for both."""
    words = rng.integers(3, 12, sentences)
    difficulty = rng.beta(1.5, 4, sentences)
    first = rng.binomial(words, difficulty)
    second = rng.binomial(words, difficulty * (1 - gain))
    return first, second, words


def test_without_a_difference_p_values_are_about_uniform():
    rng = np.random.default_rng(5)
    trials = 600
    values = np.array(
        [
            paired_bootstrap(*simulated(rng), resamples=400, seed=trial).p_value
            for trial in range(trials)
        ]
    )
    for share in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9):
        # Three standard errors, and what the bootstrap of 100 sentences is known to be short of.
        margin = 3 * math.sqrt(share * (1 - share) / trials) + 0.02
        assert abs((values <= share).mean() - share) < margin, share


def test_the_interval_covers_the_true_difference_as_often_as_it_says():
    rng = np.random.default_rng(6)
    gain, inside = 0.2, 0
    for trial in range(400):
        first, second, words = simulated(rng, gain=gain)
        found = paired_bootstrap(first, second, words, resamples=400, seed=trial)
        inside += found.low <= -gain * 1.5 / 5.5 <= found.high
    assert 0.91 < inside / 400 < 0.98


def test_what_is_hard_for_both_does_not_widen_the_interval():
    rng = np.random.default_rng(7)
    first = rng.integers(0, 9, 200)
    second = np.maximum(first - rng.integers(0, 2, 200), 0)
    found = paired_bootstrap(first, second, np.full(200, 10))
    low, high = bootstrap_ratio(first, np.full(200, 10))
    assert found.high - found.low < (high - low) / 3
    assert found.high < 0
    assert found.p_value < 0.01
    shuffled = paired_bootstrap(first, rng.permutation(second), np.full(200, 10))
    assert shuffled.high - shuffled.low > 3 * (found.high - found.low)


def test_exchanging_the_systems_changes_the_sign_alone():
    first, second, words = simulated(np.random.default_rng(8), gain=0.3)
    one = paired_bootstrap(first, second, words, seed=3)
    other = paired_bootstrap(second, first, words, seed=3)
    assert other.difference == pytest.approx(-one.difference)
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))
    assert other.p_value == one.p_value


def test_equal_systems_do_not_differ_and_no_p_value_is_below_what_was_drawn():
    same = paired_bootstrap([1, 2, 0], [1, 2, 0], [3, 3, 3])
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    # The smallest p-value says how often was drawn, not more.
    assert paired_bootstrap([1, 1], [0, 0], [1, 1], resamples=99).p_value == 0.02


def test_a_comparison_needs_pairs_and_reference_words():
    with pytest.raises(ValueError, match="as many items"):
        paired_bootstrap([1, 2], [1], [3, 3])
    with pytest.raises(UserError, match="no reference word"):
        paired_bootstrap([1], [2], [0])
    with pytest.raises(UserError, match="no reference word"):
        paired_bootstrap([], [], [])


def segments(reference, first, second, minimum=2):
    reference = reference.split()
    return segment_errors(
        align(reference, first.split()), align(reference, second.split()), minimum
    )


def test_two_words_that_both_have_right_separate_segments():
    reference = "A B C D E F G H"
    # B wrong in one; C and D right in both; F wrong in the other.
    assert segments(reference, "A X C D E F G H", "A B C D E Y G H") == [(1, 0), (0, 1)]
    # One word between is not enough, unless one is asked for.
    assert segments(reference, "A X C D E F G H", "A B C Y E F G H") == [(1, 1)]
    assert segments(reference, "A X C D E F G H", "A B C Y E F G H", 1) == [(1, 0), (0, 1)]
    # Right in one alone is not right: B..E is one segment.
    assert segments(reference, "A X C D Z F G H", "A B Y W E F G H") == [(2, 2)]


def test_an_insertion_belongs_to_a_segment_and_interrupts_right_words():
    reference = "A B C D E F"
    assert segments(reference, "A B C D E F X", "A B C D E F") == [(1, 0)]
    assert segments(reference, "A B C D E F", "A B C D E F X Y") == [(0, 2)]
    # Between C and D something was inserted: B is not separated from E by two words in a row.
    assert segments(reference, "A X C D Y F", "A B C Z D E F") == [(2, 1)]
    assert segments(reference, "A X C D Y F", "A B C D E F") == [(1, 0), (1, 0)]


def test_every_error_is_in_one_segment_and_no_segment_is_faultless():
    rng = np.random.default_rng(9)
    for _ in range(300):
        reference, one, other = (rng.choice(list("ABCD"), rng.integers(0, 12)) for _ in range(3))
        pair = align(reference, one), align(reference, other)
        found = segment_errors(*pair)
        assert all(a or b for a, b in found)
        totals = [sum(op != "=" for op in alignment.operations) for alignment in pair]
        assert [sum(a for a, _ in found), sum(b for _, b in found)] == totals


def test_the_statistic_is_the_mean_over_its_standard_error():
    reference = ["A", "B", "C"]
    wrong, right = ["A", "X", "Y"], ["A", "B", "C"]
    # Differences per sentence, each a segment of its own: -2 (20 times), +2 (10 times).
    found = matched_pairs(
        [reference] * 30, [wrong] * 20 + [right] * 10, [right] * 20 + [wrong] * 10
    )
    differences = np.array([-2] * 20 + [2] * 10)
    z = differences.mean() / (differences.std(ddof=1) / math.sqrt(30))
    assert (found.segments, found.mean) == (30, pytest.approx(-2 / 3))
    assert found.z == pytest.approx(z)
    assert found.p_value == pytest.approx(2 * 0.5 * math.erfc(abs(z) / math.sqrt(2)))


def test_where_nothing_varies_there_is_no_p_value_unless_nothing_differs():
    reference = [["A", "B"]]
    assert matched_pairs(reference, reference, reference).p_value == 1
    assert matched_pairs(reference * 3, [["A"]] * 3, [["A"]] * 3).p_value == 1
    found = matched_pairs(reference * 3, [["A"]] * 3, reference * 3)
    assert (found.segments, found.mean, found.z, found.p_value) == (3, -1.0, None, None)


def test_without_a_difference_the_matched_pairs_are_about_uniform():
    rng = np.random.default_rng(10)

    def heard(reference):
        return [word if rng.random() > 0.25 else "X" for word in reference]

    values = []
    for _ in range(300):
        references = [list("ABCDEFGH")] * 40
        pair = [list(map(heard, references)) for _ in range(2)]
        values.append(matched_pairs(references, *pair).p_value)
    for share in (0.05, 0.25, 0.5, 0.75):
        margin = 3 * math.sqrt(share * (1 - share) / 300) + 0.03
        assert abs((np.array(values) <= share).mean() - share) < margin, share
