"""Forced alignment and likelihood against enumeration."""

import numpy as np
import pytest

from slr_keras.decoding import align_ctc, log_likelihood
from slr_keras.decoding.ctc import best_paths, log_likelihoods
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("seed", range(80))
def test_alignment_is_the_best_of_all_paths_of_the_labels(brute, seed):
    rng = np.random.default_rng(seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 6)), 4)
    paths = brute.every_path(log_probs)
    labels = brute.collapse(list(paths)[rng.integers(len(paths))])
    best = max((p for p in paths if brute.collapse(p) == labels), key=paths.get)
    alignment = align_ctc(log_probs, labels)
    assert alignment.path == best
    assert alignment.log_probability == pytest.approx(paths[best], abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_likelihood_sums_over_all_paths_of_the_labels(brute, seed):
    rng = np.random.default_rng(500 + seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 6)), 3)
    expected = brute.every_sequence(log_probs)
    for ids, value in expected.items():
        assert log_likelihood(log_probs, ids) == pytest.approx(value, abs=1e-9)
    together = log_likelihoods(log_probs, list(expected))
    np.testing.assert_allclose(together, list(expected.values()), atol=1e-9)


def test_spans_cover_each_label_in_order_and_leave_the_blanks_out(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(1), 20, 5)
    labels = (1, 1, 3, 2, 2)
    alignment = align_ctc(log_probs, labels)
    covered = np.zeros(20, int)
    for label, (start, end) in zip(labels, alignment.spans, strict=True):
        assert start < end
        covered[start:end] = label
    assert tuple(covered) == alignment.path


def test_sequences_of_different_length_do_not_disturb_each_other(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(2), 8, 5)
    sequences = [(), (4,), (1, 1, 2), (3, 2, 1, 4)]
    for labels, alignment in zip(sequences, best_paths(log_probs, sequences), strict=True):
        alone = align_ctc(log_probs, labels)
        assert (alignment.path, alignment.spans) == (alone.path, alone.spans)
        assert alignment.log_probability == pytest.approx(alone.log_probability, abs=1e-12)


def test_no_labels_align_to_blanks():
    alignment = align_ctc(np.log([[0.5, 0.5], [0.25, 0.75]]), [])
    assert (alignment.path, alignment.spans) == ((0, 0), ())
    assert np.exp(alignment.log_probability) == pytest.approx(0.125)


def test_no_steps_align_no_labels():
    assert align_ctc(np.zeros((0, 3)), []).spans == ()
    assert log_likelihood(np.zeros((0, 3)), []) == 0.0
    assert log_likelihood(np.zeros((0, 3)), [1]) == -np.inf


def test_padding_beyond_the_length_is_never_looked_at(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(3), 9, 4)
    padded = np.concatenate([log_probs, np.full((3, 4), np.nan)])
    assert align_ctc(padded, (1, 2), length=9) == align_ctc(log_probs, (1, 2))


@pytest.mark.parametrize(("labels", "steps"), [((1, 2), 1), ((1, 1), 2), ((1, 1, 2, 2), 5)])
def test_labels_that_cannot_fit_are_refused(labels, steps):
    log_probs = np.log(np.full((steps, 3), 1 / 3))
    with pytest.raises(UserError, match=f"need at least {steps + 1} steps"):
        align_ctc(log_probs, labels)
    assert log_likelihood(log_probs, labels) == -np.inf


@pytest.mark.parametrize("label", [0, 3, -1])
def test_label_outside_the_vocabulary_is_refused(label):
    with pytest.raises(UserError, match=r"outside 1\.\.2"):
        align_ctc(np.log(np.full((4, 3), 1 / 3)), [label])
