"""Score a file of hypotheses against a file of references, and report the score."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.metrics.scoring import COSTS, Score, score_transcripts
from slr_keras.metrics.signer_table import signer_table, table_row
from slr_keras.metrics.wer import ErrorCounts
from slr_keras.text.transcript import read_lines
from slr_keras.text.transcripts import detect_format, read_transcripts
from slr_keras.utils.errors import UserError

LEVEL = 0.95


@dataclass(frozen=True)
class FilePair:
    """A file of references and a file of hypotheses.

    Attributes:
        reference, hypothesis: paths.
        reference_format, hypothesis_format: names, of `slr_keras.text.transcripts.FORMATS`.
    """

    reference: Path
    hypothesis: Path
    reference_format: str
    hypothesis_format: str

    @classmethod
    def of(
        cls,
        reference: Path,
        hypothesis: Path,
        format: str | None = None,
        hypothesis_format: str | None = None,
    ) -> "FilePair":
        """Two files; a format that is not given is detected from the extension and the content.

        Args:
            reference, hypothesis: paths.
            format: of both files.
            hypothesis_format: of the hypotheses alone.
        """
        return cls(
            reference,
            hypothesis,
            format or detect_format(reference, read_lines(reference)),
            hypothesis_format or format or detect_format(hypothesis, read_lines(hypothesis)),
        )


@dataclass(frozen=True)
class Report:
    """A score and what the report on it shows.

    Attributes:
        files: that were scored.
        score: of the files.
        clean: name of the clean-up rules; None without clean-up.
        costs: name of the alignment costs.
        case_sensitive: whether case counts.
        per_speaker: shows a table by signer.
        alignments: number of sentences with the most errors that are shown aligned.
        bootstrap: resamples for the confidence interval; 0 for none.
        seed: of the resampling.
    """

    files: FilePair
    score: Score
    clean: str | None = None
    costs: str = "sclite"
    case_sensitive: bool = False
    per_speaker: bool = False
    alignments: int = 0
    bootstrap: int = 1000
    seed: int = 0

    def text(self) -> str:
        """The report as text."""
        files, score = self.files, self.score
        total, sentences = score.total, len(score.sentences)
        lines = [
            f"reference   {files.reference} ({files.reference_format})",
            f"hypothesis  {files.hypothesis} ({files.hypothesis_format})",
            f"clean-up    {self.clean or 'none'}",
            f"costs       {self.costs} {' '.join(f'{cost:g}' for cost in score.costs)} "
            "(substitution, insertion, deletion)",
            "",
            f"WER            {total.wer:8.4f} %{self._interval_text()}",
        ]
        for name in ("substitutions", "insertions", "deletions", "correct"):
            count = getattr(total, name)
            lines.append(f"{name:<14} {total.percent(count):8.4f} %  {count:7d}")
        lines.append(f"words                       {total.references:7d}")
        lines.append(
            f"sentences                   {sentences:7d}  of which {score.sentence_errors} with an "
            f"error ({100 * score.sentence_errors / sentences:.1f} %)"
        )
        if score.levenshtein.errors != total.errors:
            lines.append(
                f"WER at unit costs {score.levenshtein.wer:.4f} % (the fewest errors, as jiwer "
                "counts)"
            )
        if score.missing:
            lines.append(
                f"{len(score.missing)} sentence(s) without hypothesis, counted as empty: "
                + " ".join(score.missing[:5])
                + (" ..." if len(score.missing) > 5 else "")
            )
        if score.ignored:
            lines.append(
                f"{len(score.ignored)} segment(s) that the reference takes out of the scoring"
            )
        if self.per_speaker:
            lines += ["", signer_table(score)]
        for sentence in score.worst(self.alignments):
            lines += ["", _sentence_head(sentence.id, sentence.counts)]
            lines.append(score.alignment(sentence).text())
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        files, score = self.files, self.score
        value: dict[str, Any] = {
            "reference": {"path": str(files.reference), "format": files.reference_format},
            "hypothesis": {"path": str(files.hypothesis), "format": files.hypothesis_format},
            "clean": self.clean,
            "costs": self.costs,
            "case_sensitive": self.case_sensitive,
            **_counts(score.total),
            "sentences": len(score.sentences),
            "sentence_errors": score.sentence_errors,
            "missing": list(score.missing),
            "ignored": list(score.ignored),
            "levenshtein": _counts(score.levenshtein),
        }
        if self.bootstrap:
            low, high = score.interval(LEVEL, self.bootstrap, self.seed)
            value["interval"] = {
                "level": LEVEL,
                "low": low,
                "high": high,
                "resamples": self.bootstrap,
                "seed": self.seed,
            }
        if self.per_speaker:
            # Refuses references without signers, as the text does.
            signer_table(score)
            names = ("sentences", "words", "corr", "sub", "del", "ins", "err", "sent_err")
            value["speakers"] = {
                signer: dict(zip(names, table_row(one)))
                for signer, one in score.by_signer().items()
            }
        if self.alignments:
            value["alignments"] = [
                {
                    "id": sentence.id,
                    **_counts(sentence.counts),
                    "alignment": [list(pair) for pair in score.alignment(sentence).pairs],
                }
                for sentence in score.worst(self.alignments)
            ]
        return value

    def _interval_text(self) -> str:
        if not self.bootstrap:
            return ""
        low, high = self.score.interval(LEVEL, self.bootstrap, self.seed)
        return (
            f"  [{low:.4f}, {high:.4f}] "
            f"({100 * LEVEL:.0f} %, {self.bootstrap} resamples of the sentences)"
        )


def score_files(
    files: FilePair,
    clean: str | None = None,
    costs: str = "sclite",
    case_sensitive: bool = False,
) -> Score:
    """Score the hypotheses of a file.

    Args:
        files: references and hypotheses.
        clean: name of clean-up rules, of `slr_keras.metrics.CLEAN`.
        costs: name of alignment costs, of `slr_keras.metrics.COSTS`.
        case_sensitive: whether case counts.

    Raises:
        UserError: a file is malformed, or the ids do not match; names both files.
    """
    references = read_transcripts(files.reference, files.reference_format, "reference")
    hypotheses = read_transcripts(files.hypothesis, files.hypothesis_format, "hypothesis")
    formats = (files.reference_format, files.hypothesis_format)
    if "text" in formats and len(references) != len(hypotheses):
        # Lines are matched by their number: one missing line would shift all that follow.
        raise UserError(
            f"{files.reference} has {len(references)} sentences and {files.hypothesis} "
            f"{len(hypotheses)} (read as {formats[0]} and {formats[1]}); without ids every line "
            "needs its partner"
        )
    try:
        return score_transcripts(references, hypotheses, clean, COSTS[costs], case_sensitive)
    except UserError as error:
        raise UserError(
            f"{files.hypothesis} ({formats[1]}) against {files.reference} ({formats[0]}): {error}"
        ) from error


def _sentence_head(name: str, counts: ErrorCounts) -> str:
    numbers = (counts.correct, counts.substitutions, counts.deletions, counts.insertions)
    return f"id: {name}  (#C #S #D #I) {' '.join(map(str, numbers))}"


def _counts(counts: ErrorCounts) -> dict[str, float]:
    return {
        "wer": counts.wer,
        "correct": counts.correct,
        "substitutions": counts.substitutions,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "references": counts.references,
    }
