"""Scores of two runs on the same sentences, and tests of their difference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from slr_keras.comparison.recognised import Recognised
from slr_keras.metrics import (
    ErrorCounts,
    MatchedPairs,
    PairedBootstrap,
    bootstrap_interval,
    count_errors,
    matched_pairs,
    paired_bootstrap,
)

Words = tuple[str, ...]


@dataclass(frozen=True)
class ComparedSentence:
    """A sentence with the hypotheses of two runs.

    Attributes:
        id, signer: of the sample.
        reference: reference glosses.
        glosses: hypotheses of A and B.
        counts: error counts of A and B.
    """

    id: str
    signer: str
    reference: Words
    glosses: tuple[Words, Words]
    counts: tuple[ErrorCounts, ErrorCounts]

    @property
    def change(self) -> int:
        """Errors of B minus errors of A."""
        return self.counts[1].errors - self.counts[0].errors


@dataclass(frozen=True)
class Comparison:
    """Two runs, A and B, on the same sentences.

    >>> from slr_keras.comparison import ComparedSentence, Comparison
    >>> from slr_keras.metrics import count_errors
    >>> rain, snow = ("RAIN",), ("SNOW",)
    >>> pair = count_errors(rain, snow), count_errors(rain, rain)
    >>> comparison = Comparison((ComparedSentence("a", "", rain, (snow, rain), pair),) * 9)
    >>> comparison.difference.difference, comparison.outcomes
    (-100.0, (0, 0, 9))
    """

    sentences: tuple[ComparedSentence, ...]

    @classmethod
    def of(cls, first: Recognised, second: Recognised) -> "Comparison":
        """Pair the sentences of two runs by id, in the order of the first."""
        rows = {sample.id: row for row, sample in enumerate(second.manifest)}
        sentences = []
        for row, sample in enumerate(first.manifest):
            reference = first.references[row]
            pair = first.glosses[row], second.glosses[rows[sample.id]]
            counts = tuple(count_errors(reference, glosses) for glosses in pair)
            sentences.append(ComparedSentence(sample.id, sample.signer, reference, pair, counts))
        return cls(tuple(sentences))

    @cached_property
    def totals(self) -> tuple[ErrorCounts, ErrorCounts]:
        """Error counts of A and of B over all sentences."""
        return tuple(sum(column, ErrorCounts()) for column in self._columns)

    @cached_property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """95 % bootstrap intervals of both WERs, in percent."""
        return tuple(bootstrap_interval(column) for column in self._columns)

    @cached_property
    def difference(self) -> PairedBootstrap:
        """WER of B minus WER of A in percent, with 95 % interval and p-value."""
        errors = [[counts.errors for counts in column] for column in self._columns]
        words = [len(sentence.reference) for sentence in self.sentences]
        test = paired_bootstrap(*errors, words)
        percent = {name: 100 * getattr(test, name) for name in ("difference", "low", "high")}
        return replace(test, **percent)

    @cached_property
    def matched_pairs(self) -> MatchedPairs:
        """The matched-pairs sentence-segment word error test."""
        references = [sentence.reference for sentence in self.sentences]
        glosses = zip(*(sentence.glosses for sentence in self.sentences))
        return matched_pairs(references, *glosses)

    @property
    def outcomes(self) -> tuple[int, int, int]:
        """Numbers of sentences with fewer errors of A, equally many errors, fewer errors of B."""
        changes = [sentence.change for sentence in self.sentences]
        return sum(c > 0 for c in changes), changes.count(0), sum(c < 0 for c in changes)

    def by_signer(self) -> dict[str, "Comparison"]:
        """Compute a comparison for each signer with reference glosses, ordered by name."""
        groups: dict[str, list[ComparedSentence]] = {}
        for sentence in self.sentences:
            groups.setdefault(sentence.signer, []).append(sentence)
        return {
            signer: Comparison(tuple(groups[signer]))
            for signer in sorted(groups)
            if any(sentence.reference for sentence in groups[signer])
        }

    def most_different(self, number: int | None = None) -> list[ComparedSentence]:
        """Return the sentences with different hypotheses, largest difference of errors first.

        Sentences with the same difference are ordered by the edit distance of the hypotheses.

        Args:
            number: maximum number of sentences; None for all.
        """
        differ = [sentence for sentence in self.sentences if len(set(sentence.glosses)) > 1]
        differ.sort(key=lambda s: (-abs(s.change), -_distance(s.glosses)))
        return differ[:number]

    @property
    def _columns(self) -> Sequence[tuple[ErrorCounts, ...]]:
        return list(zip(*(sentence.counts for sentence in self.sentences)))


def _distance(pair: tuple[Words, Words]) -> int:
    return count_errors(*pair).errors
