"""Decoding a conditional gloss decoder: greedy, and beam search that merges prefixes.

At each step the decoder emits one gloss or the blank, given the glosses emitted before
(specs/c2st.md §4, §8): the logits of step s after prefix p are A[s] + C(p). Nothing collapses, so a
prefix has one score, and paths meet exactly where a prefix with a blank equals its parent extended.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.decoding.hypothesis import BLANK, Hypothesis, log_softmax, merge_repeats
from slr_keras.utils.errors import UserError

Prefix = tuple[int, ...]
ContextFunction = Callable[[Sequence[Prefix]], np.ndarray]


class ContextCache:
    """Keeps the context logits of prefixes, the latest used of them.

    Beams ask for the same prefixes again and again, within a clip and across clips; with a frozen
    language model their contexts never change.

    Args:
        compute: gives `(prefixes, classes)` for a list of prefixes of gloss ids.
        limit: prefixes that are kept.

    >>> import numpy as np
    >>> from slr_keras.decoding.transducer import ContextCache
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
        found = []
        for prefix in prefixes:
            self._rows.move_to_end(prefix)
            found.append(self._rows[prefix])
        while len(self._rows) > self.limit:
            self._rows.popitem(last=False)
        return np.stack(found)


def transducer_beam(
    logits: np.ndarray,
    lengths: Sequence[int],
    contexts: ContextFunction,
    beam: int = 10,
    candidates_per_step: int = 20,
    blank_penalty: float = 0.0,
    insertion_bonus: float = 0.0,
    context_scale: float = 1.0,
    merge_equal_neighbours: bool = False,
) -> list[list[Hypothesis]]:
    """The most probable gloss sequences of every clip, best first (specs/c2st.md §8).

    Ranked by `log P(ids | clip) + insertion_bonus · len(ids)`; the probability is summed over all
    alignments, not only those that the beam kept.

    Args:
        logits: `(batch, steps, classes)`, A of the spec: what the clip says, blank = class 0.
        lengths: `(batch,)` real steps; padding is never looked at.
        contexts: `(prefixes, classes)`, C of the spec, of a list of prefixes; ask through a
            `ContextCache`.
        beam: prefixes kept at every step; 1 is greedy decoding (eq. 5).
        candidates_per_step: glosses that each prefix is extended by; 0 means all.
        blank_penalty: taken from the blank's logit; above 0 it favours longer sequences.
        insertion_bonus: added per gloss.
        context_scale: of the context logits.
        merge_equal_neighbours: afterwards, as the published evaluations do (§10.2).

    Returns:
        For each clip at most `beam` hypotheses. A span is the step that emits the gloss; the
        confidence is the probability that this gloss comes next, given those before it.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.

    >>> import numpy as np
    >>> from slr_keras.decoding.transducer import transducer_beam
    >>> steps = np.log([[[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    >>> found = transducer_beam(steps, [2], lambda prefixes: np.zeros((len(prefixes), 3)))
    >>> found[0][0].ids, round(float(np.exp(found[0][0].log_probability)), 3)
    ((1,), 0.725)
    """
    logits, lengths = checked_logits(logits, lengths, beam, candidates_per_step)
    logits[:, :, BLANK] -= blank_penalty

    def scaled(prefixes: Sequence[Prefix]) -> np.ndarray:
        return context_scale * np.asarray(contexts(prefixes), np.float64)

    search = _Search(logits, lengths, scaled, beam, candidates_per_step, insertion_bonus)
    found = []
    for row, prefixes in enumerate(search.run()):
        clip = logits[row, : lengths[row]]
        ranked = [_hypothesis(clip, ids, scaled, insertion_bonus) for ids in prefixes]
        ranked.sort(key=lambda hypothesis: -hypothesis.score)
        if merge_equal_neighbours:
            merged: dict[Prefix, Hypothesis] = {}
            for hypothesis in map(merge_repeats, ranked):
                merged.setdefault(hypothesis.ids, hypothesis)
            ranked = list(merged.values())
        found.append(ranked)
    return found


def checked_logits(logits, lengths, beam: int, candidates: int) -> tuple[np.ndarray, np.ndarray]:
    """A copy of logits `(batch, steps, classes)` in float64, and lengths, both fit to be decoded.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.
    """
    logits = np.array(logits, np.float64)
    lengths = np.asarray(lengths)
    if logits.ndim != 3 or logits.shape[2] < 2 or lengths.shape != logits.shape[:1]:
        raise UserError(
            f"decoding: logits {logits.shape} and lengths {lengths.shape} must be "
            "(batch, steps, classes) and (batch,)"
        )
    if beam < 1 or candidates < 0:
        raise UserError(
            f"beam search: beam={beam} must be at least 1 and candidates_per_step={candidates} "
            "at least 0"
        )
    for row, length in enumerate(lengths.tolist()):
        if not 0 <= length <= logits.shape[1]:
            raise UserError(f"decoding: clip {row} has length {length} of {logits.shape[1]} steps")
        if not np.isfinite(logits[row, :length]).all():
            raise UserError(
                f"decoding: clip {row} of the batch holds NaN or infinite logits; the model's "
                "output is not usable (did training diverge?)"
            )
    return logits, lengths


class _Search:
    """Prefixes of all clips, step by step; contexts of all clips are asked for together."""

    def __init__(self, logits, lengths, contexts, beam, candidates, bonus):
        self.logits, self.lengths, self.contexts = logits, lengths, contexts
        self.beam, self.bonus = beam, bonus
        classes = logits.shape[2]
        self.candidates = min(candidates or classes - 1, classes - 1)
        self.prefixes: list[list[Prefix]] = [[()] for _ in lengths]
        self.scores = [np.zeros(1) for _ in lengths]

    def run(self) -> list[list[Prefix]]:
        for step in range(self.lengths.max(initial=0)):
            running = [row for row, length in enumerate(self.lengths) if step < length]
            asked = [prefix for row in running for prefix in self.prefixes[row]]
            contexts = self.contexts(asked)
            first = 0
            for row in running:
                last = first + len(self.prefixes[row])
                self._advance(row, log_softmax(self.logits[row, step] + contexts[first:last]))
                first = last
        return self.prefixes

    def _advance(self, row: int, log_probs: np.ndarray) -> None:
        """One step of one clip; `log_probs` is `(prefixes, classes)`."""
        prefixes, scores = self.prefixes[row], self.scores[row]
        stay = scores + log_probs[:, BLANK]
        extend = scores[:, None] + log_probs[:, 1:] + self.bonus
        position = {prefix: k for k, prefix in enumerate(prefixes)}
        for child, prefix in enumerate(prefixes):
            parent = position.get(prefix[:-1]) if prefix else None
            if parent is not None:
                gloss = prefix[-1] - 1
                stay[child] = np.logaddexp(stay[child], extend[parent, gloss])
                extend[parent, gloss] = -np.inf
        tried = min(self.candidates, extend.shape[1])
        columns = np.argpartition(-extend, tried - 1, axis=1)[:, :tried]
        extensions = np.take_along_axis(extend, columns, axis=1)
        everything = np.concatenate([stay, extensions.ravel()])
        kept = np.argsort(-everything, kind="stable")[: self.beam]
        kept = kept[everything[kept] > -np.inf]
        parents, places = np.divmod(kept - len(prefixes), tried)
        self.prefixes[row] = [
            prefixes[k] if k < len(prefixes) else (*prefixes[p], int(columns[p, c]) + 1)
            for k, p, c in zip(kept.tolist(), parents.tolist(), places.tolist())
        ]
        self.scores[row] = everything[kept]


@dataclass(frozen=True)
class TransducerAlignment:
    """How a gloss sequence lies on the steps of a clip.

    Attributes:
        log_likelihood: log P(ids | clip), over all alignments.
        steps: of the best single alignment, the step that emits each gloss.
        confidences: probability that each gloss comes next, given those before it.
    """

    log_likelihood: float
    steps: tuple[int, ...]
    confidences: tuple[float, ...]


def align_transducer(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> TransducerAlignment:
    """Sum over, and find the best of, the alignments of a sequence (specs/c2st.md §5.2).

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    >>> import numpy as np
    >>> from slr_keras.decoding.transducer import align_transducer
    >>> found = align_transducer(np.zeros((3, 2)), np.zeros((2, 2)), (1,))
    >>> round(float(np.exp(found.log_likelihood)), 3)       # three of the eight paths
    0.375
    """
    steps, glosses = len(logits), len(ids)
    stay, emit = arcs(logits, contexts, ids)
    forward = np.full(glosses + 1, -np.inf)
    forward[0] = 0.0
    best, came = forward.copy(), np.zeros((steps, glosses + 1), bool)
    # log P(the first t glosses are ever emitted): the sum over the step that emits the last.
    reached = np.full(glosses, -np.inf)
    for step in range(steps):
        moved = forward[:-1] + emit[step]
        reached = np.logaddexp(reached, moved)
        forward = forward + stay[step]
        forward[1:] = np.logaddexp(forward[1:], moved)
        held, jumped = best + stay[step], best[:-1] + emit[step]
        came[step, 1:] = jumped > held[1:]
        best = held
        best[1:] = np.maximum(best[1:], jumped)
    if forward[glosses] == -np.inf:
        return TransducerAlignment(-np.inf, (), ())
    emitted, place = [], glosses
    for step in range(steps - 1, -1, -1):
        if came[step, place]:
            emitted.append(step)
            place -= 1
    before = np.concatenate([[0.0], reached[:-1]])
    confidences = np.minimum(1.0, np.exp(reached - before))
    return TransducerAlignment(
        float(forward[glosses]), tuple(reversed(emitted)), tuple(confidences.tolist())
    )


def arcs(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the blank `(steps, glosses + 1)` and the next gloss `(.., glosses)`,
    after each prefix of a sequence.

    The normaliser of a sum of logits is a product of matrices (§5.6); float64 makes it exact
    unless a whole vocabulary underflows, where the sum is taken directly.
    """
    logits, contexts = np.asarray(logits, np.float64), np.asarray(contexts, np.float64)
    peak_a, peak_c = logits.max(1, keepdims=True), contexts.max(1, keepdims=True)
    product = np.exp(logits - peak_a) @ np.exp(contexts - peak_c).T
    if product.min(initial=1.0) > 1e-250:
        normaliser = np.log(product) + peak_a + peak_c.T
    else:
        sums = logits[:, None] + contexts
        peak = sums.max(-1, keepdims=True)
        normaliser = np.log(np.exp(sums - peak).sum(-1)) + peak[..., 0]
    stay = logits[:, BLANK, None] + contexts[:, BLANK] - normaliser
    labels = np.array(ids, np.int64)
    emit = logits[:, labels] + contexts[np.arange(len(ids)), labels] - normaliser[:, : len(ids)]
    return stay, emit


def _hypothesis(clip, ids: Prefix, contexts: ContextFunction, bonus: float) -> Hypothesis:
    prefixes = [ids[:count] for count in range(len(ids) + 1)]
    found = align_transducer(clip, contexts(prefixes), ids)
    return Hypothesis(
        ids=ids,
        log_probability=found.log_likelihood,
        spans=tuple((step, step + 1) for step in found.steps),
        confidences=found.confidences,
        score=found.log_likelihood + bonus * len(ids),
    )
