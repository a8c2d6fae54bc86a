"""Word error rate: counts of correct, substituted, inserted and deleted words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slr_keras.metrics.alignment import SCLITE, operations
from slr_keras.metrics.bootstrap import bootstrap_ratio

Words = Sequence[str] | str


@dataclass(frozen=True)
class ErrorCounts:
    """Error counts of one or several sentences; counts add with `+` and `sum`.

    >>> from slr_keras.metrics import ErrorCounts
    >>> counts = ErrorCounts(correct=3, substitutions=1, insertions=1, deletions=0, references=4)
    >>> counts.errors, counts.wer
    (2, 50.0)
    """

    correct: int = 0
    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    references: int = 0

    def __post_init__(self) -> None:
        if self.correct + self.substitutions + self.deletions != self.references:
            raise ValueError(f"reference words are correct, substituted or deleted: {self}")

    @classmethod
    def of(cls, operations: str) -> "ErrorCounts":
        """Count the steps of an alignment, one character of "=SID" each.

        >>> from slr_keras.metrics import ErrorCounts
        >>> ErrorCounts.of("=IS=").wer
        66.66666666666667
        """
        correct, substitutions, insertions, deletions = map(operations.count, "=SID")
        references = correct + substitutions + deletions
        return cls(correct, substitutions, insertions, deletions, references)

    @property
    def errors(self) -> int:
        """Substitutions, insertions and deletions."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def wer(self) -> float:
        """Word error rate in percent of the reference words; may exceed 100.

        Without reference words: 0 if nothing was inserted, else infinite.
        """
        return self.percent(self.errors)

    def percent(self, count: int) -> float:
        """A count in percent of the reference words."""
        if self.references:
            return 100 * count / self.references
        return float("inf") if count else 0.0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.correct + other.correct,
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.references + other.references,
        )

    def __radd__(self, other: int) -> "ErrorCounts":
        # `sum` starts from 0.
        return self if other == 0 else NotImplemented


def count_errors(
    reference: Words, hypothesis: Words, costs: tuple[float, float, float] = SCLITE
) -> ErrorCounts:
    """Count the errors in one sentence.

    Args:
        reference, hypothesis: words, or a string of words separated by spaces.
        costs: of a substitution, an insertion, a deletion.

    >>> from slr_keras.metrics import count_errors
    >>> count_errors("A B C D E", "C D E X Y").wer
    80.0
    """
    reference, hypothesis = _words(reference), _words(hypothesis)
    return ErrorCounts.of(operations(reference, hypothesis, *costs))


def sentence_counts(
    references: Iterable[Words],
    hypotheses: Iterable[Words],
    costs: tuple[float, float, float] = SCLITE,
) -> list[ErrorCounts]:
    """Count the errors in each sentence.

    Raises:
        ValueError: the numbers of references and hypotheses differ.

    >>> from slr_keras.metrics import sentence_counts
    >>> [counts.errors for counts in sentence_counts(["A B", "C"], ["A", "C"])]
    [1, 0]
    """
    references, hypotheses = list(references), list(hypotheses)
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references but {len(hypotheses)} hypotheses")
    return [count_errors(r, h, costs) for r, h in zip(references, hypotheses)]


def word_error_rate(
    references: Iterable[Words],
    hypotheses: Iterable[Words],
    costs: tuple[float, float, float] = SCLITE,
) -> ErrorCounts:
    """Count the errors over all sentences; `.wer` is the word error rate in percent.

    The costs determine the alignment; the rate counts every error once. With sclite's costs
    (the default; docs/papers/stark.md §2.4) the count can exceed the edit distance, because
    deleting and inserting four words (24) is cheaper than substituting seven (28). Pass
    `slr_keras.metrics.LEVENSHTEIN` for the minimum number of errors, as in jiwer.

    >>> from slr_keras.metrics import word_error_rate
    >>> word_error_rate(["A B C D", "A B"], ["A C D", "A B C"]).wer
    33.33333333333333...
    """
    return sum(sentence_counts(references, hypotheses, costs), ErrorCounts())


def jiwer_counts(references: Iterable[Words], hypotheses: Iterable[Words]) -> ErrorCounts:
    """Count the errors at unit costs with the library jiwer, as an independent check.

    >>> from slr_keras.metrics import jiwer_counts
    >>> jiwer_counts(["A B C D"], ["A C D"]).deletions
    1
    """
    import jiwer

    numbers: dict[str, int] = {}

    def text(sentence: Words) -> str:
        # jiwer splits strings at spaces, and a gloss may contain a space: words become numbers.
        return " ".join(str(numbers.setdefault(word, len(numbers))) for word in _words(sentence))

    reference_texts, hypothesis_texts = list(map(text, references)), list(map(text, hypotheses))
    if not reference_texts:
        return ErrorCounts()
    output = jiwer.process_words(reference_texts, hypothesis_texts)
    hits, substitutions, deletions = output.hits, output.substitutions, output.deletions
    return ErrorCounts(
        hits, substitutions, output.insertions, deletions, hits + substitutions + deletions
    )


def bootstrap_interval(
    counts: Sequence[ErrorCounts],
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the confidence interval of the word error rate in percent from sentence counts.

    Other arguments and errors as for `bootstrap_ratio`.

    >>> from slr_keras.metrics import bootstrap_interval, sentence_counts
    >>> counts = sentence_counts(["A B"] * 40, ["A B", "A C"] * 20)
    >>> low, high = bootstrap_interval(counts)
    >>> low < 25 < high
    True
    """
    low, high = bootstrap_ratio(
        [sentence.errors for sentence in counts],
        [sentence.references for sentence in counts],
        level,
        resamples,
        seed,
    )
    return 100 * low, 100 * high


def _words(sentence: Words) -> Sequence[str]:
    return sentence.split() if isinstance(sentence, str) else sentence
