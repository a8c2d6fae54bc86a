"""Decoding models whose scores depend on the glosses before (docs/papers/c2st.md §4).

The log-probability of symbol c at step s after gloss prefix p is log softmax(A[s] + C(p))[c], with
the logits A of the clip and the context scores C of the prefix. The parts that CTC with context and
the transducer have in common are here: the cache of contexts, the normaliser, and the beam.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypedDict

import numpy as np

from slr_keras.decoding.beam_search import (
    BeamSearch,
    ContextFunction,
    EmissionRule,
    Prefix,
    search_batch,
)
from slr_keras.decoding.hypothesis import BLANK, Hypothesis, merge_all_repeats
from slr_keras.utils.errors import UserError


class ContextCache:
    """Least-recently-used cache of the context scores of prefixes.

    A beam search asks for the same prefixes again and again, within a clip and across clips; the
    contexts of a frozen language model never change.

    Args:
        compute: gives `(prefixes, classes)` for a list of prefixes of gloss ids.
        limit: maximum number of prefixes kept.

    >>> import numpy as np
    >>> from slr_keras.decoding import ContextCache
    >>> cache = ContextCache(lambda prefixes: np.zeros((len(prefixes), 3)))
    >>> cache([(), (1,), ()]).shape, cache.computed
    ((3, 3), 2)
    """

    def __init__(self, compute: ContextFunction, limit: int = 20_000):
        self.compute = compute
        self.limit = limit
        self.computed = 0
        self._rows: OrderedDict[Prefix, np.ndarray] = OrderedDict()

    def __call__(self, prefixes: Sequence[Prefix]) -> np.ndarray:
        absent = [prefix for prefix in dict.fromkeys(prefixes) if prefix not in self._rows]
        if absent:
            self._rows.update(zip(absent, np.asarray(self.compute(absent), np.float32)))
            self.computed += len(absent)
        rows = []
        for prefix in prefixes:
            self._rows.move_to_end(prefix)
            rows.append(self._rows[prefix])
        while len(self._rows) > self.limit:
            self._rows.popitem(last=False)
        return np.stack(rows)


class BeamOptions(TypedDict, total=False):
    """Options of `context_ctc_beam` and `transducer_beam`.

    Attributes:
        beam: prefixes kept at every step, 10 by default; 1 is greedy decoding (eq. 5).
        candidates_per_step: glosses by which each prefix is extended, 20 by default; 0 means all.
        blank_penalty: subtracted from the blank's logit; above 0 it favours longer sequences.
        insertion_bonus: added to the score per gloss.
        context_scale: factor of the context scores, 1 by default.
        merge_equal_neighbours: merge equal neighbours after the search, as the published
            evaluations do (docs/papers/c2st.md §10.2).
    """

    beam: int
    candidates_per_step: int
    blank_penalty: float
    insertion_bonus: float
    context_scale: float
    merge_equal_neighbours: bool


Align = Callable[[np.ndarray, ContextFunction, Sequence[Prefix]], list[Hypothesis]]
"""From a clip's logits, contexts and sequences to hypotheses with exact log-probabilities."""


def context_beam(
    logits: np.ndarray,
    lengths: Sequence[int],
    contexts: ContextFunction,
    rule: EmissionRule,
    align: Align,
    greedy: Callable[[np.ndarray, ContextFunction], Prefix] | None = None,
    beam: int = 10,
    candidates_per_step: int = 20,
    blank_penalty: float = 0.0,
    insertion_bonus: float = 0.0,
    context_scale: float = 1.0,
    merge_equal_neighbours: bool = False,
) -> list[list[Hypothesis]]:
    """Search every clip, then rank the surviving prefixes by their exact log-probabilities.

    Args:
        logits: `(batch, steps, classes)`, A, blank = class 0.
        lengths: `(batch,)` real steps; padding is never read.
        contexts: gives C, `(prefixes, classes)`, for a list of prefixes.
        rule: emission rule of the search.
        align: sums over the alignments of sequences.
        greedy: gives the greedy sequence of a clip, which then always is among the candidates,
            and the only one with a beam of 1. None takes what the search finds.

    The other arguments: see `BeamOptions`.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.
    """
    logits, steps = checked_logits(logits, lengths, beam, candidates_per_step)
    logits[:, :, BLANK] -= blank_penalty

    def scaled(prefixes: Sequence[Prefix]) -> np.ndarray:
        return context_scale * np.asarray(contexts(prefixes), np.float64)

    def total(hypothesis: Hypothesis) -> float:
        return hypothesis.log_probability + insertion_bonus * len(hypothesis.ids)

    clips = [clip[:length] for clip, length in zip(logits, steps.tolist())]
    sequences: list[list[Prefix]] = [[greedy(clip, scaled)] if greedy else [] for clip in clips]
    if beam > 1 or not greedy:
        make_search = partial(
            BeamSearch,
            logits.shape[2],
            beam,
            insertion_bonus=insertion_bonus,
            candidates_per_step=candidates_per_step,
            rule=rule,
        )
        survivors = search_batch(logits, steps.tolist(), scaled, make_search)
        sequences = [first + more for first, more in zip(sequences, survivors)]
    batch = []
    for clip, candidates in zip(clips, sequences):
        hypotheses = align(clip, scaled, list(dict.fromkeys(candidates)))
        best = sorted(hypotheses, key=total, reverse=True)[:beam]
        ranked = [replace(hypothesis, score=total(hypothesis)) for hypothesis in best]
        batch.append(merge_all_repeats(ranked) if merge_equal_neighbours else ranked)
    return batch


def checked_logits(
    logits: np.ndarray, lengths: Sequence[int], beam: int, candidates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Check the input of a beam with context; copy the logits to float64.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.
    """
    logits = np.array(logits, np.float64)
    steps = np.asarray(lengths)
    if logits.ndim != 3 or logits.shape[2] < 2 or steps.shape != logits.shape[:1]:
        raise UserError(
            f"decoding: logits {logits.shape} and lengths {steps.shape} must be "
            "(batch, steps, classes) and (batch,)"
        )
    if beam < 1 or candidates < 0:
        raise UserError(
            f"beam search: beam={beam} must be at least 1 and candidates_per_step={candidates} "
            "at least 0"
        )
    for row, length in enumerate(steps.tolist()):
        if not 0 <= length <= logits.shape[1]:
            raise UserError(f"decoding: clip {row} has length {length} of {logits.shape[1]} steps")
        if not np.isfinite(logits[row, :length]).all():
            raise UserError(
                f"decoding: clip {row} of the batch holds NaN or infinite logits; the model's "
                "output is not usable (did training diverge?)"
            )
    return logits, steps


class PrefixScores:
    """Log-probabilities of symbols after the prefixes of some sequences, computed on demand.

    The normaliser of a sum of logits is a product of matrices (docs/papers/c2st.md §5.6):
    sum_c exp(A[s, c] + C[p, c]) = (exp A · exp Cᵀ)[s, p]. float64 makes it exact unless a whole
    vocabulary underflows, where the sum is taken directly.

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(prefixes, classes)`, C.

    >>> import numpy as np
    >>> from slr_keras.decoding.context import PrefixScores
    >>> scores = PrefixScores(np.zeros((2, 4)), np.zeros((3, 4)))
    >>> np.exp(scores.log_probs(np.array([0, 2]), np.array([1, 3]))).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """

    def __init__(self, logits: np.ndarray, contexts: np.ndarray):
        self._logits = logits = np.asarray(logits, np.float64)
        self._contexts = contexts = np.asarray(contexts, np.float64)
        peak_a, peak_c = logits.max(1, keepdims=True), contexts.max(1, keepdims=True)
        product = np.exp(logits - peak_a) @ np.exp(contexts - peak_c).T
        if product.min(initial=1.0) > 1e-250:
            self._normaliser = np.log(product) + peak_a + peak_c.T
        else:
            sums = logits[:, None] + contexts
            peak = sums.max(-1, keepdims=True)
            self._normaliser = np.log(np.exp(sums - peak).sum(-1)) + peak[..., 0]

    def log_probs(self, prefixes: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        """Log-probabilities `(steps, ...)` of symbols, each after one of the prefixes.

        Args:
            prefixes: indices of prefixes (rows of C), of any shape.
            symbols: one symbol for each of them.
        """
        return (
            self._logits[:, symbols]
            + self._contexts[prefixes, symbols]
            - self._normaliser[:, prefixes]
        )


def prefix_tables(
    sequences: Sequence[Prefix], contexts: ContextFunction
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Contexts `(prefixes, classes)` of all distinct prefixes, and for each sequence the rows."""
    rows: dict[Prefix, int] = {}
    tables = [
        np.array([rows.setdefault(ids[:count], len(rows)) for count in range(len(ids) + 1)])
        for ids in sequences
    ]
    return contexts(list(rows)), tables
