"""Scoring of one sentence: clean-up, alternatives, counts."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slr_keras.metrics.alignment import LEVENSHTEIN, Alignment
from slr_keras.metrics.network import align_words
from slr_keras.metrics.wer import ErrorCounts, count_errors
from slr_keras.text.nist_words import Words, has_choices
from slr_keras.text.phoenix import (
    clean_phoenix2014,
    clean_phoenix2014t,
    clean_phoenix_hypothesis,
)
from slr_keras.text.transcript import Transcript
from slr_keras.utils.errors import UserError

_Clean = Callable[[tuple[str, ...]], tuple[str, ...]]
CLEAN: dict[str, tuple[_Clean | None, _Clean]] = {
    "phoenix2014": (clean_phoenix2014, clean_phoenix2014),
    "phoenix2014t": (clean_phoenix2014t, clean_phoenix2014t),
    "phoenix": (None, clean_phoenix_hypothesis),
}
"""Clean-up rules by name: for references, for hypotheses."""


@dataclass(frozen=True)
class SentenceScore:
    """One sentence: reference and hypothesis after clean-up, and the counts.

    Attributes:
        id, signer: of the sentence.
        reference, hypothesis: words; of a sentence with alternatives those that were chosen.
        counts: of the errors.
        alignment: of a sentence with alternatives; None for others, which are aligned on demand.
        unit_counts: errors of a sentence with alternatives at unit costs; None for others.
    """

    id: str
    signer: str
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]
    counts: ErrorCounts
    alignment: Alignment | None = None
    unit_counts: ErrorCounts | None = None


def score_sentence(
    reference: Transcript,
    hypothesis: Transcript,
    clean: str | None,
    costs: tuple[float, float, float],
    case_sensitive: bool,
) -> SentenceScore:
    """Clean a hypothesis and its reference, align them and count the errors.

    Args:
        reference, hypothesis: of one id.
        clean: a name of `CLEAN`, or None.
        costs: of a substitution, an insertion, a deletion.
        case_sensitive: whether case counts.

    Raises:
        UserError: clean-up of a sentence with alternatives; names line and sentence.

    >>> from slr_keras.metrics.sentence import score_sentence
    >>> from slr_keras.text.transcript import Transcript
    >>> reference, hypothesis = Transcript("c1", ("A", "B")), Transcript("c1", ("a",))
    >>> score_sentence(reference, hypothesis, None, (4, 3, 3), False).counts.deletions
    1
    """
    marked = [one for one in (reference, hypothesis) if has_choices(one.words)]
    if marked and clean is not None:
        raise UserError(
            f"{place(marked[0])} has alternatives or @, which the clean-up {clean!r} cannot "
            "clean; score without --clean, or write one alternative"
        )
    about = (reference.id, reference.signer)
    if marked:
        return _score_choices(about, reference.scored, hypothesis.scored, costs, case_sensitive)
    fold = folded(case_sensitive)
    clean_reference, clean_hypothesis = CLEAN.get(clean, (None, None))
    ours, theirs = tuple(reference.scored), tuple(hypothesis.scored)
    ours = clean_reference(ours) if clean_reference else ours
    theirs = clean_hypothesis(theirs) if clean_hypothesis else theirs
    return SentenceScore(*about, ours, theirs, count_errors(fold(ours), fold(theirs), costs))


def _score_choices(
    about: tuple[str, str],
    reference: Words,
    hypothesis: Words,
    costs: tuple[float, float, float],
    case_sensitive: bool,
) -> SentenceScore:
    def fold(word: str) -> str:
        return folded(case_sensitive)([word])[0]

    alignment = align_words(reference, hypothesis, *costs, fold)
    unit = align_words(reference, hypothesis, *LEVENSHTEIN, fold)
    words = (
        tuple(word for pair in alignment.pairs if (word := pair[side]) is not None)
        for side in (1, 2)
    )
    counts, unit_counts = (ErrorCounts.of(one.operations) for one in (alignment, unit))
    return SentenceScore(*about, *words, counts, alignment, unit_counts)


def place(transcript: Transcript) -> str:
    """Line and id of a sentence, for messages."""
    return f"line {transcript.line}: sentence {transcript.id!r}"


def folded(case_sensitive: bool) -> Callable[[Sequence[str]], list[str]]:
    """Make a function that gives words a form in which equal words have equal characters."""

    # The same letter may be composed or decomposed in Unicode, which no reader sees.
    def fold(words: Sequence[str]) -> list[str]:
        words = [unicodedata.normalize("NFC", word) for word in words]
        return words if case_sensitive else [word.lower() for word in words]

    return fold
