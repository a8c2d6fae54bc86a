"""Result of a validation: findings, a summary per split, and the report."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any

from slr_keras.utils.errors import UserError

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """One problem: its location, a description, and advice.

    Attributes:
        severity: "error" (training or scoring would fail or give misleading results) or "warning".
        kind: short name of the check.
        sample: id of the sample; empty if the finding concerns a file.
        where: file and line.
        what: description of the problem.
        advice: how to solve the problem.
    """

    severity: str
    kind: str
    sample: str
    where: str
    what: str
    advice: str

    def __str__(self) -> str:
        sample = f"sample {self.sample!r}: " if self.sample else ""
        return f"{self.severity}: {self.where}: {sample}{self.what}; {self.advice} [{self.kind}]"


@dataclass(frozen=True)
class SplitSummary:
    """Counts of one split.

    Attributes:
        frames_min, frames_mean, frames_max, frames_total: lengths in frames.
        glosses: running glosses.
        distinct_glosses: distinct glosses.
        unknown_glosses: distinct glosses that are not in the vocabulary.
        infeasible: clips too short for CTC to align their glosses.
        missing_share: fraction of the model's points that are missing before gaps are filled, 0 to
            1; None if keypoints were not read.
        non_finite: points with NaN or infinite values that are not marked as missing; None if
            keypoints were not read.
    """

    samples: int
    frames_total: int
    frames_min: int
    frames_mean: float
    frames_max: int
    glosses: int
    distinct_glosses: int
    unknown_glosses: int
    signers: int
    empty: int
    infeasible: int
    missing_share: float | None
    non_finite: int | None


@dataclass(frozen=True)
class Report:
    """Report of the validation of a data folder.

    Attributes:
        folder: the folder.
        splits: summary of each split.
        shared: pair of splits, such as "train/dev" → number of signers and sentences in both.
        findings: findings, in the order of the checks.
    """

    folder: str
    splits: dict[str, SplitSummary]
    shared: dict[str, dict[str, int]]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are warnings."""
        return tuple(finding for finding in self.findings if finding.severity == WARNING)

    def require_sound(self) -> None:
        """Refuse a folder with errors.

        Raises:
            UserError: there are errors; gives the first one and the number of further errors.
        """
        if self.errors:
            more = len(self.errors) - 1
            first = str(self.errors[0]).removeprefix(f"{ERROR}: ")
            raise UserError(f"{first}{f' (and {more} more errors)' * bool(more)}")

    def to_json(self) -> dict[str, Any]:
        """Convert the report to JSON values."""
        return {**dataclasses.asdict(self), "errors": len(self.errors)}

    def lines(self, per_kind: int = 5) -> list[str]:
        """Format the report as text: a table, overlaps between splits, and the findings.

        Args:
            per_kind: largest number of findings to show of each kind; the others are counted.
        """
        lines = _table(self.splits)
        for pair, counts in self.shared.items():
            lines.append(
                f"{pair} share {counts['signers']} signers, {counts['sentences']} sentences"
            )
        shown: Counter[str] = Counter()
        for finding in self.findings:
            shown[finding.kind] += 1
            if shown[finding.kind] <= per_kind:
                lines.append(str(finding))
        for kind, count in shown.items():
            if count > per_kind:
                lines.append(f"... and {count - per_kind} more [{kind}]")
        lines.append(f"{len(self.errors)} errors, {len(self.warnings)} warnings")
        return lines


def _table(splits: dict[str, SplitSummary]) -> list[str]:
    header = [
        "split", "clips", "frames", "min", "mean", "max", "glosses", "distinct", "unknown",
        "signers", "empty", "infeasible", "missing", "non-finite",
    ]  # fmt: skip
    rows = [header]
    for split, s in splits.items():
        rows.append(
            [split]
            + [f"{n:,}" for n in (s.samples, s.frames_total, s.frames_min)]
            + [f"{s.frames_mean:,.1f}"]
            + [f"{n:,}" for n in (s.frames_max, s.glosses, s.distinct_glosses, s.unknown_glosses)]
            + [f"{n:,}" for n in (s.signers, s.empty, s.infeasible)]
            + ["-" if s.missing_share is None else f"{s.missing_share:.1%}"]
            + ["-" if s.non_finite is None else f"{s.non_finite:,}"]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        for row in rows
    ]
