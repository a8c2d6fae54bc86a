"""Decoding CTC whose logits know the glosses before them (specs/c2st.md §4, Table 5 row 1).

The logits of step s after the gloss prefix p are A[s] + C(p), as of a conditional gloss decoder;
but equal neighbours are one gloss unless a blank parts them, so that a prefix grows when a run of a
gloss begins, and has two scores: of paths that end in a blank and of those that end in its gloss.
"""

from collections.abc import Sequence

import numpy as np

from slr_keras.decoding.hypothesis import BLANK, Hypothesis, log_softmax, merge_repeats
from slr_keras.decoding.transducer import ContextFunction, Prefix, checked_logits


def context_ctc_beam(
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
    """The most probable gloss sequences of every clip, best first.

    Args: as for `transducer_beam`; a beam of 1 takes the best symbol of every step (eq. 5).

    Returns:
        For each clip at most `beam` hypotheses, with spans of the best alignment; a confidence is
        the greatest probability of the gloss within its span.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.

    >>> import numpy as np
    >>> from slr_keras.decoding.context_ctc import context_ctc_beam
    >>> steps = np.log([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    >>> found = context_ctc_beam(steps, [3], lambda prefixes: np.zeros((len(prefixes), 3)))
    >>> found[0][0].ids, found[0][0].spans
    ((1,), ((0, 2),))
    """
    logits, lengths = checked_logits(logits, lengths, beam, candidates_per_step)
    logits[:, :, BLANK] -= blank_penalty

    def scaled(prefixes: Sequence[Prefix]) -> np.ndarray:
        return context_scale * np.asarray(contexts(prefixes), np.float64)

    found = []
    for clip, length in zip(logits, lengths.tolist()):
        clip = clip[:length]
        sequences = [_best_path(clip, scaled)]
        if beam > 1:
            sequences += _search(clip, scaled, beam, candidates_per_step, insertion_bonus)
        ranked = [
            _hypothesis(clip, ids, scaled, insertion_bonus) for ids in dict.fromkeys(sequences)
        ]
        ranked = sorted(ranked, key=lambda hypothesis: -hypothesis.score)[:beam]
        if merge_equal_neighbours:
            merged: dict[Prefix, Hypothesis] = {}
            for hypothesis in map(merge_repeats, ranked):
                merged.setdefault(hypothesis.ids, hypothesis)
            ranked = list(merged.values())
        found.append(ranked)
    return found


def _best_path(clip: np.ndarray, contexts: ContextFunction) -> Prefix:
    """Each step's best symbol given the prefix so far: mode B."""
    prefix: Prefix = ()
    before = BLANK
    for step in clip:
        symbol = int((step + contexts([prefix])[0]).argmax())
        if symbol not in (BLANK, before):
            prefix = (*prefix, symbol)
        before = symbol
    return prefix


def _search(
    clip: np.ndarray, contexts: ContextFunction, beam: int, candidates: int, bonus: float
) -> list[Prefix]:
    """Prefixes that survive to the last step."""
    tried = min(candidates or clip.shape[1], clip.shape[1] - 1)
    prefixes: list[Prefix] = [()]
    in_blank, in_gloss = np.zeros(1), np.full(1, -np.inf)
    for step in clip:
        log_probs = log_softmax(step + contexts(prefixes))
        rows = np.arange(len(prefixes))
        last = np.array([prefix[-1] if prefix else BLANK for prefix in prefixes])
        total = np.logaddexp(in_blank, in_gloss)
        stay_blank = total + log_probs[:, BLANK]
        stay_gloss = in_gloss + log_probs[rows, last]
        extend = total[:, None] + log_probs
        extend[rows, last] = in_blank + log_probs[rows, last]
        extend[:, BLANK] = -np.inf
        position = {prefix: row for row, prefix in enumerate(prefixes)}
        for child, prefix in enumerate(prefixes):
            parent = position.get(prefix[:-1]) if prefix else None
            if parent is not None:
                stay_gloss[child] = np.logaddexp(stay_gloss[child], extend[parent, prefix[-1]])
                extend[parent, prefix[-1]] = -np.inf
        columns = np.argpartition(-extend, tried - 1, axis=1)[:, :tried]
        extended = np.take_along_axis(extend, columns, axis=1)
        grown = bonus * np.array([len(prefix) for prefix in prefixes])
        scores = np.concatenate(
            [
                np.logaddexp(stay_blank, stay_gloss) + grown,
                (extended + grown[:, None] + bonus).ravel(),
            ]
        )
        kept = np.argsort(-scores, kind="stable")[:beam]
        kept = kept[scores[kept] > -np.inf]
        old = kept < len(prefixes)
        row, place = np.divmod(kept - len(prefixes), tried)
        row, place = np.where(old, kept, row), np.where(old, 0, place)
        in_blank = np.where(old, stay_blank[row], -np.inf)
        in_gloss = np.where(old, stay_gloss[row], extended[row, place])
        prefixes = [
            prefixes[r] if o else (*prefixes[r], int(columns[r, k]))
            for r, o, k in zip(row.tolist(), old.tolist(), place.tolist())
        ]
    return prefixes


def _hypothesis(clip, ids: Prefix, contexts: ContextFunction, bonus: float) -> Hypothesis:
    after = contexts([ids[:count] for count in range(len(ids) + 1)])
    total, spans, confidences = align_context_ctc(clip, after, ids)
    return Hypothesis(ids, total, spans, confidences, total + bonus * len(ids))


def align_context_ctc(
    logits: np.ndarray, contexts: np.ndarray, ids: Prefix
) -> tuple[float, tuple[tuple[int, int], ...], tuple[float, ...]]:
    """Sum over, and find the best of, the alignments of a sequence.

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    Returns:
        log P(ids | clip) over all alignments; of the best one, each gloss's steps (start, end) and
        the gloss's greatest probability there. Without an alignment -inf and no spans.

    >>> import numpy as np
    >>> from slr_keras.decoding.context_ctc import align_context_ctc
    >>> total, spans, _ = align_context_ctc(np.zeros((2, 2)), np.zeros((2, 2)), (1,))
    >>> round(float(np.exp(total)), 3)       # three of the four paths
    0.75
    """
    steps, count = len(logits), len(ids)
    log_probs = log_softmax(np.asarray(logits, np.float64)[:, None] + contexts)
    # State 2 t is the blank after t glosses, state 2 t - 1 the run of gloss t.
    symbols = np.zeros(2 * count + 1, np.int64)
    symbols[1::2] = ids
    known = (np.arange(2 * count + 1) + 1) // 2
    # What stays in a run knows its gloss, what begins it does not.
    stay = log_probs[:, known, symbols]
    enter = stay.copy()
    enter[:, 1::2] = log_probs[:, known[1::2] - 1, symbols[1::2]]
    skips = np.zeros(2 * count + 1, bool)
    skips[3::2] = symbols[3::2] != symbols[1:-2:2]
    forward = np.full(2 * count + 1, -np.inf)
    forward[0] = 0.0
    best, moves = forward.copy(), np.zeros((steps, 2 * count + 1), np.int8)
    for step in range(steps):
        ways, best_ways = (
            np.stack(
                [
                    scores + stay[step],
                    _shifted(scores, 1) + enter[step],
                    np.where(skips, _shifted(scores, 2) + enter[step], -np.inf),
                ]
            )
            for scores in (forward, best)
        )
        forward = np.logaddexp.reduce(ways)
        moves[step], best = best_ways.argmax(0), best_ways.max(0)
    total = float(np.logaddexp.reduce(forward[-2:]))
    if total == -np.inf:
        return total, (), ()
    state = 2 * count if count == 0 or best[-1] >= best[-2] else 2 * count - 1
    path, shares = np.zeros(steps, np.int64), np.zeros(steps)
    for step in range(steps - 1, -1, -1):
        path[step], move = state, int(moves[step, state])
        shares[step] = np.exp((enter if move else stay)[step, state])
        state -= move
    runs = [np.flatnonzero(path == 2 * t - 1) for t in range(1, count + 1)]
    spans = tuple((int(run[0]), int(run[-1]) + 1) for run in runs)
    confidences = tuple(min(1.0, float(shares[run].max())) for run in runs)
    return total, spans, confidences


def _shifted(scores: np.ndarray, by: int) -> np.ndarray:
    return np.concatenate([np.full(by, -np.inf), scores[:-by]])[: len(scores)]
