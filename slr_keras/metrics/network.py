"""Alignment of sentences with alternatives: networks of words, as NIST sclite aligns them."""

from collections.abc import Callable, Sequence

import numpy as np

from slr_keras.metrics.alignment import SCLITE, Alignment, Pair
from slr_keras.text.nist_words import NULL, Words
from slr_keras.utils.errors import UserError

# Cells of the table of an alignment: sentences of 7,000 words.
_MOST_CELLS = 50_000_000

# sclite adds in single precision; its choice among equal paths depends on the rounding.
_Cost = np.float32
_NULL_COST = _Cost(0.001)
_NULL_PAIR = _Cost(1)
_NEVER = _Cost(1e9)


class Network:
    """The words of a sentence with alternatives, each behind those that may precede it.

    Attributes:
        words: of the sentence; the first stands for the beginning and is empty.
        before: for each word the numbers of the words that may precede it.
        ends: numbers of the words that may be last.

    >>> from slr_keras.metrics.network import Network
    >>> network = Network(("A", (("B",), ("@",)), "C"))
    >>> network.words, network.before, network.ends
    (['', 'A', 'B', '@', 'C'], [[], [0], [1], [1], [2, 3]], [4])
    """

    def __init__(self, words: Words):
        self.words = [""]
        self.before: list[list[int]] = [[]]
        self.ends = self._add(words, [0])

    def _add(self, words: Words, last: list[int]) -> list[int]:
        """Append words after others; returns the numbers of the last ones."""
        for word in words:
            if isinstance(word, str):
                self.words.append(word)
                self.before.append(last)
                last = [len(self.words) - 1]
            else:
                last = [end for alternative in word for end in self._add(alternative, last)]
        return last


def align_words(
    reference: Words,
    hypothesis: Words,
    substitution: float = SCLITE[0],
    insertion: float = SCLITE[1],
    deletion: float = SCLITE[2],
    fold: Callable[[str], str] = str,
) -> Alignment:
    """Align two sentences with alternatives: the cheapest pair of paths, ties broken as in sclite.

    Args:
        reference, hypothesis: words and alternations, as `slr_keras.text.nist_words` parses them.
        substitution, insertion, deletion: costs.
        fold: makes words that count as equal equal.

    Returns:
        The steps along the chosen paths, words as written; `@` takes part in none.

    >>> from slr_keras.metrics.network import align_words
    >>> reference = ((("HAUS",), ("GROSS", "BAU")), "REGEN")
    >>> [tuple(pair) for pair in align_words(reference, ("GROSS", "BAU", "WIND")).pairs]
    [('=', 'GROSS', 'GROSS'), ('=', 'BAU', 'BAU'), ('S', 'REGEN', 'WIND')]
    """
    above, below = Network(reference), Network(hypothesis)
    costs = (_Cost(substitution), _Cost(insertion), _Cost(deletion))
    back, last = _backward_steps(above, below, costs, fold)
    pairs = []
    a, b = last
    while a or b:
        previous_a, previous_b = back[a][b]
        pair = _pair(above.words[a], below.words[b], previous_a == a, previous_b == b, fold)
        if pair is not None:
            pairs.append(pair)
        a, b = previous_a, previous_b
    return Alignment(tuple(reversed(pairs)))


def _backward_steps(
    above: Network, below: Network, costs: Sequence[np.float32], fold: Callable[[str], str]
) -> tuple[list[list[tuple[int, int]]], tuple[int, int]]:
    """The predecessor of each cell (reference word, hypothesis word), and the last cell."""
    substitution, insertion, deletion = costs
    inserted = [_NULL_COST if word == NULL else insertion for word in below.words]
    deleted = [_NULL_COST if word == NULL else deletion for word in above.words]
    ours, theirs = list(map(fold, above.words)), list(map(fold, below.words))
    if len(ours) * len(theirs) > _MOST_CELLS:
        raise UserError(
            f"a sentence of {len(ours)} words against one of {len(theirs)} is too long to align "
            "with alternatives; is each sentence on a line of its own?"
        )
    cost = np.zeros((len(ours), len(theirs)), _Cost)
    back = [[(0, 0)] * len(theirs) for _ in ours]

    def cheapest(rows: Sequence[int], columns: Sequence[int]) -> tuple[np.float32, int, int]:
        # The first of equals.
        return min(
            ((cost[row, column], row, column) for row in rows for column in columns),
            key=lambda entry: entry[0],
        )

    for a, word in enumerate(ours):
        for b, other in enumerate(theirs):
            steps = []
            if a and b:
                least, *place = cheapest(above.before[a], below.before[b])
                steps.append((least + _pair_cost(word, other, substitution), place))
            # A tie goes to the pair of words, then to the insertion.
            if b:
                least, *place = cheapest([a], below.before[b])
                steps.append((least + inserted[b], place))
            if a:
                least, *place = cheapest(above.before[a], [b])
                steps.append((least + deleted[a], place))
            if steps:
                cost[a, b], back[a][b] = min(steps, key=lambda step: step[0])
    _, *last = cheapest(above.ends, below.ends)
    return back, tuple(last)


def _pair_cost(word: str, other: str, substitution: np.float32) -> np.float32:
    if word == NULL == other:
        return _NULL_PAIR
    if NULL in (word, other):
        return _NEVER
    return _Cost(0) if word == other else substitution


def _pair(
    word: str, other: str, inserts: bool, deletes: bool, fold: Callable[[str], str]
) -> Pair | None:
    if inserts:
        return None if other == NULL else Pair("I", None, other)
    if deletes:
        return None if word == NULL else Pair("D", word, None)
    if word == NULL == other:
        return None
    return Pair("=" if fold(word) == fold(other) else "S", word, other)
