"""Scoring of hypotheses: matching by id, clean-up, totals, scores per signer, intervals."""

import statistics
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from slr_keras.metrics.alignment import LEVENSHTEIN, SCLITE, Alignment, align
from slr_keras.metrics.wer import ErrorCounts, bootstrap_interval, count_errors, jiwer_counts
from slr_keras.text.phoenix import (
    clean_phoenix2014,
    clean_phoenix2014t,
    clean_phoenix_hypothesis,
)
from slr_keras.text.transcript import Transcript
from slr_keras.utils.errors import UserError

COSTS = {"sclite": SCLITE, "levenshtein": LEVENSHTEIN}
"""Alignment costs by name."""

_Clean = Callable[[tuple[str, ...]], tuple[str, ...]]
CLEAN: dict[str, tuple[_Clean | None, _Clean]] = {
    "phoenix2014": (clean_phoenix2014, clean_phoenix2014),
    "phoenix2014t": (clean_phoenix2014t, clean_phoenix2014t),
    "phoenix": (None, clean_phoenix_hypothesis),
}
"""Clean-up rules by name: for references, for hypotheses."""

_EXAMPLES = 3


@dataclass(frozen=True)
class SentenceScore:
    """One sentence: reference and hypothesis after clean-up, and the counts."""

    id: str
    signer: str
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]
    counts: ErrorCounts


@dataclass(frozen=True)
class Score:
    """Result of `score_transcripts`.

    Attributes:
        sentences: in the order of the references.
        missing: ids without a hypothesis; they count as empty hypotheses.
        costs: of substitution, insertion, deletion.
        case_sensitive: whether upper and lower case were distinguished.
    """

    sentences: tuple[SentenceScore, ...]
    missing: tuple[str, ...] = ()
    costs: tuple[float, float, float] = SCLITE
    case_sensitive: bool = False

    @cached_property
    def total(self) -> ErrorCounts:
        """Counts over all sentences."""
        return sum((sentence.counts for sentence in self.sentences), ErrorCounts())

    @property
    def wer(self) -> float:
        """Word error rate in percent."""
        return self.total.wer

    @property
    def sentence_errors(self) -> int:
        """Sentences with at least one error."""
        return sum(sentence.counts.errors > 0 for sentence in self.sentences)

    @cached_property
    def levenshtein(self) -> ErrorCounts:
        """Counts at unit costs (minimum number of errors), computed by jiwer."""
        fold = _fold(self.case_sensitive)
        return jiwer_counts(
            [fold(sentence.reference) for sentence in self.sentences],
            [fold(sentence.hypothesis) for sentence in self.sentences],
        )

    def interval(
        self, level: float = 0.95, resamples: int = 1000, seed: int = 0
    ) -> tuple[float, float]:
        """Compute the bootstrap confidence interval of the word error rate, in percent."""
        counts = [sentence.counts for sentence in self.sentences]
        return bootstrap_interval(counts, level, resamples, seed)

    def by_signer(self) -> dict[str, "Score"]:
        """Compute a score for each signer, ordered by name."""
        groups: dict[str, list[SentenceScore]] = {}
        for sentence in self.sentences:
            groups.setdefault(sentence.signer, []).append(sentence)
        return {
            signer: Score(tuple(groups[signer]), (), self.costs, self.case_sensitive)
            for signer in sorted(groups)
        }

    def worst(self, number: int) -> list[SentenceScore]:
        """Return the sentences with most errors; of equal ones the shorter reference first."""
        wrong = [sentence for sentence in self.sentences if sentence.counts.errors]
        wrong.sort(key=lambda s: (-s.counts.errors, s.counts.references))
        return wrong[:number]

    def alignment(self, sentence: SentenceScore) -> Alignment:
        """Return the alignment of a sentence, with the words as written."""
        fold = _fold(self.case_sensitive)
        pairs = align(fold(sentence.reference), fold(sentence.hypothesis), *self.costs).pairs
        reference, hypothesis = iter(sentence.reference), iter(sentence.hypothesis)
        return Alignment(
            tuple(
                pair._replace(
                    reference=None if pair.operation == "I" else next(reference),
                    hypothesis=None if pair.operation == "D" else next(hypothesis),
                )
                for pair in pairs
            )
        )


def score_transcripts(
    references: Mapping[str, Transcript],
    hypotheses: Mapping[str, Transcript],
    clean: str | None = None,
    costs: tuple[float, float, float] = SCLITE,
    case_sensitive: bool = False,
) -> Score:
    """Compare hypotheses with references of the same id.

    Args:
        references: by id.
        hypotheses: by id; a missing id counts as an empty hypothesis.
        clean: a name of `CLEAN`, or None.
        costs: of a substitution, an insertion, a deletion.
        case_sensitive: False ignores case, as sclite does by default. Composed and decomposed
            forms of an accented letter are always equal.

    Raises:
        UserError: no id in common, an id that is not among the references, or references without
            any word.

    >>> from slr_keras.metrics import Transcript, score_transcripts
    >>> references = {"c1": Transcript("c1", ("IX", "NORD")), "c2": Transcript("c2", ("REGEN",))}
    >>> score = score_transcripts(references, {"c1": Transcript("c1", ("IX", "SUED"))})
    >>> score.missing, score.total.substitutions, score.total.deletions
    (('c2',), 1, 1)
    """
    if clean is not None and clean not in CLEAN:
        raise UserError(f"clean-up {clean!r} is unknown; known are {', '.join(CLEAN)}")
    _require_same_ids(references, hypotheses)
    clean_reference, clean_hypothesis = CLEAN.get(clean, (None, None))
    fold = _fold(case_sensitive)
    sentences = []
    for name, transcript in references.items():
        reference = tuple(transcript.glosses)
        hypothesis = tuple(hypotheses[name].glosses) if name in hypotheses else ()
        if clean_reference:
            reference = clean_reference(reference)
        if clean_hypothesis:
            hypothesis = clean_hypothesis(hypothesis)
        counts = count_errors(fold(reference), fold(hypothesis), costs)
        sentences.append(SentenceScore(name, transcript.signer, reference, hypothesis, counts))
    missing = tuple(name for name in references if name not in hypotheses)
    score = Score(tuple(sentences), missing, costs, case_sensitive)
    if not score.total.references:
        raise UserError("the references hold no gloss at all; there is no word error rate")
    return score


def signer_table(score: Score, title: str = "") -> str:
    """Format percentages for each signer in the layout of sclite.

    Columns: sentences, reference words, then correct words, substitutions, deletions, insertions
    and all errors in percent of the reference words, and sentences with an error in percent.

    Raises:
        UserError: the references have no signers.

    >>> from slr_keras.metrics import Transcript, score_transcripts, signer_table
    >>> references = {"c1": Transcript("c1", ("A", "B"), "s01")}
    >>> print(signer_table(score_transcripts(references, {"c1": Transcript("c1", ("A",))})))
    | SPKR    | # Snt # Wrd |  Corr   Sub   Del   Ins   Err S.Err |
    |---------+-------------+-------------------------------------|
    | s01     |     1     2 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    |=========+=============+=====================================|
    | Sum/Avg |     1     2 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    |=========+=============+=====================================|
    | Mean    |   1.0   2.0 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    | S.D.    |   0.0   0.0 |   0.0   0.0   0.0   0.0   0.0   0.0 |
    | Median  |   1.0   2.0 |  50.0   0.0  50.0   0.0  50.0 100.0 |
    """
    signers = score.by_signer()
    if not any(signers):
        raise UserError(
            "the references name no signer; a table by signer needs STM, or a CSV or JSONL with "
            "a column signer or speaker"
        )
    rows = {signer or "(none)": table_row(one) for signer, one in signers.items()}
    columns = list(zip(*rows.values()))
    spread = {
        "Mean": [statistics.fmean(column) for column in columns],
        "S.D.": [statistics.stdev(c) if len(c) > 1 else 0.0 for c in columns],
        "Median": [float(statistics.median(column)) for column in columns],
    }
    wide = max(7, *map(len, rows))
    # Means have a decimal.
    count = max(5, len(str(max(score.total.references, len(score.sentences)))) + 2)
    head = f"| {'SPKR':<{wide}} | {'# Snt':>{count}} {'# Wrd':>{count}} | "
    head += " ".join(f"{name:>5}" for name in ("Corr", "Sub", "Del", "Ins", "Err", "S.Err")) + " |"
    lines = [head, _rule(head, "-")]
    lines += [_table_line(name, row, wide, count) for name, row in rows.items()]
    lines += [_rule(head, "="), _table_line("Sum/Avg", table_row(score), wide, count)]
    lines += [_rule(head, "=")]
    lines += [_table_line(name, row, wide, count) for name, row in spread.items()]
    return "\n".join([title, *lines] if title else lines)


def table_row(score: Score) -> tuple[float, ...]:
    """Return sentences, words, then percent correct, sub, del, ins, errors, sentence errors."""
    total, sentences = score.total, len(score.sentences)
    parts = (total.correct, total.substitutions, total.deletions, total.insertions, total.errors)
    percentages = [total.percent(part) for part in parts]
    return (sentences, total.references, *percentages, 100 * score.sentence_errors / sentences)


def _table_line(name: str, row: Sequence[float], wide: int, count: int) -> str:
    numbers = (f"{n:{count}d}" if isinstance(n, int) else f"{n:{count}.1f}" for n in row[:2])
    percentages = " ".join(f"{percent:5.1f}" for percent in row[2:])
    return f"| {name:<{wide}} | {' '.join(numbers)} | {percentages} |"


def _rule(head: str, mark: str) -> str:
    return "|" + "+".join(mark * len(cell) for cell in head.strip("|").split("|")) + "|"


def _fold(case_sensitive: bool) -> Callable[[Sequence[str]], list[str]]:
    # The same letter may be composed or decomposed in Unicode, which no reader sees.
    def fold(words: Sequence[str]) -> list[str]:
        words = [unicodedata.normalize("NFC", word) for word in words]
        return words if case_sensitive else [word.lower() for word in words]

    return fold


def _require_same_ids(
    references: Mapping[str, Transcript], hypotheses: Mapping[str, Transcript]
) -> None:
    unknown = [name for name in hypotheses if name not in references]
    if not unknown and hypotheses:
        return
    ours, theirs = quoted_examples(list(references)), quoted_examples(unknown)
    if len(unknown) < len(hypotheses):
        raise UserError(
            f"{len(unknown)} of {len(hypotheses)} hypotheses have an id that the references "
            f"lack: {theirs}; score them against their own references or remove them"
        )
    hint = ""
    for change, why in (
        (str.lower, "only upper and lower case differ"),
        (lambda name: name.rsplit("/", 1)[-1], "only folders before the id differ"),
        (lambda name: name.split("/", 1)[0], "only what follows the first / differs"),
        (lambda name: name.rsplit(".", 1)[0], "only the extension differs"),
    ):
        if {change(name) for name in references} & {change(name) for name in hypotheses}:
            hint = f" ({why})"
            break
    raise UserError(
        f"no id of the hypotheses is in the references{hint}: hypotheses have {theirs or 'none'}, "
        f"references have {ours}; give both the same ids"
    )


def quoted_examples(names: Sequence[str]) -> str:
    """Quote the first names for an error message, and count the others.

    >>> from slr_keras.metrics.scoring import quoted_examples
    >>> quoted_examples(["a", "b", "c", "d"])
    "'a', 'b', 'c' and 1 more"
    """
    shown = ", ".join(map(repr, names[:_EXAMPLES]))
    return shown + (f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else "")
