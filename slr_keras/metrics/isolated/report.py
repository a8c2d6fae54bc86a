"""Report of isolated sign recognition as JSON, as plain text and as Markdown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from slr_keras.metrics import KS, Estimate, SignAccuracy
from slr_keras.metrics.isolated.score import SignScore
from slr_keras.metrics.markdown import Rows, markdown_table

LISTED = 20
HeadAccuracies = Mapping[str, Mapping[int, float]]


def as_json(score: SignScore, heads: HeadAccuracies | None = None) -> dict[str, Any]:
    """Return the whole score; accuracies and the calibration error are in percent.

    Args:
        score: of the ensemble.
        heads: accuracies of the single heads.
    """
    return {
        "clips": len(score.signed),
        "vocabulary": len(score.glosses),
        "unknown": score.unknown,
        "groups": {name: _accuracy(accuracy) for name, accuracy in score.accuracies.items()},
        "heads": {name: _by_k(accuracies) for name, accuracies in (heads or {}).items()},
        "calibration": asdict(score.calibration),
        "confusions": [asdict(confusion) for confusion in score.confusions],
    }


def plain_text(score: SignScore) -> str:
    """Format the accuracies for a terminal."""
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
    """Format the report as Markdown.

    Args:
        title: first heading.
        score: of the ensemble.
        pictures: image files beside the report, "confusion" and "reliability".
        heads: accuracies of the single heads.
        listed: number of confusions to list.
    """
    lines = [f"# {title}", "", *markdown_table(_rows(score)), ""]
    lines += [f"- {line}" for line in denominators(score)]
    if heads:
        head = ["head", *(f"top-{k} %" for k in KS)]
        body = [[name, *(f"{by_k[k]:.2f}" for k in KS)] for name, by_k in heads.items()]
        lines += ["", "## Heads", "", *markdown_table([head, *body])]
    lines += ["", "## Most confused signs", ""]
    if score.confusions:
        rows = [["true sign", "predicted sign", "confused clips", "clips"]]
        rows += [[c.signed, c.named, str(c.count), str(c.clips)] for c in score.confusions[:listed]]
        lines += [*markdown_table(rows), "", f"![most confused signs]({pictures['confusion']})"]
    else:
        lines += ["None: every clip is recognised correctly."]
    error = score.calibration.error
    lines += ["", "## Calibration", ""]
    lines += [f"Expected calibration error {error:.2f} % ({len(score.calibration.bins)} bins).", ""]
    lines += [f"![reliability]({pictures['reliability']})"]
    return "\n".join(lines) + "\n"


def denominators(score: SignScore) -> list[str]:
    """Describe the denominators of the accuracies, one line per group."""
    lines = []
    for name, accuracy in score.accuracies.items():
        count = accuracy.absent
        absent = f"{count} of them without a clip" if count else "each with clips"
        classes = accuracy.classes + count
        lines.append(f"{name}: {accuracy.clips} clips scored, {classes} signs, {absent}")
    if score.unknown:
        clips = sum(score.unknown.values())
        names = ", ".join(sorted(score.unknown)[:LISTED])
        lines.append(f"{clips} clips of signs that the model does not know are misses: {names}")
    return lines


def _rows(score: SignScore) -> Rows:
    interval = "95 % interval"
    rows = [["accuracy", "by clip %", interval, "by class %", interval]]
    for name, accuracy in score.accuracies.items():
        for k in KS:
            pair = accuracy.per_instance[k], accuracy.per_class[k]
            rows.append([f"{name} top-{k}", *(cell for one in pair for cell in _shown(one))])
    return rows


def _shown(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", f"{estimate.low:.2f} to {estimate.high:.2f}"


def _accuracy(accuracy: SignAccuracy) -> dict[str, Any]:
    sizes = {"clips": accuracy.clips, "classes": accuracy.classes, "absent": accuracy.absent}
    kinds = {"per_instance": accuracy.per_instance, "per_class": accuracy.per_class}
    estimates = {
        kind: _by_k({k: asdict(estimate) for k, estimate in by_k.items()})
        for kind, by_k in kinds.items()
    }
    return {**sizes, **estimates}


def _by_k(values: Mapping[int, Any]) -> dict[str, Any]:
    return {f"top_{k}": value for k, value in values.items()}
