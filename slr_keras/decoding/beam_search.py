"""Frame-synchronous prefix beam search, with one of two emission rules.

A prefix p is a gloss sequence. After each step the search holds two log-probabilities of every
surviving prefix, both summed over alignments, with a ⊕ b = log(exp a + exp b):

    B(p): of the alignments that give p and end in a blank,
    G(p): of the alignments that give p and end in the last gloss of p,
    T(p) = B(p) ⊕ G(p).

The search begins with B(()) = 0 and G(()) = -inf. The log-probability of symbol c at a step is

    y(c | p) = log softmax(A + C(p))[c]

with the logits A of the step and the context scores C(p) of the prefix. Plain CTC has no context:
C = 0, and y(c | p) = y(c) is the same for all prefixes. With l(p) the last gloss of p, and p·c for
p extended by gloss c, one step maps (B, G) to (B', G'):

    CTC                                               transducer
    B'(p)   = T(p) + y(blank | p)                     B'(p)   = T(p) + y(blank | p)
    E(p, c) = y(c | p) + T(p)      if c ≠ l(p)        E(p, c) = y(c | p) + T(p)
    E(p, c) = y(c | p) + B(p)      if c = l(p)
    G'(p)   = [G(p) + y(l(p) | p)] ⊕ E(q, l(p))       G'(p)   = E(q, l(p))

where q is p without its last gloss, and E(q, ·) = -inf unless q is in the beam. In CTC a gloss may
last several steps, and equal neighbours are one gloss unless a blank separates them (Graves 2006;
Hannun et al. 2014). In a transducer a gloss takes exactly one step and nothing merges, so that T(p)
alone would do (docs/papers/c2st.md §5.2).

Prefixes are ranked by T(p) + weight · log P_LM(p) + insertion_bonus · |p|, and the best `beam` of
them survive. Each prefix is extended by its candidates. With context these are the glosses of its
greatest E(p, c). Without context they are the most probable glosses of the step, the same for all
prefixes; the best `beam` extensions of a prefix then lie among the `beam + 1` most probable
glosses (the additional one is l(p), whose extension needs a blank), so that the reduction to these
is exact where every extension gets the same bonus.
"""

from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np

from slr_keras.decoding.hypothesis import BLANK, log_softmax
from slr_keras.decoding.language_model import NgramLanguageModel
from slr_keras.utils.errors import UserError

Prefix = tuple[int, ...]
ContextFunction = Callable[[Sequence[Prefix]], np.ndarray]


class EmissionRule(Enum):
    """How the symbols of an alignment become glosses; the module's docstring has the equations."""

    CTC = "ctc"
    """Equal neighbours are one gloss unless a blank separates them."""
    TRANSDUCER = "transducer"
    """Every symbol that is not the blank is a gloss."""


class ShallowFusion:
    """Scores added to the recogniser's log-probability: a language model, and a bonus per gloss.

    Args:
        language_model: n-gram gloss language model over the same ids, or None.
        weight: factor of the language model's log-probability.
        insertion_bonus: added per gloss.
        classes: classes of the recogniser, blank included.

    Raises:
        UserError: the language model has another number of classes.
    """

    def __init__(
        self,
        language_model: NgramLanguageModel | None,
        weight: float,
        insertion_bonus: float,
        classes: int,
    ):
        if language_model is not None and language_model.vocabulary_size != classes:
            raise UserError(
                f"prefix beam search: the language model knows {language_model.vocabulary_size} "
                f"classes, the log-probabilities have {classes}; train it on this vocabulary"
            )
        self.language_model = language_model if weight else None
        self.weight = weight
        self.insertion_bonus = insertion_bonus
        self.classes = classes

    @property
    def uniform(self) -> bool:
        """Whether every extension of a prefix gets the same addition."""
        return self.language_model is None

    def additions(self, prefixes: Sequence[Prefix]) -> np.ndarray:
        """Scores `(prefixes, classes)` added when each prefix is extended by each gloss."""
        if self.language_model is None:
            return np.full((len(prefixes), self.classes), self.insertion_bonus)
        rows = [self.language_model.log_probabilities(prefix) for prefix in prefixes]
        return self.weight * np.stack(rows) + self.insertion_bonus

    def total(self, ids: Prefix) -> float:
        """Score added to a complete sequence, the end of the sentence included."""
        total = self.insertion_bonus * len(ids)
        if self.language_model is not None:
            total += self.weight * self.language_model.sentence_log_probability(ids)
        return total


class BeamSearch:
    """Prefix beam search over the steps of one clip.

    Args:
        classes: classes of the recogniser, blank included.
        beam: prefixes kept at every step, at least 1.
        language_model: n-gram gloss language model over the same ids, or None.
        weight: factor of the language model's log-probability.
        insertion_bonus: added per gloss.
        candidates_per_step: glosses by which each prefix is extended; 0 means all.
        rule: CTC or transducer.

    Attributes:
        prefixes: surviving prefixes, best first.

    Raises:
        UserError: a language model of another vocabulary.

    >>> import numpy as np
    >>> from slr_keras.decoding.beam_search import BeamSearch, EmissionRule
    >>> repeated = np.log([[0.1, 0.9], [0.1, 0.9]])
    >>> for rule in EmissionRule:
    ...     search = BeamSearch(classes=2, beam=2, rule=rule)
    ...     for step in repeated:
    ...         search.advance(step)
    ...     print(rule.value, search.prefixes[0])
    ctc (1,)
    transducer (1, 1)
    """

    def __init__(
        self,
        classes: int,
        beam: int,
        language_model: NgramLanguageModel | None = None,
        weight: float = 0.0,
        insertion_bonus: float = 0.0,
        candidates_per_step: int = 0,
        rule: EmissionRule = EmissionRule.CTC,
    ):
        self.beam = beam
        self.rule = rule
        self.fusion = ShallowFusion(language_model, weight, insertion_bonus, classes)
        self._candidates = min(classes - 1, candidates_per_step or classes)
        self._glosses = np.arange(1, classes)
        self.prefixes: list[Prefix] = [()]
        self._in_blank, self._in_gloss = np.zeros(1), np.full(1, -np.inf)
        self._added, self._last = np.zeros(1), np.full(1, BLANK)

    def advance(self, log_probs: np.ndarray) -> None:
        """Process one step.

        Args:
            log_probs: normalised log-probabilities, `(classes,)` without context, or
                `(prefixes, classes)` with a row for each of `self.prefixes`.
        """
        prefixes, added, in_blank = self.prefixes, self._added, self._in_blank
        count = len(prefixes)
        rows = np.arange(count)
        last = self._last
        total = np.logaddexp(in_blank, self._in_gloss)
        stay_blank = total + log_probs[..., BLANK]
        shared = log_probs.ndim == 1
        glosses = self._step_candidates(log_probs) if shared else self._glosses
        extend = total[:, None] + (log_probs[glosses] if shared else log_probs[:, 1:])
        if self.rule is EmissionRule.CTC:
            repeat = log_probs[last] if shared else log_probs[rows, last]
            stay_gloss = self._in_gloss + repeat
            row, column = np.nonzero(glosses == last[:, None])
            extend[row, column] = in_blank[row] + repeat[row]
        else:
            stay_gloss = np.full(count, -np.inf)
        self._merge_extensions(log_probs, total, glosses, extend, stay_gloss)
        if not shared and self._candidates < len(self._glosses):
            columns = np.argpartition(-extend, self._candidates - 1)[:, : self._candidates]
            glosses, extend = columns + 1, extend[rows[:, None], columns]
        if self.fusion.uniform:
            extended = (added + self.fusion.insertion_bonus).repeat(extend.shape[1])
            extended = extended.reshape(extend.shape)
        else:
            extended = added[:, None] + _columns(self.fusion.additions(prefixes), glosses)
        scores = np.concatenate(
            [np.logaddexp(stay_blank, stay_gloss) + added, (extend + extended).ravel()]
        )
        kept = _best(scores, self.beam)
        old = kept < count
        row, column = np.divmod(kept - count, extend.shape[1])
        row, column = np.where(old, kept, row), np.where(old, 0, column)
        gloss = glosses[column] if glosses.ndim == 1 else glosses[row, column]
        self._in_blank = np.where(old, stay_blank[row], -np.inf)
        self._in_gloss = np.where(old, stay_gloss[row], extend[row, column])
        self._added = np.where(old, added[row], extended[row, column])
        self._last = np.where(old, last[row], gloss)
        self.prefixes = [
            prefixes[r] if o else (*prefixes[r], g)
            for r, o, g in zip(row.tolist(), old.tolist(), gloss.tolist())
        ]

    def _step_candidates(self, log_probs: np.ndarray) -> np.ndarray:
        """Most probable glosses of a step without context, `(candidates,)`."""
        candidates = self._candidates
        if self.fusion.uniform:
            candidates = min(candidates, self.beam + 1)
        if candidates == len(self._glosses):
            return self._glosses
        return np.argpartition(-log_probs[1:], candidates - 1)[:candidates] + 1

    def _merge_extensions(
        self,
        log_probs: np.ndarray,
        total: np.ndarray,
        glosses: np.ndarray,
        extend: np.ndarray,
        stay_gloss: np.ndarray,
    ) -> None:
        """Move each E(q, l(p)) whose p is itself in the beam into G'(p); changes the last two."""
        position = {prefix: row for row, prefix in enumerate(self.prefixes)}
        pairs = [
            (child, position[prefix[:-1]])
            for child, prefix in enumerate(self.prefixes)
            if prefix and prefix[:-1] in position
        ]
        if not pairs:
            return
        children, parents = np.array(pairs).T
        gloss, before = self._last[children], total[parents]
        if self.rule is EmissionRule.CTC:
            before = np.where(self._last[parents] == gloss, self._in_blank[parents], before)
        emitted = log_probs[gloss] if log_probs.ndim == 1 else log_probs[parents, gloss]
        stay_gloss[children] = np.logaddexp(stay_gloss[children], before + emitted)
        row, column = np.nonzero(glosses == gloss[:, None])
        extend[parents[row], column] = -np.inf


def search_batch(
    logits: np.ndarray,
    lengths: Sequence[int],
    contexts: ContextFunction,
    make_search: Callable[[], BeamSearch],
) -> list[list[Prefix]]:
    """Search all clips with context, step by step, with one call of `contexts` per step.

    Args:
        logits: `(batch, steps, classes)`, A.
        lengths: `(batch,)` real steps.
        contexts: gives C, `(prefixes, classes)`, for a list of prefixes.
        make_search: makes the search of one clip.

    Returns:
        for each clip the prefixes that survive its last step, best first.
    """
    searches = [make_search() for _ in lengths]
    for step in range(max(lengths, default=0)):
        running = [row for row, length in enumerate(lengths) if step < length]
        after = contexts([prefix for row in running for prefix in searches[row].prefixes])
        first = 0
        for row in running:
            search = searches[row]
            end = first + len(search.prefixes)
            search.advance(log_softmax(logits[row, step] + after[first:end]))
            first = end
    return [search.prefixes for search in searches]


def _columns(values: np.ndarray, glosses: np.ndarray) -> np.ndarray:
    """Values `(prefixes, glosses)` of the given glosses, of `(prefixes, classes)`."""
    if glosses.ndim == 2:
        return values[np.arange(len(values))[:, None], glosses]
    if len(glosses) == values.shape[1] - 1:
        return values[:, 1:]
    return values.take(glosses, axis=1)


def _best(scores: np.ndarray, beam: int) -> np.ndarray:
    """Indices of the best finite scores, best first."""
    costs = -scores
    if len(costs) > 4 * beam:
        indices = np.sort(np.argpartition(costs, beam - 1)[:beam])
        indices = indices[np.argsort(costs[indices], kind="stable")]
    else:
        indices = np.argsort(costs, kind="stable")[:beam]
    return indices[costs[indices] < np.inf]
