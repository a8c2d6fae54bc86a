"""Greedy decoding and exact single-gloss scores."""

import numpy as np
import pytest

from slr_keras.decoding import align_ctc, greedy, single_gloss, single_gloss_scores
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("seed", range(60))
def test_greedy_is_the_collapsed_argmax_with_its_exact_probability(brute, seed):
    rng = np.random.default_rng(seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 6)), 4)
    found = greedy(log_probs)
    path = log_probs.argmax(axis=1)
    assert found.ids == brute.collapse(path.tolist())
    assert found.log_probability == pytest.approx(
        brute.every_sequence(log_probs)[found.ids], abs=1e-9
    )


@pytest.mark.parametrize("seed", range(60))
def test_greedy_spans_are_the_best_alignment_of_its_labels(brute, seed):
    rng = np.random.default_rng(100 + seed)
    log_probs = brute.random_log_probs(rng, 15, 5)
    found = greedy(log_probs)
    alignment = align_ctc(log_probs, found.ids)
    assert found.spans == alignment.spans
    assert alignment.path == tuple(log_probs.argmax(axis=1))


def test_greedy_keeps_a_repeat_that_a_blank_separates():
    log_probs = np.log([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    assert greedy(log_probs).ids == (1, 1)
    assert greedy(log_probs[[0, 1, 3]]).ids == (1,)


def test_greedy_confidence_is_the_peak_in_the_span():
    found = greedy(np.log([[0.3, 0.7], [0.2, 0.8], [0.9, 0.1]]))
    assert found.confidences == (pytest.approx(0.8),)


@pytest.mark.parametrize("seed", range(60))
def test_single_gloss_scores_equal_enumeration(brute, seed):
    rng = np.random.default_rng(200 + seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 6)), 4)
    expected = brute.every_sequence(log_probs)
    scores = single_gloss_scores(log_probs)
    assert scores[0] == -np.inf
    for gloss in range(1, 4):
        assert scores[gloss] == pytest.approx(expected[(gloss,)], abs=1e-9)


def test_single_gloss_confidence_is_its_share_among_single_glosses(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(3), 5, 4)
    scores = single_gloss_scores(log_probs)
    found = single_gloss(log_probs)
    assert found.ids == (int(scores.argmax()),)
    assert found.confidences[0] == pytest.approx(np.exp(scores.max()) / np.exp(scores).sum())
    assert found.log_probability == pytest.approx(scores.max())


def test_raw_logits_decode_like_their_log_probabilities(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(4), 9, 5)
    logits = (log_probs + np.arange(9)[:, None]).astype(np.float32)
    assert greedy(logits).ids == greedy(log_probs).ids
    assert greedy(logits).log_probability == pytest.approx(
        greedy(log_probs).log_probability, abs=1e-4
    )


def test_long_clips_do_not_underflow():
    log_probs = np.full((3000, 1100), np.log(1 / 1100))
    assert np.isfinite(greedy(log_probs).log_probability)
    assert np.isfinite(single_gloss_scores(log_probs)[1:]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_unusable_values_are_refused_and_named_by_step(bad):
    log_probs = np.log(np.full((4, 3), 1 / 3))
    log_probs[2, 1] = bad
    for decoder in (greedy, single_gloss_scores):
        with pytest.raises(UserError, match="step 2"):
            decoder(log_probs)
        decoder(log_probs, length=2)


def test_a_step_where_nothing_is_possible_is_refused():
    with pytest.raises(UserError, match="step 1"):
        greedy(np.array([[0.0, -1.0], [-np.inf, -np.inf]]))


@pytest.mark.parametrize("length", [-1, 5])
def test_length_outside_the_array_is_refused(length):
    with pytest.raises(UserError, match=r"outside 0\.\.4"):
        greedy(np.zeros((4, 3)), length)


def test_wrong_rank_is_refused():
    with pytest.raises(UserError, match="shape"):
        greedy(np.zeros((2, 4, 3)))


def test_no_steps_give_no_gloss():
    assert greedy(np.zeros((0, 3))).ids == ()
    assert greedy(np.zeros((0, 3))).log_probability == 0.0
    assert single_gloss(np.zeros((0, 3))).ids == ()
