"""The score of isolated signs as JSON, as text for the terminal, and as Markdown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from slr_keras.metrics import KS, Estimate, SignAccuracy
from slr_keras.metrics.isolated.score import SignScore

LISTED = 20
HeadAccuracies = Mapping[str, Mapping[int, float]]
Rows = list[list[str]]


def as_json(score: SignScore, heads: HeadAccuracies | None = None) -> dict[str, Any]:
    """Everything; accuracies and the calibration error in percent.

    Args:
        score: of the prediction.
        heads: accuracies of the model's heads alone.
    """
    return {
        "clips": len(score.signed),
        "vocabulary": len(score.glosses),
        "unknown": score.unknown,
        "groups": {name: _accuracy(found) for name, found in score.accuracies.items()},
        "heads": {name: _by_k(found) for name, found in (heads or {}).items()},
        "calibration": asdict(score.calibration),
        "confusions": [asdict(confusion) for confusion in score.confusions],
    }


def plain_text(score: SignScore) -> str:
    """The accuracies for a terminal."""
    rows = _rows(score)
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:]))
        lines.append("  ".join([f"{first:<{widths[0]}}", *cells]))
    return "\n".join([*lines, *denominators(score)])


def markdown(
    title: str,
    score: SignScore,
    pictures: Mapping[str, str],
    heads: HeadAccuracies | None = None,
    listed: int = LISTED,
) -> str:
    """The report.

    Args:
        title: first heading.
        score: of the prediction.
        pictures: files beside the report, "confusion" and "reliability".
        heads: accuracies of the model's heads alone.
        listed: number of confusions to show.
    """
    lines = [f"# {title}", "", *_table(_rows(score)), ""]
    lines += [f"- {line}" for line in denominators(score)]
    if heads:
        head = ["head", *(f"top-{k} %" for k in KS)]
        body = [[name, *(f"{found[k]:.2f}" for k in KS)] for name, found in heads.items()]
        lines += ["", "## Heads", "", *_table([head, *body])]
    lines += ["", "## Most confused signs", ""]
    if score.confusions:
        rows = [["signed", "named", "clips", "of"]]
        rows += [[c.signed, c.named, str(c.count), str(c.clips)] for c in score.confusions[:listed]]
        lines += [*_table(rows), "", f"![most confused signs]({pictures['confusion']})"]
    else:
        lines += ["None: every clip is named rightly."]
    error = score.calibration.error
    lines += ["", "## Calibration", ""]
    lines += [f"Expected calibration error {error:.2f} % ({len(score.calibration.bins)} bins).", ""]
    lines += [f"![reliability]({pictures['reliability']})"]
    return "\n".join(lines) + "\n"


def denominators(score: SignScore) -> list[str]:
    """What the accuracies are out of, in words."""
    lines = []
    for name, found in score.accuracies.items():
        absent = f"{found.absent} of them without a clip" if found.absent else "each with clips"
        classes = found.classes + found.absent
        lines.append(f"{name}: {found.clips} clips scored, {classes} signs, {absent}")
    if score.unknown:
        clips = sum(score.unknown.values())
        names = ", ".join(sorted(score.unknown)[:LISTED])
        lines.append(f"{clips} clips of signs that the model does not know are misses: {names}")
    return lines


def _rows(score: SignScore) -> Rows:
    interval = "95 % interval"
    rows = [["accuracy", "by clip %", interval, "by class %", interval]]
    for name, found in score.accuracies.items():
        for k in KS:
            pair = found.per_instance[k], found.per_class[k]
            rows.append([f"{name} top-{k}", *(cell for one in pair for cell in _shown(one))])
    return rows


def _shown(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", f"{estimate.low:.2f} to {estimate.high:.2f}"


def _accuracy(found: SignAccuracy) -> dict[str, Any]:
    sizes = {"clips": found.clips, "classes": found.classes, "absent": found.absent}
    kinds = {"per_instance": found.per_instance, "per_class": found.per_class}
    estimates = {
        kind: _by_k({k: asdict(estimate) for k, estimate in by_k.items()})
        for kind, by_k in kinds.items()
    }
    return {**sizes, **estimates}


def _by_k(values: Mapping[int, Any]) -> dict[str, Any]:
    return {f"top_{k}": value for k, value in values.items()}


def _table(rows: Rows) -> list[str]:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    ruler = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(row) + " |" for row in (head, ruler, *body)]
