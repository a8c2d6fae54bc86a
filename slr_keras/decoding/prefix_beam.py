"""CTC prefix beam search in exact log space, vectorised over beam x vocabulary.

Each prefix carries two masses: of paths that end in blank and of paths that end in its last gloss
(Graves 2006; Hannun et al. 2014). Three properties hold beyond the textbook's form:

* pruning the vocabulary is exact by default: within one prefix all extensions share their mass up
  to the step's own probabilities, so the best `beam` of them lie among the `beam + 1` most
  probable glosses (the one more is the prefix's own last gloss, whose extension needs a blank);
* the probabilities returned are those of the full CTC sum, not of the part that survived pruning;
* the greedy sequence is always among the candidates, so no beam is ever worse than greedy.
"""

import numpy as np

from slr_keras.decoding.ctc import best_paths, log_likelihoods
from slr_keras.decoding.greedy import best_path
from slr_keras.decoding.hypothesis import (
    BLANK,
    Hypothesis,
    checked,
    confidences_of,
    merge_repeats,
)
from slr_keras.decoding.language_model import NgramLanguageModel
from slr_keras.utils.errors import UserError

Prefix = tuple[int, ...]


def prefix_beam(
    log_probs: np.ndarray,
    beam: int = 10,
    language_model: NgramLanguageModel | None = None,
    weight: float = 0.0,
    insertion_bonus: float = 0.0,
    merge_repeats: bool = False,
    length: int | None = None,
    candidates_per_step: int = 0,
) -> list[Hypothesis]:
    """The most probable gloss sequences of a clip, best first.

    Ranked by `log P(ids | clip) + weight · log P_LM(ids, end) + insertion_bonus · len(ids)`.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        beam: prefixes kept at every step, at least 1.
        language_model: n-gram gloss language model over the same ids, or None.
        weight: of the language model's log-probability.
        insertion_bonus: added per gloss; above 0 it favours longer sequences.
        merge_repeats: merge equal neighbours afterwards, as MSKA and STARK do
            (specs/stark.md §2.4); a genuine repeat "A blank A" is then one A.
        length: real steps; what lies beyond never matters. None means all.
        candidates_per_step: glosses tried at every step, the most probable ones; 0 means all.

    Returns:
        At most `beam` hypotheses with distinct ids, with spans and confidences.

    Raises:
        UserError: wrong shape or length, NaN or infinite values, beam < 1, or a language model
            of another vocabulary.

    >>> import numpy as np
    >>> from slr_keras.decoding import greedy, prefix_beam
    >>> steps = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy(steps).ids                    # the best single path is all blank ...
    ()
    >>> best = prefix_beam(steps, beam=2)[0]
    >>> best.ids, round(float(np.exp(best.log_probability)), 2)    # ... the best sequence is not
    ((1,), 0.64)
    """
    log_probs = checked(log_probs, length)
    if beam < 1 or candidates_per_step < 0:
        raise UserError(
            f"prefix beam search: beam={beam} must be at least 1 and "
            f"candidates_per_step={candidates_per_step} at least 0"
        )
    search = PrefixSearch(
        log_probs.shape[1], beam, language_model, weight, insertion_bonus, candidates_per_step
    )
    for step in log_probs:
        search.advance(step)
    return search.ranked(log_probs, merge_repeats)


class _Fusion:
    """Shallow fusion: what a prefix gets on top of its CTC mass."""

    def __init__(self, language_model, weight: float, insertion_bonus: float, classes: int):
        if language_model is not None and language_model.vocabulary_size != classes:
            raise UserError(
                f"prefix beam search: the language model knows {language_model.vocabulary_size} "
                f"classes, the log-probabilities have {classes}; train it on this vocabulary"
            )
        self.language_model = language_model if weight else None
        self.weight = weight
        self.bonus = insertion_bonus

    @property
    def uniform(self) -> bool:
        """Every extension of a prefix gets the same addition."""
        return self.language_model is None

    def additions(self, prefixes: list[Prefix]) -> np.ndarray:
        """`(prefixes, classes)`: what extending each prefix by each gloss adds."""
        rows = [self.language_model.log_probabilities(prefix) for prefix in prefixes]
        return self.weight * np.stack(rows) + self.bonus

    def total(self, ids: Prefix) -> float:
        """Addition of a complete sequence, with the end of the sentence."""
        total = self.bonus * len(ids)
        if self.language_model is not None:
            total += self.weight * self.language_model.sentence_log_probability(ids)
        return total


class PrefixSearch:
    """The search itself, step by step, so that a stream can be decoded while it goes on.

    Args: as for `prefix_beam`; `classes` with the blank.

    Attributes:
        prefixes: that survive, the best first.

    >>> import numpy as np
    >>> from slr_keras.decoding.prefix_beam import PrefixSearch
    >>> search = PrefixSearch(classes=3, beam=2)
    >>> for step in np.log([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]]):
    ...     search.advance(step)
    >>> search.prefixes[0]
    (1, 2)
    """

    def __init__(
        self,
        classes: int,
        beam: int,
        language_model: NgramLanguageModel | None = None,
        weight: float = 0.0,
        insertion_bonus: float = 0.0,
        candidates_per_step: int = 0,
    ):
        self.beam = beam
        self._fusion = _Fusion(language_model, weight, insertion_bonus, classes)
        self._tried = min(classes - 1, candidates_per_step or classes)
        if self._fusion.uniform:
            self._tried = min(self._tried, beam + 1)
        self._everything = np.arange(1, classes)
        self.prefixes: list[Prefix] = [()]
        self._in_blank, self._in_gloss = np.zeros(1), np.full(1, -np.inf)
        self._added = np.zeros(1)

    def advance(self, step: np.ndarray) -> None:
        """Take in one step of normalised log-probabilities, `(classes,)`."""
        fusion, prefixes, added = self._fusion, self.prefixes, self._added
        in_blank, in_gloss = self._in_blank, self._in_gloss
        glosses = self._everything
        if self._tried < len(glosses):
            glosses = np.argpartition(-step[1:], self._tried - 1)[: self._tried] + 1
        last = np.array([prefix[-1] if prefix else BLANK for prefix in prefixes])
        total = np.logaddexp(in_blank, in_gloss)
        stay_blank = total + step[BLANK]
        stay_gloss = in_gloss + step[last]
        same = last[:, None] == glosses
        extend = np.where(same, in_blank[:, None], total[:, None]) + step[glosses]
        _merge_known(prefixes, last, glosses, total, in_blank, step, stay_gloss, extend)
        if fusion.uniform:
            extended = np.broadcast_to(added[:, None] + fusion.bonus, extend.shape)
        else:
            extended = added[:, None] + fusion.additions(prefixes)[:, glosses]
        scores = np.concatenate(
            [np.logaddexp(stay_blank, stay_gloss) + added, (extend + extended).ravel()]
        )
        kept = _best(scores, self.beam)
        stays = len(prefixes)
        old = kept < stays
        row, column = np.divmod(kept - stays, len(glosses))
        row, column = np.where(old, kept, row), np.where(old, 0, column)
        chosen = glosses[column]
        self._in_blank = np.where(old, stay_blank[row], -np.inf)
        self._in_gloss = np.where(old, stay_gloss[row], extend[row, column])
        self._added = np.where(old, added[row], extended[row, column])
        self.prefixes = [
            prefixes[r] if o else (*prefixes[r], c)
            for r, o, c in zip(row.tolist(), old.tolist(), chosen.tolist())
        ]

    def ranked(self, log_probs: np.ndarray, merge_repeats: bool = False) -> list[Hypothesis]:
        """The hypotheses of the steps taken in, best first, by their full CTC sums.

        Args:
            log_probs: all of these steps, `(time, classes)`.
            merge_repeats: see `prefix_beam`.
        """
        sequences = list(dict.fromkeys([*self.prefixes, best_path(log_probs)[0]]))
        log_likelihood = log_likelihoods(log_probs, sequences)
        scores = log_likelihood + [self._fusion.total(ids) for ids in sequences]
        order = np.argsort(-scores, kind="stable")[: self.beam]
        order = [k for k in order if log_likelihood[k] > -np.inf]
        alignments = best_paths(log_probs, [sequences[k] for k in order])
        hypotheses = []
        for k, alignment in zip(order, alignments, strict=True):
            ids = sequences[k]
            hypotheses.append(
                Hypothesis(
                    ids=ids,
                    log_probability=float(log_likelihood[k]),
                    spans=alignment.spans,
                    confidences=confidences_of(log_probs, ids, alignment.spans),
                    score=float(scores[k]),
                )
            )
        return _merged(hypotheses) if merge_repeats else hypotheses


def _merge_known(prefixes, last, glosses, total, in_blank, step, stay_gloss, extend) -> None:
    """Where an extension is itself in the beam, move its mass there (changes the last two)."""
    position = {prefix: k for k, prefix in enumerate(prefixes)}
    for child, prefix in enumerate(prefixes):
        parent = position.get(prefix[:-1]) if prefix else None
        if parent is None:
            continue
        gloss = prefix[-1]
        mass = in_blank[parent] if last[parent] == gloss else total[parent]
        stay_gloss[child] = np.logaddexp(stay_gloss[child], mass + step[gloss])
        extend[parent, glosses == gloss] = -np.inf


def _best(scores: np.ndarray, beam: int) -> np.ndarray:
    """Places of the best finite scores, best first."""
    places = np.arange(len(scores))
    if len(scores) > 4 * beam:
        places = np.sort(np.argpartition(-scores, beam - 1)[:beam])
    places = places[np.argsort(-scores[places], kind="stable")][:beam]
    return places[scores[places] > -np.inf]


def _merged(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """Merge repeats in each hypothesis; of those that become equal the best stays."""
    merged = {}
    for hypothesis in map(merge_repeats, hypotheses):
        merged.setdefault(hypothesis.ids, hypothesis)
    return list(merged.values())
