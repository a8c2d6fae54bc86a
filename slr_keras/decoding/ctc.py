"""CTC trellis of given label sequences: exact log-likelihood and best (forced) alignment.

A sequence of n labels has 2 n + 1 states: blank, label, blank, ..., label, blank. At each step an
alignment stays in its state, moves to the next state, or skips the blank between two different
labels (Graves et al. 2006). With e(k) the emission log-probability on entering state k, r(k) what a
repetition of state k adds to it, and a ⊕ b = log(exp a + exp b), the forward recursion is

    alpha'(k) = [(alpha(k) + r(k)) ⊕ alpha(k - 1) ⊕ (alpha(k - 2) where a skip is allowed)] + e(k)

The best alignment has the maximum in place of ⊕. Plain CTC has r = 0; with context
(`slr_keras.decoding.context_ctc`) the first step of a gloss and its repetitions differ, because the
gloss is not yet part of the context at its first step. Several sequences are processed together,
padded to the longest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from slr_keras.decoding.hypothesis import BLANK, checked
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class CtcAlignment:
    """Most probable alignment of a label sequence.

    Attributes:
        path: one id per step, blank = 0.
        spans: steps (start, end) of each label, end exclusive.
        log_probability: log-probability of this alignment alone.
    """

    path: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    log_probability: float


def align_ctc(log_probs: np.ndarray, ids: Sequence[int], length: int | None = None) -> CtcAlignment:
    """Force-align labels to a clip: find the single best path that collapses to `ids`.

    Args:
        log_probs: `(time, classes)` log-probabilities or logits, blank = class 0.
        ids: the labels, none of them the blank.
        length: real steps; None means all.

    Raises:
        UserError: the labels cannot fit in the steps (time < labels + adjacent repeats), an id is
            out of range, or the log-probabilities are unusable.

    >>> import numpy as np
    >>> from slr_keras.decoding import align_ctc
    >>> steps = np.log([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    >>> align_ctc(steps, [1, 2]).spans
    ((1, 3), (3, 4))
    """
    log_probs = checked(log_probs, length)
    return best_paths(log_probs, [checked_labels(log_probs, ids)])[0]


def log_likelihood(log_probs: np.ndarray, ids: Sequence[int], length: int | None = None) -> float:
    """Compute the exact log P(ids | clip) over all alignments; -inf if there is none.

    >>> import numpy as np
    >>> from slr_keras.decoding import log_likelihood
    >>> round(float(np.exp(log_likelihood(np.log(np.full((2, 2), 0.5)), [1]))), 6)
    0.75
    """
    log_probs = checked(log_probs, length)
    return float(log_likelihoods(log_probs, [checked_labels(log_probs, ids, fit=False)])[0])


def checked_labels(log_probs: np.ndarray, ids: Sequence[int], fit: bool = True) -> tuple[int, ...]:
    """Convert labels to ints; check their range and, if `fit`, that they fit into the steps.

    Raises:
        UserError: an id out of range, or too many labels.
    """
    steps, classes = log_probs.shape
    labels = tuple(int(label) for label in ids)
    for label in labels:
        if not BLANK < label < classes:
            raise UserError(
                f"CTC alignment: label id {label} is outside 1..{classes - 1}; "
                "is this the model's vocabulary?"
            )
    needed = len(labels) + sum(a == b for a, b in pairwise(labels))
    if fit and needed > steps:
        raise UserError(
            f"CTC alignment: {len(labels)} labels need at least {needed} steps, the clip has "
            f"{steps}; give a longer clip or fewer labels"
        )
    return labels


@dataclass(frozen=True)
class Trellis:
    """States of several label sequences, padded to the longest.

    Attributes:
        states: `(sequences, states)` symbol of each state.
        skip: `(sequences, states)` 0 where the state may be entered past a blank, else -inf.
        ends: `(sequences,)` last state of each sequence.
    """

    states: np.ndarray
    skip: np.ndarray
    ends: np.ndarray


def make_trellis(sequences: Sequence[tuple[int, ...]]) -> Trellis:
    """Build the states of label sequences.

    >>> from slr_keras.decoding.ctc import make_trellis
    >>> make_trellis([(3, 5), ()]).states.tolist()
    [[0, 3, 0, 5, 0], [0, 0, 0, 0, 0]]
    """
    longest = max((len(s) for s in sequences), default=0)
    states = np.full((len(sequences), 2 * longest + 1), BLANK)
    for row, labels in enumerate(sequences):
        states[row, 1 : 2 * len(labels) : 2] = labels
    skip = np.full(states.shape, -np.inf)
    allowed = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    skip[:, 2:][allowed] = 0.0
    return Trellis(states, skip, np.array([2 * len(s) for s in sequences], np.int64))


def log_likelihoods(log_probs: np.ndarray, sequences: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Exact log P of several label sequences, `(sequences,)`; the input is already checked."""
    trellis = make_trellis(sequences)
    return forward_sums(trellis, log_probs[:, trellis.states])


def best_paths(
    log_probs: np.ndarray, sequences: Sequence[tuple[int, ...]]
) -> tuple[CtcAlignment, ...]:
    """Best path of several label sequences that are known to fit; the input is already checked."""
    trellis = make_trellis(sequences)
    return best_alignments(trellis, log_probs[:, trellis.states])


def forward_sums(
    trellis: Trellis, emissions: np.ndarray, repeats: np.ndarray | None = None
) -> np.ndarray:
    """Sum over all alignments of each sequence.

    Args:
        trellis: of the sequences.
        emissions: `(steps, sequences, states)`, e of the module's docstring.
        repeats: of the same shape, r; None means 0.

    Returns:
        `(sequences,)` log-likelihoods, -inf where a sequence does not fit.
    """
    ends = trellis.ends
    if len(emissions) == 0:
        return np.where(ends == 0, 0.0, -np.inf)
    alpha = _start(emissions[0])
    for step in range(1, len(emissions)):
        stay = alpha if repeats is None else alpha + repeats[step]
        alpha = np.logaddexp(np.logaddexp(stay, _shift(alpha, 1)), _shift(alpha, 2) + trellis.skip)
        alpha += emissions[step]
    rows = np.arange(len(ends))
    return np.logaddexp(alpha[rows, ends], np.where(ends > 0, alpha[rows, ends - 1], -np.inf))


def best_alignments(
    trellis: Trellis, emissions: np.ndarray, repeats: np.ndarray | None = None
) -> tuple[CtcAlignment, ...]:
    """Best alignment of each sequence; every sequence must fit.

    Args:
        trellis: of the sequences.
        emissions: `(steps, sequences, states)`, e of the module's docstring.
        repeats: of the same shape, r; None means 0.
    """
    steps, states = len(emissions), trellis.states
    if steps == 0:
        return tuple(CtcAlignment((), (), 0.0) for _ in states)
    moves = np.zeros(emissions.shape, np.int8)
    best = _start(emissions[0])
    for step in range(1, steps):
        stay = best if repeats is None else best + repeats[step]
        choices = np.stack([stay, _shift(best, 1), _shift(best, 2) + trellis.skip])
        moves[step] = choices.argmax(axis=0)
        best = choices.max(axis=0) + emissions[step]
    alignments = []
    for row, state in enumerate(trellis.ends.tolist()):
        count = state // 2
        if state > 0 and best[row, state - 1] > best[row, state]:
            state -= 1
        total = float(best[row, state])
        visited = np.empty(steps, np.int64)
        for step in range(steps - 1, -1, -1):
            visited[step] = state
            state -= moves[step, row, state]
        # State 2 k + 1 emits label k; its steps are adjacent, so two look-ups bound them.
        emitting = 2 * np.arange(count) + 1
        starts = np.searchsorted(visited, emitting, side="left")
        stops = np.searchsorted(visited, emitting, side="right")
        alignments.append(
            CtcAlignment(
                path=tuple(states[row, visited].tolist()),
                spans=tuple(zip(starts.tolist(), stops.tolist())),
                log_probability=total,
            )
        )
    return tuple(alignments)


def _start(emission: np.ndarray) -> np.ndarray:
    """Scores of the first step: an alignment begins in the first blank or in the first label."""
    start = np.full(emission.shape, -np.inf)
    start[:, :2] = emission[:, :2]
    return start


def _shift(values: np.ndarray, by: int) -> np.ndarray:
    """Move every state's value `by` states to the right."""
    shifted = np.full(values.shape, -np.inf)
    shifted[:, by:] = values[:, :-by]
    return shifted
