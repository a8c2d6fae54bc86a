"""Greedy CTC decoding, and exact scores of single glosses."""

import numpy as np

from slr_keras.decoding.ctc import log_likelihoods
from slr_keras.decoding.hypothesis import BLANK, Hypothesis, checked, confidences_of


def greedy(log_probs: np.ndarray, length: int | None = None) -> Hypothesis:
    """Take the best class at every step, merge equal neighbours, drop blanks.

    The spans are the runs of the best path, which is also the best alignment of its own labels.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        length: real steps; padding is never read. None means all.

    Raises:
        UserError: wrong shape or length, NaN or infinite values.

    >>> import numpy as np
    >>> from slr_keras.decoding import greedy
    >>> steps = np.log([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]])
    >>> hypothesis = greedy(steps)
    >>> hypothesis.ids, hypothesis.spans
    ((1, 1), ((0, 2), (3, 4)))
    """
    log_probs = checked(log_probs, length)
    ids, spans = best_path(log_probs)
    return Hypothesis(
        ids=ids,
        log_probability=float(log_likelihoods(log_probs, [ids])[0]),
        spans=spans,
        confidences=confidences_of(log_probs, ids, spans),
    )


def best_path(log_probs: np.ndarray) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Return labels and runs of the best class per step; the input is already checked."""
    if len(log_probs) == 0:
        return (), ()
    path = log_probs.argmax(axis=1)
    edges = np.flatnonzero(np.diff(path)) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(path)]])
    kept = path[starts] != BLANK
    spans = zip(starts[kept].tolist(), ends[kept].tolist())
    return tuple(path[starts[kept]].tolist()), tuple(spans)


def single_gloss_scores(log_probs: np.ndarray, length: int | None = None) -> np.ndarray:
    """Compute log P(the clip is this one gloss) of every gloss, exactly, in O(time · classes).

    An alignment of one gloss is: blanks, then the gloss at one or more adjacent steps, then blanks.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        length: real steps; None means all.

    Returns:
        `(classes,)` log-probabilities; the entry of the blank is -inf, so that the argmax is the
        best gloss. For a clip without steps all entries are -inf.

    Raises:
        UserError: wrong shape or length, NaN or infinite values.

    >>> import numpy as np
    >>> from slr_keras.decoding import single_gloss_scores
    >>> np.exp(single_gloss_scores(np.log([[0.5, 0.3, 0.2], [0.5, 0.1, 0.4]]))).round(4).tolist()
    [0.0, 0.23, 0.38]
    """
    classes = np.asarray(log_probs).shape[-1]
    log_probs = checked(log_probs, length)
    before = 0.0
    within = np.full(classes, -np.inf)
    after = np.full(classes, -np.inf)
    for step in log_probs:
        after = np.logaddexp(after, within) + step[BLANK]
        within = np.logaddexp(within, before) + step
        before += step[BLANK]
    scores = np.logaddexp(within, after)
    scores[BLANK] = -np.inf
    return scores
