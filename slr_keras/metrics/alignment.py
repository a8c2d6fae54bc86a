"""Alignment of a hypothesis with its reference, with the costs and tie-breaking of NIST sclite."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SCLITE = (4, 3, 3)
"""Cost of a substitution, an insertion and a deletion in sclite."""

LEVENSHTEIN = (1, 1, 1)
"""Unit costs: the minimum number of errors, as in jiwer and on most challenge servers."""

_DIAGONAL, _DELETION, _INSERTION = range(3)


class Pair(NamedTuple):
    """One step of an alignment: "=" correct, "S" substitution, "I" insertion, "D" deletion.

    An insertion has no reference word, a deletion no hypothesis word.
    """

    operation: str
    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True)
class Alignment:
    """The steps that turn a reference into a hypothesis.

    >>> from slr_keras.metrics import align
    >>> alignment = align("IX NORD REGEN".split(), "IX SUED WOLKE REGEN".split())
    >>> alignment.operations
    '=IS='
    >>> print(alignment.text())
    REF:  IX **** NORD  REGEN
    HYP:  IX SUED WOLKE REGEN
    Eval:    I    S
    """

    pairs: tuple[Pair, ...]

    @property
    def operations(self) -> str:
        """One character of "=SID" for each pair."""
        return "".join(pair.operation for pair in self.pairs)

    def text(self, width: int = 100) -> str:
        """Format reference, hypothesis and errors in three rows, wrapped at `width` columns."""
        return columns_text(("REF:", "HYP:", "Eval:"), [_cell(pair) for pair in self.pairs], width)


def columns_text(heads: Sequence[str], columns: Sequence[Sequence[str]], width: int = 100) -> str:
    """Format words in columns, wrapped at `width` terminal columns.

    Args:
        heads: label at the beginning of each row.
        columns: for each column one word per row.
        width: terminal columns, the labels not counted.

    >>> from slr_keras.metrics.alignment import columns_text
    >>> print(columns_text(("REF:", "A:"), [("RAIN", "RAIN"), ("NORTH", "*****")]))
    REF: RAIN NORTH
    A:   RAIN *****
    """
    Columns = list[tuple[Sequence[str], int]]
    blocks: list[Columns] = []
    block: Columns = []
    used = 0
    for column in columns:
        size = max(map(columns_of, column)) + 1
        if block and used + size > width:
            blocks.append(block)
            block, used = [], 0
        block.append((column, size))
        used += size
    blocks.append(block)
    return "\n".join(_block_text(heads, block) for block in blocks)


def columns_of(word: str | None) -> int:
    """Count the terminal columns of a word: wide characters take two, combining characters none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in word or ""
    )


def _cell(pair: Pair) -> tuple[str, str, str]:
    operation, reference, hypothesis = pair
    above = "*" * columns_of(hypothesis) if reference is None else reference
    below = "*" * columns_of(reference) if hypothesis is None else hypothesis
    return above, below, "" if operation == "=" else operation


def _block_text(heads: Sequence[str], block: list[tuple[Sequence[str], int]]) -> str:
    indent = max(map(columns_of, heads)) + 1
    lines = []
    for row, head in enumerate(heads):
        words = (cell[row] + " " * (size - columns_of(cell[row])) for cell, size in block)
        lines.append((head + " " * (indent - columns_of(head)) + "".join(words)).rstrip())
    return "\n".join(lines)


def operations(
    reference: Sequence[str],
    hypothesis: Sequence[str],
    substitution: float = 4,
    insertion: float = 3,
    deletion: float = 3,
) -> str:
    """Compute the cheapest alignment as a string of "=", "S", "I", "D".

    Ties are broken as in sclite, from the end backwards: a pair of words if no other step is
    cheaper, else an insertion unless a deletion is cheaper. This choice determines how errors split
    into substitutions, insertions and deletions. With sclite's costs it can also change their
    number, because three substitutions cost as much as two insertions and two deletions.

    Args:
        reference: words.
        hypothesis: words.
        substitution, insertion, deletion: costs.

    >>> from slr_keras.metrics.alignment import operations
    >>> operations("A B".split(), "B A".split())
    'D=I'
    >>> operations("A B".split(), "B A".split(), 1, 1, 1)
    'SS'
    """
    if min(substitution, insertion, deletion) < 0:
        raise ValueError("the costs of an alignment are not negative")
    reference, hypothesis = list(reference), list(hypothesis)
    if reference == hypothesis:
        return "=" * len(reference)
    costs = [insertion * column for column in range(len(hypothesis) + 1)]
    moves = []
    for word in reference:
        corner = costs[0]
        left = costs[0] = corner + deletion
        row = bytearray(len(hypothesis))
        for column, other in enumerate(hypothesis):
            above = costs[column + 1]
            pair = corner if word == other else corner + substitution
            delete = above + deletion
            insert = left + insertion
            if pair <= delete and pair <= insert:
                left = pair
            elif delete < insert:
                left = delete
                row[column] = _DELETION
            else:
                left = insert
                row[column] = _INSERTION
            corner = above
            costs[column + 1] = left
        moves.append(row)
    steps = []
    i, j = len(reference), len(hypothesis)
    while i or j:
        if not i:
            move = _INSERTION
        elif not j:
            move = _DELETION
        else:
            move = moves[i - 1][j - 1]
        i -= move != _INSERTION
        j -= move != _DELETION
        if move == _DIAGONAL:
            steps.append("=" if reference[i] == hypothesis[j] else "S")
        else:
            steps.append("D" if move == _DELETION else "I")
    return "".join(reversed(steps))


def align(
    reference: Sequence[str],
    hypothesis: Sequence[str],
    substitution: float = 4,
    insertion: float = 3,
    deletion: float = 3,
) -> Alignment:
    """Align two sequences of words, with the costs of docs/papers/stark.md §2.4.

    Arguments as for `operations`.

    >>> from slr_keras.metrics import align
    >>> [tuple(pair) for pair in align(["A", "B"], ["A", "C", "B"]).pairs]
    [('=', 'A', 'A'), ('I', None, 'C'), ('=', 'B', 'B')]
    """
    i = j = 0
    pairs = []
    for step in operations(reference, hypothesis, substitution, insertion, deletion):
        above = None if step == "I" else reference[i]
        below = None if step == "D" else hypothesis[j]
        i += step != "I"
        j += step != "D"
        pairs.append(Pair(step, above, below))
    return Alignment(tuple(pairs))
