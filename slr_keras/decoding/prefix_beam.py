"""CTC prefix beam search without context: of a whole clip, or step by step.

The search is `slr_keras.decoding.beam_search` with the CTC rule. Two properties hold beyond it:

* the returned log-probabilities are full CTC sums, not those of the alignments that survived;
* the greedy sequence is always a candidate, so that no beam is worse than greedy decoding.
"""

import numpy as np

from slr_keras.decoding.beam_search import BeamSearch
from slr_keras.decoding.ctc import best_paths, log_likelihoods
from slr_keras.decoding.greedy import best_path
from slr_keras.decoding.hypothesis import (
    Hypothesis,
    checked,
    confidences_of,
    merge_all_repeats,
)
from slr_keras.decoding.language_model import NgramLanguageModel
from slr_keras.utils.errors import UserError


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
    """Find the most probable gloss sequences of a clip, best first.

    Ranked by `log P(ids | clip) + weight · log P_LM(ids, end) + insertion_bonus · len(ids)`.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        beam: prefixes kept at every step, at least 1.
        language_model: n-gram gloss language model over the same ids, or None.
        weight: factor of the language model's log-probability.
        insertion_bonus: added per gloss; above 0 it favours longer sequences.
        merge_repeats: merge equal neighbours afterwards, as MSKA and STARK do
            (docs/papers/stark.md §2.4); a genuine repeat "A blank A" is then one A.
        length: real steps; padding is never read. None means all.
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


class PrefixSearch(BeamSearch):
    """CTC search without context, step by step, so that a stream is decoded as it arrives.

    Arguments and attributes: see `BeamSearch`; the rule must stay CTC.

    >>> import numpy as np
    >>> from slr_keras.decoding.prefix_beam import PrefixSearch
    >>> search = PrefixSearch(classes=3, beam=2)
    >>> for step in np.log([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]]):
    ...     search.advance(step)
    >>> search.prefixes[0]
    (1, 2)
    """

    def ranked(self, log_probs: np.ndarray, merge_repeats: bool = False) -> list[Hypothesis]:
        """Hypotheses after the steps so far, best first, ranked by their full CTC sums.

        Args:
            log_probs: all steps so far, `(time, classes)`.
            merge_repeats: see `prefix_beam`.
        """
        sequences = list(dict.fromkeys([*self.prefixes, best_path(log_probs)[0]]))
        log_likelihood = log_likelihoods(log_probs, sequences)
        scores = log_likelihood + [self.fusion.total(ids) for ids in sequences]
        best = np.argsort(-scores, kind="stable")[: self.beam]
        order = [k for k in best if log_likelihood[k] > -np.inf]
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
        return merge_all_repeats(hypotheses) if merge_repeats else hypotheses
