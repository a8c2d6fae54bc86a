"""Scoring of hypotheses: matching by id, clean-up, totals, scores per signer, intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from slr_keras.metrics.alignment import LEVENSHTEIN, SCLITE, Alignment, align
from slr_keras.metrics.sentence import CLEAN, SentenceScore, folded, place, score_sentence
from slr_keras.metrics.wer import ErrorCounts, bootstrap_interval, jiwer_counts
from slr_keras.text.transcript import Transcript
from slr_keras.utils.errors import UserError

COSTS = {"sclite": SCLITE, "levenshtein": LEVENSHTEIN}
"""Alignment costs by name."""

_EXAMPLES = 3


@dataclass(frozen=True)
class Score:
    """Result of `score_transcripts`.

    Attributes:
        sentences: in the order of the references.
        missing: ids without a hypothesis; they count as empty hypotheses.
        ignored: ids of segments that the references take out of the scoring.
        costs: of substitution, insertion, deletion.
        case_sensitive: whether upper and lower case were distinguished.
    """

    sentences: tuple[SentenceScore, ...]
    missing: tuple[str, ...] = ()
    costs: tuple[float, float, float] = SCLITE
    case_sensitive: bool = False
    ignored: tuple[str, ...] = ()

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
        fold = folded(self.case_sensitive)
        plain = [sentence for sentence in self.sentences if sentence.unit_counts is None]
        counts = jiwer_counts(
            [fold(sentence.reference) for sentence in plain],
            [fold(sentence.hypothesis) for sentence in plain],
        )
        return sum((s.unit_counts for s in self.sentences if s.unit_counts is not None), counts)

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
        if sentence.alignment is not None:
            return sentence.alignment
        fold = folded(self.case_sensitive)
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
    ignored = tuple(name for name, transcript in references.items() if transcript.ignored)
    _require_same_ids(references, hypotheses)
    sentences = []
    for name, transcript in references.items():
        if name in ignored:
            continue
        hypothesis = hypotheses.get(name, Transcript(name, ()))
        if hypothesis.ignored:
            raise UserError(
                f"{place(hypothesis)} is to be ignored in the hypotheses and scored in the "
                "references; make both alike"
            )
        sentences.append(score_sentence(transcript, hypothesis, clean, costs, case_sensitive))
    missing = tuple(s.id for s in sentences if s.id not in hypotheses)
    score = Score(tuple(sentences), missing, costs, case_sensitive, ignored)
    if not score.total.references:
        raise UserError("the references hold no gloss at all; there is no word error rate")
    return score


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
