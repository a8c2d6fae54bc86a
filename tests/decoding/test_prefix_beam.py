"""Prefix beam search against enumeration of every path."""

import numpy as np
import pytest

from slr_keras.decoding import (
    NgramLanguageModel,
    align_ctc,
    greedy,
    log_likelihood,
    prefix_beam,
)
from slr_keras.decoding.prefix_beam import PrefixSearch
from slr_keras.utils.errors import UserError

EVERYTHING = 10_000


def shapes(rng):
    steps = int(rng.integers(1, 6))
    return steps, int(rng.integers(2, 5 if steps > 4 else 6))


@pytest.mark.parametrize("seed", range(150))
def test_wide_beam_finds_every_sequence_with_its_exact_probability(brute, seed):
    rng = np.random.default_rng(seed)
    log_probs = brute.random_log_probs(rng, *shapes(rng))
    expected = brute.every_sequence(log_probs)
    found = prefix_beam(log_probs, beam=EVERYTHING)
    assert {h.ids for h in found} == set(expected)
    for hypothesis in found:
        assert hypothesis.log_probability == pytest.approx(expected[hypothesis.ids], abs=1e-9)
    assert found[0].log_probability == pytest.approx(max(expected.values()), abs=1e-9)
    assert np.exp([h.log_probability for h in found]).sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(100))
def test_wide_beam_with_language_model_finds_the_best_fused_score(brute, seed):
    rng = np.random.default_rng(1000 + seed)
    log_probs = brute.random_log_probs(rng, *shapes(rng))
    classes = log_probs.shape[1]
    sentences = [rng.integers(1, classes, size=rng.integers(0, 5)) for _ in range(6)]
    model = NgramLanguageModel.train(sentences, int(rng.integers(1, 4)), classes)
    weight, bonus = rng.uniform(0, 2), rng.uniform(-1, 2)
    expected = {
        ids: value + weight * model.sentence_log_probability(ids) + bonus * len(ids)
        for ids, value in brute.every_sequence(log_probs).items()
    }
    best = prefix_beam(log_probs, EVERYTHING, model, weight, bonus)[0]
    assert best.score == pytest.approx(max(expected.values()), abs=1e-9)
    assert expected[best.ids] == pytest.approx(best.score, abs=1e-9)
    assert best.log_probability == pytest.approx(log_likelihood(log_probs, best.ids), abs=1e-9)


def survivors(log_probs, beam, *fusion):
    search = PrefixSearch(log_probs.shape[1], beam, *fusion)
    for step in log_probs:
        search.advance(step)
    return search.prefixes


@pytest.mark.parametrize("seed", range(100))
def test_narrow_beam_keeps_the_prefixes_of_the_textbook_search(brute, seed):
    rng = np.random.default_rng(2000 + seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 9)), 12)
    beam = int(rng.integers(1, 6))
    assert survivors(log_probs, beam) == brute.textbook_prefix_beam(log_probs, beam)


@pytest.mark.parametrize("seed", range(60))
def test_narrow_beam_with_fusion_keeps_the_prefixes_of_the_textbook_search(brute, seed):
    rng = np.random.default_rng(4000 + seed)
    log_probs = brute.random_log_probs(rng, int(rng.integers(1, 8)), 6)
    sentences = [rng.integers(1, 6, size=rng.integers(0, 5)) for _ in range(6)]
    model = NgramLanguageModel.train(sentences, 2, 6) if seed % 2 else None
    weight, bonus, beam = rng.uniform(0, 2), rng.uniform(-2, 2), int(rng.integers(1, 5))

    def fused(prefix):
        total = bonus * len(prefix)
        if model is not None:
            for place, gloss in enumerate(prefix):
                total += weight * model.log_probabilities(prefix[:place])[gloss]
        return total

    found = survivors(log_probs, beam, model, weight, bonus)
    assert found == brute.textbook_prefix_beam(log_probs, beam, fused)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_no_beam_is_worse_than_greedy(brute, beam):
    for seed in range(150):
        rng = np.random.default_rng(3000 + seed)
        log_probs = brute.random_log_probs(rng, 12, 7)
        best = prefix_beam(log_probs, beam)[0]
        assert best.log_probability >= greedy(log_probs).log_probability - 1e-12


def test_beam_finds_what_greedy_misses():
    found = prefix_beam(np.log([[0.6, 0.4], [0.6, 0.4]]), beam=2)[0]
    assert found.ids == (1,)
    assert np.exp(found.log_probability) == pytest.approx(0.64)


def test_language_model_changes_the_answer_towards_what_it_has_seen():
    log_probs = np.log([[0.02, 0.49, 0.46, 0.03], [0.02, 0.03, 0.03, 0.92]])
    model = NgramLanguageModel.train([(2, 3)] * 20, 2, 4)
    assert prefix_beam(log_probs, 5)[0].ids == (1, 3)
    assert prefix_beam(log_probs, 5, model, weight=1.0)[0].ids == (2, 3)


def test_insertion_bonus_lengthens_and_shortens():
    log_probs = np.log([[0.55, 0.45], [0.9, 0.1], [0.55, 0.45]])
    lengths = [len(prefix_beam(log_probs, 20, insertion_bonus=b)[0].ids) for b in (-5.0, 0.0, 5.0)]
    assert lengths == [0, 1, 2]


def test_genuine_repeat_is_kept_or_merged_by_the_switch():
    log_probs = np.log([[0.05, 0.95], [0.95, 0.05], [0.05, 0.95]])
    kept = prefix_beam(log_probs, 5)[0]
    merged = prefix_beam(log_probs, 5, merge_repeats=True)
    assert (kept.ids, kept.spans) == ((1, 1), ((0, 1), (2, 3)))
    assert (merged[0].ids, merged[0].spans) == ((1,), ((0, 3),))
    assert merged[0].confidences == (pytest.approx(0.95),)
    assert len({h.ids for h in merged}) == len(merged)


def test_spans_are_the_forced_alignment_and_confidences_its_peaks(brute):
    log_probs = brute.random_log_probs(np.random.default_rng(5), 12, 6, sharpness=3.0)
    for hypothesis in prefix_beam(log_probs, 5):
        assert hypothesis.spans == align_ctc(log_probs, hypothesis.ids).spans
        peaks = [
            np.exp(log_probs[a:b, i]).max()
            for i, (a, b) in zip(hypothesis.ids, hypothesis.spans, strict=True)
        ]
        assert hypothesis.confidences == pytest.approx(peaks)
        assert all(0.0 <= c <= 1.0 for c in hypothesis.confidences)


def test_fewer_candidates_than_the_vocabulary_gives_sequences_of_those_alone():
    log_probs = np.log([[0.4, 0.3, 0.2, 0.1], [0.4, 0.1, 0.2, 0.3]])
    found = {h.ids for h in prefix_beam(log_probs, EVERYTHING, candidates_per_step=1)}
    assert found == {(), (1,), (3,), (1, 3)}


def test_large_vocabulary_search_equals_the_search_without_its_shortcut(brute):
    rng = np.random.default_rng(9)
    log_probs = brute.random_log_probs(rng, 20, 300, sharpness=2.0)
    assert survivors(log_probs, 4) == brute.textbook_prefix_beam(log_probs, 4)


def test_impossible_glosses_are_never_returned():
    with np.errstate(divide="ignore"):
        log_probs = np.log([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    found = prefix_beam(log_probs, 10)
    assert [h.ids for h in found] == [(1,)]
    assert found[0].log_probability == pytest.approx(0.0, abs=1e-12)


def test_no_steps_and_one_step():
    assert [h.ids for h in prefix_beam(np.zeros((0, 4)), 3)] == [()]
    one = prefix_beam(np.log([[0.2, 0.5, 0.3]]), 3)
    assert [h.ids for h in one] == [(1,), (2,), ()]


def test_beam_below_one_and_foreign_language_model_are_refused():
    log_probs = np.log([[0.5, 0.5]])
    with pytest.raises(UserError, match="beam=0"):
        prefix_beam(log_probs, 0)
    with pytest.raises(UserError, match=r"knows 5 classes.*have 2"):
        prefix_beam(log_probs, 2, NgramLanguageModel.train([(1,)], 2, 5), 0.5)
