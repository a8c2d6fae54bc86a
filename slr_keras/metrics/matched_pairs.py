"""Matched-pairs sentence-segment word error test (MAPSSWE), as in NIST's sc_stats."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.metrics.alignment import Alignment, align

MINIMUM_CORRECT = 2
"""Words that both systems recognise correctly between two segments, as in sc_stats."""


@dataclass(frozen=True)
class MatchedPairs:
    """Result of the test.

    Attributes:
        segments: number of segments, each with an error of at least one system.
        mean: errors of the second system minus those of the first, per segment.
        z: mean divided by its standard error; None if all segments have the same difference, so
            that the standard error is 0 (sc_stats reports z = 0).
        p_value: two-sided, normal approximation; None if `z` is. The approximation needs about
            50 segments or more.
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

    Sentences are cut into segments wherever both systems recognise `minimum_correct` consecutive
    words correctly, and at sentence ends. The test assumes that errors of different segments are
    independent and that the mean difference of errors per segment is normally distributed.

    Args:
        references: reference of each sentence.
        first, second: hypotheses of both systems for the same sentences.
        minimum_correct: words between segments, at least 1.

    Raises:
        ValueError: the numbers of references and hypotheses differ.

    >>> from slr_keras.metrics import matched_pairs
    >>> references = ["A B C D E F".split()] * 30
    >>> first, second = ["A X C D E X".split()] * 30, ["A B C D E F".split(), "A X".split()] * 15
    >>> result = matched_pairs(references, first, second)
    >>> result.segments, round(result.mean, 2), result.p_value < 0.05
    (45, 0.33, False)
    """
    differences = []
    for reference, one, other in zip(references, first, second, strict=True):
        pair = align(reference, one), align(reference, other)
        differences += [b - a for a, b in segment_errors(*pair, minimum_correct)]
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
    """Count the errors of two systems in each segment of a sentence that has errors.

    Args:
        first, second: alignments with the same reference.
        minimum_correct: consecutive words, correct in both, that end a segment.

    >>> from slr_keras.metrics import align
    >>> from slr_keras.metrics.matched_pairs import segment_errors
    >>> reference = "A B C D E".split()
    >>> segment_errors(align(reference, "X B C D".split()), align(reference, reference))
    [(1, 0), (1, 0)]
    """
    if minimum_correct < 1:
        raise ValueError(f"minimum_correct is {minimum_correct}; it must be at least 1")
    segments, correct, a, b = [], 0, 0, 0
    slots = zip(slot_errors(first), slot_errors(second), strict=True)
    for (inserted_a, wrong_a), (inserted_b, wrong_b) in slots:
        a += inserted_a + wrong_a
        b += inserted_b + wrong_b
        if inserted_a or inserted_b:
            correct = 0
        correct = 0 if wrong_a or wrong_b else correct + 1
        if correct >= minimum_correct and (a or b):
            segments.append((a, b))
            a = b = 0
    return [*segments, (a, b)] if a or b else segments


def slot_errors(alignment: Alignment) -> list[tuple[int, int]]:
    """Count errors per reference word: words inserted before the word, and 1 if the word is wrong.

    The last entry counts the words inserted after the last reference word.

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
