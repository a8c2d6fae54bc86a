"""The matched-pairs sentence-segment word error test (MAPSSWE), as NIST's sc_stats makes it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.metrics.alignment import Alignment, align

MINIMUM_CORRECT = 2
"""Words that both systems have right before and after a segment, sc_stats' default."""


@dataclass(frozen=True)
class MatchedPairs:
    """Result of the test.

    Attributes:
        segments: number of segments, each with an error of at least one system.
        mean: errors of the second system less those of the first, per segment.
        z: the mean over its standard error; None where all segments differ by the same number,
            which leaves no error to measure (sc_stats gives 0 there).
        p_value: two-sided, normal approximation; None with `z`. With fewer than about 50 segments
            it is rough.
    """

    segments: int
    mean: float
    z: float | None
    p_value: float | None


def matched_pairs(
    references: Iterable[Sequence[str]],
    first: Iterable[Sequence[str]],
    second: Iterable[Sequence[str]],
    minimum_correct: int = MINIMUM_CORRECT,
) -> MatchedPairs:
    """Test whether two systems make equally many errors (Gillick and Cox, ICASSP 1989).

    Sentences are cut into segments wherever both systems have `minimum_correct` words in
    a row right, and at their ends. Errors of different segments are taken as independent, and the
    mean difference of errors per segment as normal.

    Args:
        references, first, second: the same sentences: what was signed, and two hypotheses.
        minimum_correct: words between segments, at least 1.

    Raises:
        ValueError: not as many hypotheses as references.

    >>> from slr_keras.metrics import matched_pairs
    >>> references = ["A B C D E F".split()] * 30
    >>> first, second = ["A X C D E X".split()] * 30, ["A B C D E F".split(), "A X".split()] * 15
    >>> found = matched_pairs(references, first, second)
    >>> found.segments, round(found.mean, 2), found.p_value < 0.05
    (45, 0.33, False)
    """
    differences = []
    for reference, one, other in zip(references, first, second, strict=True):
        pair = align(reference, one), align(reference, other)
        found = segment_errors(*pair, minimum_correct)
        differences += [b - a for a, b in found]
    count = len(differences)
    mean = float(np.mean(differences)) if count else 0.0
    deviation = float(np.std(differences, ddof=1)) if count > 1 else 0.0
    if mean and not deviation:
        return MatchedPairs(count, mean, None, None)
    z = mean / (deviation / math.sqrt(count)) if mean else 0.0
    return MatchedPairs(count, mean, z, math.erfc(abs(z) / math.sqrt(2)))


def segment_errors(
    first: Alignment, second: Alignment, minimum_correct: int = MINIMUM_CORRECT
) -> list[tuple[int, int]]:
    """Errors of two systems in each segment of a sentence that has any.

    Args:
        first, second: alignments with the same reference.
        minimum_correct: words in a row that both have right where a segment ends.

    >>> from slr_keras.metrics import align
    >>> from slr_keras.metrics.matched_pairs import segment_errors
    >>> reference = "A B C D E".split()
    >>> segment_errors(align(reference, "X B C D".split()), align(reference, reference))
    [(1, 0), (1, 0)]
    """
    if minimum_correct < 1:
        raise ValueError(f"segments end where at least one word is right, not {minimum_correct}")
    found, correct, a, b = [], 0, 0, 0
    slots = zip(slot_errors(first), slot_errors(second), strict=True)
    for (inserted_a, wrong_a), (inserted_b, wrong_b) in slots:
        a += inserted_a + wrong_a
        b += inserted_b + wrong_b
        if inserted_a or inserted_b:
            correct = 0
        correct = 0 if wrong_a or wrong_b else correct + 1
        if correct >= minimum_correct and (a or b):
            found.append((a, b))
            a = b = 0
    return [*found, (a, b)] if a or b else found


def slot_errors(alignment: Alignment) -> list[tuple[int, int]]:
    """For each reference word, words inserted before it and whether it is wrong; at last, after
    the last word, those inserted there.

    >>> from slr_keras.metrics import align
    >>> from slr_keras.metrics.matched_pairs import slot_errors
    >>> slot_errors(align(["A", "B"], ["X", "A", "C"]))
    [(1, 0), (0, 1), (0, 0)]
    """
    slots, inserted = [], 0
    for operation in alignment.operations:
        if operation == "I":
            inserted += 1
        else:
            slots.append((inserted, int(operation != "=")))
            inserted = 0
    return [*slots, (inserted, 0)]
