"""CTC whose scores depend on the glosses before (docs/papers/c2st.md §4, Table 5 row 1).

The logits of step s after gloss prefix p are A[s] + C(p), as in the transducer, but equal
neighbours are one gloss unless a blank separates them, as in plain CTC. A prefix grows at the first
step of a gloss: this step is scored with the context before the gloss, its repetitions with the
context that includes it. With C = 0 this is plain CTC.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from slr_keras.decoding.beam_search import ContextFunction, EmissionRule, Prefix
from slr_keras.decoding.context import BeamOptions, PrefixScores, context_beam, prefix_tables
from slr_keras.decoding.ctc import best_alignments, forward_sums, make_trellis
from slr_keras.decoding.hypothesis import BLANK, Hypothesis


def context_ctc_beam(
    logits: np.ndarray,
    lengths: Sequence[int],
    contexts: ContextFunction,
    **options: Unpack[BeamOptions],
) -> list[list[Hypothesis]]:
    """Find the most probable gloss sequences of every clip, best first.

    Arguments as for `transducer_beam`. A beam of 1 takes the best symbol of every step (eq. 5);
    this sequence is a candidate of every wider beam.

    Returns:
        For each clip at most `beam` hypotheses, with spans of the best alignment; a confidence is
        the greatest probability of the gloss within its span.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.

    >>> import numpy as np
    >>> from slr_keras.decoding.context_ctc import context_ctc_beam
    >>> steps = np.log([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    >>> clips = context_ctc_beam(steps, [3], lambda prefixes: np.zeros((len(prefixes), 3)))
    >>> clips[0][0].ids, clips[0][0].spans
    ((1,), ((0, 2),))
    """
    return context_beam(
        logits, lengths, contexts, EmissionRule.CTC, _align, greedy=_best_path, **options
    )


def align_context_ctc(
    logits: np.ndarray, contexts: np.ndarray, ids: Prefix
) -> tuple[float, tuple[tuple[int, int], ...], tuple[float, ...]]:
    """Sum over the alignments of a sequence, and find the best one.

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    Returns:
        log P(ids | clip) over all alignments; of the best alignment the steps (start, end) of each
        gloss, and the greatest probability of each gloss there. Without an alignment -inf and no
        spans.

    >>> import numpy as np
    >>> from slr_keras.decoding.context_ctc import align_context_ctc
    >>> total, spans, _ = align_context_ctc(np.zeros((2, 2)), np.zeros((2, 2)), (1,))
    >>> round(float(np.exp(total)), 3)       # three of the four paths
    0.75
    """
    rows = np.arange(len(ids) + 1)
    (hypothesis,) = _aligned(PrefixScores(logits, contexts), [ids], [rows])
    return hypothesis.log_probability, hypothesis.spans, hypothesis.confidences


def _best_path(clip: np.ndarray, contexts: ContextFunction) -> Prefix:
    """Glosses of the best symbol of each step, given the prefix so far (eq. 5)."""
    prefix: Prefix = ()
    before = BLANK
    for step in clip:
        symbol = int((step + contexts([prefix])[0]).argmax())
        if symbol not in (BLANK, before):
            prefix = (*prefix, symbol)
        before = symbol
    return prefix


def _align(
    clip: np.ndarray, contexts: ContextFunction, sequences: Sequence[Prefix]
) -> list[Hypothesis]:
    table, rows = prefix_tables(sequences, contexts)
    return _aligned(PrefixScores(clip, table), sequences, rows)


def _aligned(
    scores: PrefixScores, sequences: Sequence[Prefix], rows: Sequence[np.ndarray]
) -> list[Hypothesis]:
    """Hypotheses of sequences whose prefixes have the given rows among those of `scores`."""
    trellis = make_trellis(sequences)
    prefixes = np.zeros(trellis.states.shape, np.int64)
    for row, own in zip(prefixes, rows):
        row[: len(own)] = own
    states = np.arange(trellis.states.shape[1])
    # State 2 t is the blank after t glosses; state 2 t - 1 is entered knowing t - 1 glosses and
    # repeated knowing t.
    enter = scores.log_probs(prefixes[:, states // 2], trellis.states)
    stay = scores.log_probs(prefixes[:, (states + 1) // 2], trellis.states)
    repeats = stay - enter
    totals = forward_sums(trellis, enter, repeats)
    alignments = best_alignments(trellis, enter, repeats)
    hypotheses = []
    for row, (ids, total, alignment) in enumerate(zip(sequences, totals.tolist(), alignments)):
        if total == -np.inf:
            hypotheses.append(Hypothesis(ids, total))
            continue
        peaks = []
        for state, (start, end) in zip(range(1, 2 * len(ids), 2), alignment.spans):
            repeated = stay[start + 1 : end, row, state].max(initial=-np.inf)
            peaks.append(max(enter[start, row, state], repeated))
        confidences = tuple(min(1.0, float(np.exp(peak))) for peak in peaks)
        hypotheses.append(Hypothesis(ids, total, alignment.spans, confidences))
    return hypotheses
