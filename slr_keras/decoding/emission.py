"""Emission probability of each gloss at each step of a clip, for plots."""

import numpy as np

from slr_keras.decoding.beam_search import Prefix
from slr_keras.decoding.context import PrefixScores
from slr_keras.decoding.hypothesis import checked
from slr_keras.decoding.transducer import arcs


def ctc_emission(log_probs: np.ndarray, ids: Prefix) -> np.ndarray:
    """Compute the posterior of each gloss of a sequence at every step, independently per step.

    Args:
        log_probs: `(steps, classes)` log-probabilities or logits, blank = class 0.
        ids: the sequence.

    Returns:
        `(steps, glosses)`, in [0, 1]; a repeated gloss has the same column twice.

    >>> import numpy as np
    >>> from slr_keras.decoding.emission import ctc_emission
    >>> ctc_emission(np.log([[0.2, 0.8], [0.9, 0.1]]), (1,)).round(3).tolist()
    [[0.8], [0.1]]
    """
    return np.exp(checked(log_probs)[:, list(ids)])


def context_ctc_emission(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> np.ndarray:
    """Compute the probability of each gloss at every step, given the glosses before the gloss.

    Steps are independent, as in `ctc_emission`.

    Args:
        logits: `(steps, classes)`, A of docs/papers/c2st.md §4.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    Returns:
        `(steps, glosses)`, in [0, 1].

    >>> import numpy as np
    >>> from slr_keras.decoding.emission import context_ctc_emission
    >>> context_ctc_emission(np.zeros((2, 2)), np.log([[1, 3], [1, 1]]), (1,)).round(3).tolist()
    [[0.75], [0.75]]
    """
    scores = PrefixScores(logits, contexts)
    return np.exp(scores.log_probs(np.arange(len(ids)), np.array(ids, np.int64)))


def transducer_emission(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> np.ndarray:
    """Compute the probability that a step emits each gloss, given that those before were emitted.

    A gloss is emitted at one step, so that its column sums to its confidence: the probability that
    it is the next gloss.

    Arguments and result as for `context_ctc_emission`.

    >>> import numpy as np
    >>> from slr_keras.decoding.emission import transducer_emission
    >>> transducer_emission(np.zeros((2, 2)), np.zeros((2, 2)), (1,)).round(3).tolist()
    [[0.5], [0.25]]
    """
    stay, emit = arcs(logits, contexts, ids)
    forward = np.full(len(ids) + 1, -np.inf)
    forward[0] = 0.0
    emitted = np.empty_like(emit)
    for step in range(len(emit)):
        emitted[step] = forward[:-1] + emit[step]
        forward = forward + stay[step]
        forward[1:] = np.logaddexp(forward[1:], emitted[step])
    reached = np.logaddexp.reduce(emitted, axis=0, initial=-np.inf)
    before = np.concatenate([[0.0], reached[:-1]])[: len(ids)]
    possible = np.isfinite(before)
    return np.where(possible, np.exp(emitted - np.where(possible, before, 0.0)), 0.0)
