"""Result of the decoders, and the checks of their input."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from slr_keras.utils.errors import UserError

BLANK = 0


@dataclass(frozen=True)
class Hypothesis:
    """One decoded gloss sequence.

    Attributes:
        ids: gloss ids, none of them the blank.
        log_probability: log P(ids | clip), summed over all alignments (for a sequence merged by
            `merge_repeats`: of the sequence before merging).
        spans: one (start, end) per gloss, in steps of the logits, end exclusive: the steps at
            which the single best alignment emits the gloss. Steps between spans are blank.
        confidences: one number in [0, 1] per gloss: the maximum posterior probability of the gloss
            within its span.
        score: ranking score: `log_probability` plus the weighted language model and the insertion
            bonus.

    >>> from slr_keras.decoding import Hypothesis
    >>> Hypothesis((4, 7), -0.5, ((0, 2), (3, 4)), (0.9, 0.8)).score
    -0.5
    """

    ids: tuple[int, ...]
    log_probability: float
    spans: tuple[tuple[int, int], ...] = ()
    confidences: tuple[float, ...] = ()
    score: float | None = None

    def __post_init__(self):
        if self.score is None:
            object.__setattr__(self, "score", self.log_probability)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Normalise the last axis in log space; log-probabilities are returned unchanged.

    >>> import numpy as np
    >>> from slr_keras.decoding import log_softmax
    >>> np.exp(log_softmax(np.zeros((1, 4)))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def checked(log_probs: np.ndarray, length: int | None = None) -> np.ndarray:
    """Remove the padding, check, and return normalised float64 log-probabilities.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        length: real steps; padding is never read. None means all.

    Raises:
        UserError: wrong shape, a length beyond the array, or NaN / +inf / all -inf at a step.
    """
    log_probs = np.asarray(log_probs)
    if log_probs.ndim != 2 or log_probs.shape[1] < 2:
        raise UserError(
            f"decoding: log-probabilities have shape {log_probs.shape}; "
            "pass (time, classes) with at least the blank and one gloss"
        )
    steps = len(log_probs)
    length = steps if length is None else int(length)
    if not 0 <= length <= steps:
        raise UserError(f"decoding: length {length} is outside 0..{steps}, the steps given")
    log_probs = log_probs[:length].astype(np.float64)
    peak = log_probs.max(axis=1, initial=-np.inf)
    # NaN, +inf and a step at which every class is -inf fail this comparison.
    bad = np.flatnonzero(~(np.abs(peak) < np.inf))
    if len(bad):
        raise UserError(
            f"decoding: step {bad[0]} holds NaN or infinite log-probabilities; the model's output "
            "is not usable (did training diverge, or the keypoints hold NaN?)"
        )
    return log_softmax(log_probs)


def collapse_repeats(ids: Sequence[int]) -> tuple[int, ...]:
    """Merge equal neighbours, genuine repetitions included (docs/papers/stark.md §2.4).

    >>> from slr_keras.decoding import collapse_repeats
    >>> collapse_repeats([3, 3, 5, 3])
    (3, 5, 3)
    """
    return tuple(key for key, _ in groupby(ids))


def merge_repeats(hypothesis: Hypothesis) -> Hypothesis:
    """Merge equal neighbours; the merged span covers both, the higher confidence is kept.

    >>> from slr_keras.decoding import Hypothesis, merge_repeats
    >>> merge_repeats(Hypothesis((3, 3), -1.0, ((0, 1), (2, 4)), (0.5, 0.9))).spans
    ((0, 4),)
    """
    spans, confidences, first = [], [], 0
    for _, group in groupby(hypothesis.ids):
        last = first + len(list(group))
        if hypothesis.spans:
            spans.append((hypothesis.spans[first][0], hypothesis.spans[last - 1][1]))
            confidences.append(max(hypothesis.confidences[first:last]))
        first = last
    return replace(
        hypothesis,
        ids=collapse_repeats(hypothesis.ids),
        spans=tuple(spans),
        confidences=tuple(confidences),
    )


def merge_all_repeats(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Merge equal neighbours in each hypothesis; of hypotheses that become equal the first stays.

    >>> from slr_keras.decoding.hypothesis import Hypothesis, merge_all_repeats
    >>> [h.ids for h in merge_all_repeats([Hypothesis((3, 3), -1.0), Hypothesis((3,), -2.0)])]
    [(3,)]
    """
    merged: dict[tuple[int, ...], Hypothesis] = {}
    for hypothesis in map(merge_repeats, hypotheses):
        merged.setdefault(hypothesis.ids, hypothesis)
    return list(merged.values())


def confidences_of(
    log_probs: np.ndarray, ids: Sequence[int], spans: Sequence[tuple[int, int]]
) -> tuple[float, ...]:
    """Compute the maximum posterior of each gloss within its span, in [0, 1]."""
    return tuple(
        min(1.0, float(np.exp(log_probs[start:end, label].max())))
        for label, (start, end) in zip(ids, spans, strict=True)
    )
