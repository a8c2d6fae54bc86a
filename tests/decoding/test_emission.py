"""Probabilities of glosses over time, against sums over all paths."""

import itertools

import numpy as np
import pytest

from slr_keras.decoding.emission import ctc_emission, transducer_emission
from slr_keras.decoding.transducer import align_transducer


def test_ctc_gives_the_posterior_of_each_gloss_at_each_step():
    logits = np.random.default_rng(0).normal(size=(5, 4))
    posterior = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = ctc_emission(logits, (2, 1, 2))
    np.testing.assert_allclose(found, posterior[:, [2, 1, 2]])
    assert ctc_emission(logits, ()).shape == (5, 0)


def test_a_transducer_emits_with_the_share_of_all_paths():
    rng = np.random.default_rng(1)
    steps, classes, ids = 4, 3, (2, 1)
    logits, contexts = rng.normal(size=(steps, classes)), rng.normal(size=(3, classes))

    def log_probability(step, prefix, symbol):
        row = logits[step] + contexts[prefix]
        return row[symbol] - np.log(np.exp(row).sum())

    emitted = np.zeros((steps, 2))
    # Where gloss k is emitted at step s: the steps of those before it, blanks between.
    for first in range(steps):
        path = sum(log_probability(s, 0, 0) for s in range(first)) + log_probability(first, 0, 2)
        emitted[first, 0] += np.exp(path)
        for second in range(first + 1, steps):
            blanks = sum(log_probability(s, 1, 0) for s in range(first + 1, second))
            emitted[second, 1] += np.exp(path + blanks + log_probability(second, 1, 1))
    given = emitted / np.array([1.0, emitted[:, 0].sum()])
    np.testing.assert_allclose(transducer_emission(logits, contexts, ids), given, rtol=1e-9)


@pytest.mark.parametrize("ids", [*itertools.product((1, 2), repeat=2), (1,), ()])
def test_a_transducers_column_sums_to_the_glosss_confidence(ids):
    rng = np.random.default_rng(2)
    logits, contexts = rng.normal(size=(6, 3)), rng.normal(size=(len(ids) + 1, 3))
    found = transducer_emission(logits, contexts, ids)
    assert found.shape == (6, len(ids))
    expected = align_transducer(logits, contexts, ids).confidences
    np.testing.assert_allclose(found.sum(0), expected, rtol=1e-9)


def test_a_sequence_longer_than_the_clip_is_emitted_nowhere():
    found = transducer_emission(np.zeros((1, 3)), np.zeros((3, 3)), (1, 2))
    assert np.isfinite(found).all()
    assert found[:, 1].sum() == 0
