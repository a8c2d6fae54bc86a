"""The one search behind CTC and transducer: against a dictionary of prefixes, and its batches."""

import numpy as np
import pytest

from slr_keras.decoding import context_ctc_beam, log_softmax, transducer_beam
from slr_keras.decoding.beam_search import BeamSearch, EmissionRule
from slr_keras.decoding.context_ctc import align_context_ctc
from slr_keras.decoding.transducer import align_transducer

CLASSES = 5


def contexts_of(prefixes):
    """Context scores drawn from the whole prefix."""
    return np.array([np.random.default_rng([8, len(p), *p]).normal(size=CLASSES) for p in prefixes])


def textbook_search(logits, contexts, beam, rule):
    """Sums of the alignments of every prefix in plain probabilities, cut to the best prefixes."""
    masses = {(): {True: 1.0, False: 0.0}}
    for step in logits:
        grown = {}
        for prefix, mass in masses.items():
            probabilities = np.exp(log_softmax(step + contexts([prefix])[0]))
            for symbol, probability in enumerate(probabilities):
                for ends_in_blank, value in mass.items():
                    repeats = (
                        rule is EmissionRule.CTC and not ends_in_blank and prefix[-1:] == (symbol,)
                    )
                    longer = prefix if symbol == 0 or repeats else (*prefix, symbol)
                    target = grown.setdefault(longer, {True: 0.0, False: 0.0})
                    target[symbol == 0] += value * probability
        best = sorted(grown, key=lambda prefix: -sum(grown[prefix].values()))
        masses = {prefix: grown[prefix] for prefix in best[:beam] if sum(grown[prefix].values())}
    return list(masses)


@pytest.mark.parametrize("rule", EmissionRule)
@pytest.mark.parametrize("seed", range(20))
def test_a_search_with_context_keeps_the_prefixes_of_the_textbook(rule, seed):
    logits = 2.0 * np.random.default_rng(seed).normal(size=(7, CLASSES))
    search = BeamSearch(CLASSES, beam=3, rule=rule)
    for step in logits:
        search.advance(log_softmax(step + contexts_of(search.prefixes)))
    assert search.prefixes == textbook_search(logits, contexts_of, 3, rule)


@pytest.mark.parametrize("rule", EmissionRule)
@pytest.mark.parametrize("seed", range(20))
def test_a_search_without_context_is_the_search_with_context_zero(rule, seed):
    log_probs = log_softmax(2.0 * np.random.default_rng(seed).normal(size=(9, 30)))
    without, zero = (BeamSearch(30, beam=4, insertion_bonus=0.7, rule=rule) for _ in range(2))
    for step in log_probs:
        without.advance(step)
        zero.advance(np.tile(step, (len(zero.prefixes), 1)))
        assert without.prefixes == zero.prefixes


@pytest.mark.parametrize("seed", range(5))
def test_sequences_aligned_together_get_the_alignment_of_each_alone(seed):
    logits = 2.0 * np.random.default_rng(seed).normal(size=(8, CLASSES))

    def prefixes(ids):
        return contexts_of([ids[:count] for count in range(len(ids) + 1)])

    (collapsing,) = context_ctc_beam(logits[None], [8], contexts_of, beam=12)
    assert len({len(joint.ids) for joint in collapsing}) > 1
    for joint in collapsing:
        total, spans, confidences = align_context_ctc(logits, prefixes(joint.ids), joint.ids)
        assert joint.spans == spans
        np.testing.assert_allclose(
            [joint.log_probability, *joint.confidences], [total, *confidences]
        )
    (emitting,) = transducer_beam(logits[None], [8], contexts_of, beam=12)
    for joint in emitting:
        alone = align_transducer(logits, prefixes(joint.ids), joint.ids)
        assert [start for start, _ in joint.spans] == list(alone.steps)
        np.testing.assert_allclose(
            [joint.log_probability, *joint.confidences],
            [alone.log_likelihood, *alone.confidences],
        )
