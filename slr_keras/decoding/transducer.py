"""Decoding a transducer with context, the conditional gloss decoder of docs/papers/c2st.md §4 and
§8.

At each step the decoder emits one gloss or the blank, given the glosses emitted before: the logits
of step s after prefix p are A[s] + C(p). Equal neighbours stay two glosses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from slr_keras.decoding.beam_search import ContextFunction, EmissionRule, Prefix
from slr_keras.decoding.context import BeamOptions, PrefixScores, context_beam, prefix_tables
from slr_keras.decoding.hypothesis import BLANK, Hypothesis


def transducer_beam(
    logits: np.ndarray,
    lengths: Sequence[int],
    contexts: ContextFunction,
    **options: Unpack[BeamOptions],
) -> list[list[Hypothesis]]:
    """Find the most probable gloss sequences of every clip, best first (docs/papers/c2st.md §8).

    Ranked by `log P(ids | clip) + insertion_bonus · len(ids)`; the probability is summed over all
    alignments, not only those that the beam kept.

    Args:
        logits: `(batch, steps, classes)`, A of the spec: the scores of the clip, blank = class 0.
        lengths: `(batch,)` real steps; padding is never read.
        contexts: gives `(prefixes, classes)`, C of the spec, for a list of prefixes; pass a
            `ContextCache`.
        options: see `slr_keras.decoding.context.BeamOptions`.

    Returns:
        For each clip at most `beam` hypotheses. A span is the step that emits the gloss; the
        confidence is the probability that this gloss comes next, given those before it.

    Raises:
        UserError: shapes that do not fit together, NaN or infinite logits, beam < 1.

    >>> import numpy as np
    >>> from slr_keras.decoding.transducer import transducer_beam
    >>> steps = np.log([[[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    >>> clips = transducer_beam(steps, [2], lambda prefixes: np.zeros((len(prefixes), 3)))
    >>> clips[0][0].ids, round(float(np.exp(clips[0][0].log_probability)), 3)
    ((1,), 0.725)
    """
    return context_beam(logits, lengths, contexts, EmissionRule.TRANSDUCER, _align, **options)


@dataclass(frozen=True)
class TransducerAlignment:
    """Alignment of a gloss sequence to the steps of a clip.

    Attributes:
        log_likelihood: log P(ids | clip), over all alignments.
        steps: of the best single alignment, the step that emits each gloss.
        confidences: probability that each gloss comes next, given those before it.
    """

    log_likelihood: float
    steps: tuple[int, ...]
    confidences: tuple[float, ...]


def align_transducer(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> TransducerAlignment:
    """Sum over the alignments of a sequence, and find the best one (docs/papers/c2st.md §5.2).

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    >>> import numpy as np
    >>> from slr_keras.decoding.transducer import align_transducer
    >>> alignment = align_transducer(np.zeros((3, 2)), np.zeros((2, 2)), (1,))
    >>> round(float(np.exp(alignment.log_likelihood)), 3)       # three of the eight paths
    0.375
    """
    stay, emit = arcs(logits, contexts, ids)
    return _alignments(stay[:, None], emit[:, None], [len(ids)])[0]


def arcs(logits: np.ndarray, contexts: np.ndarray, ids: Prefix) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities of the blank and of the next gloss after each prefix of a sequence.

    Args:
        logits: `(steps, classes)`, A.
        contexts: `(glosses + 1, classes)`, C of every prefix of `ids`.
        ids: the sequence.

    Returns:
        `(steps, glosses + 1)` of the blank and `(steps, glosses)` of the next gloss.
    """
    return _arcs(PrefixScores(logits, contexts), np.arange(len(ids) + 1), np.array(ids, np.int64))


def _arcs(
    scores: PrefixScores, prefixes: np.ndarray, ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same of prefixes `(..., glosses + 1)` and ids `(..., glosses)`."""
    stay = scores.log_probs(prefixes, np.full(prefixes.shape, BLANK))
    return stay, scores.log_probs(prefixes[..., :-1], ids)


def _align(
    clip: np.ndarray, contexts: ContextFunction, sequences: Sequence[Prefix]
) -> list[Hypothesis]:
    table, rows = prefix_tables(sequences, contexts)
    counts = [len(ids) for ids in sequences]
    prefixes = np.zeros((len(sequences), max(counts) + 1), np.int64)
    padded = np.zeros((len(sequences), max(counts)), np.int64)
    for row, (ids, own) in enumerate(zip(sequences, rows)):
        prefixes[row, : len(own)] = own
        padded[row, : len(ids)] = ids
    stay, emit = _arcs(PrefixScores(clip, table), prefixes, padded)
    return [
        Hypothesis(
            ids=ids,
            log_probability=alignment.log_likelihood,
            spans=tuple((step, step + 1) for step in alignment.steps),
            confidences=alignment.confidences,
        )
        for ids, alignment in zip(sequences, _alignments(stay, emit, counts))
    ]


def _alignments(
    stay: np.ndarray, emit: np.ndarray, counts: Sequence[int]
) -> list[TransducerAlignment]:
    """Alignments of several sequences, padded to the longest.

    Args:
        stay: `(steps, sequences, glosses + 1)` log-probabilities of the blank after each prefix.
        emit: `(steps, sequences, glosses)` log-probabilities of the next gloss.
        counts: glosses of each sequence.
    """
    steps = len(stay)
    forward = np.full(stay.shape[1:], -np.inf)
    forward[:, 0] = 0.0
    best, emits = forward.copy(), np.zeros(stay.shape, bool)
    # log P(the first t glosses are ever emitted): the sum over the step that emits the last.
    reached = np.full(emit.shape[1:], -np.inf)
    for step in range(steps):
        moved = forward[:, :-1] + emit[step]
        reached = np.logaddexp(reached, moved)
        forward = forward + stay[step]
        forward[:, 1:] = np.logaddexp(forward[:, 1:], moved)
        blank, gloss = best + stay[step], best[:, :-1] + emit[step]
        emits[step, :, 1:] = gloss > blank[:, 1:]
        best = blank
        best[:, 1:] = np.maximum(best[:, 1:], gloss)
    alignments = []
    for row, count in enumerate(counts):
        total = float(forward[row, count])
        if total == -np.inf:
            alignments.append(TransducerAlignment(-np.inf, (), ()))
            continue
        emitted, place = [], count
        for step in range(steps - 1, -1, -1):
            if emits[step, row, place]:
                emitted.append(step)
                place -= 1
        before = np.concatenate([[0.0], reached[row, :count]])[:count]
        confidences = np.minimum(1.0, np.exp(reached[row, :count] - before))
        alignments.append(
            TransducerAlignment(total, tuple(reversed(emitted)), tuple(confidences.tolist()))
        )
    return alignments
