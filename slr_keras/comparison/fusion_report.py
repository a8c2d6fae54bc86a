"""The fusion of two runs as JSON, as text, and as a folder with report and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slr_keras.comparison.fusion import ALPHAS, FusedSplit, best_alpha, fused_split
from slr_keras.comparison.recognised import open_split
from slr_keras.metrics.isolated import report
from slr_keras.metrics.isolated.plots import draw_confusion, draw_reliability
from slr_keras.metrics.isolated.score import SignScore
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json, write_text


def open_fusion(runs: Sequence[Run], split: str, folder: str | None = None) -> FusedSplit:
    """A split of the runs' data, or of another data folder, as both runs scored the clips."""
    return fused_split(runs, split, [open_split(run, split, folder) for run in runs])


def sweep_alpha(
    runs: Sequence[Run], split: str, folder: str | None = None
) -> tuple[float, dict[str, Any]]:
    """The weight with the best top-1 accuracy on the dev split, and the accuracy of every weight.

    Args:
        runs: A and B.
        split: that will be reported; the dev split must be another one.
        folder: data folder that replaces the recipes'.

    Raises:
        UserError: the dev split itself is to be reported.
    """
    dev = runs[0].config.data.dev
    if split == dev:
        raise UserError(
            f"--sweep chooses alpha on {dev}, so that {dev} cannot be reported; name another "
            "--split, or give --alpha"
        )
    alpha, accuracies = best_alpha(open_fusion(runs, dev, folder))
    return alpha, {"split": dev, "top_1": dict(zip(map(str, ALPHAS), accuracies, strict=True))}


def as_json(
    fused: FusedSplit,
    runs: Sequence[Run],
    split: str,
    alpha: float,
    sweep: Mapping[str, Any],
) -> dict[str, Any]:
    """Scores of both runs alone and together.

    Args:
        fused: the split as both runs scored it.
        runs: A and B.
        split: name.
        alpha: weight of B's logits.
        sweep: of `sweep_alpha`; empty where alpha was given.
    """
    alone = [report.as_json(score) for score in fused.alone]
    return {
        "split": split,
        "manifest": str(fused.manifest.path),
        "alpha": alpha,
        "sweep": dict(sweep),
        "runs": [{"run": str(run.path), **score} for run, score in zip(runs, alone, strict=True)],
        "fused": report.as_json(fused.score(alpha)),
    }


def plain_text(
    fused: FusedSplit,
    names: Sequence[str],
    split: str,
    alpha: float,
    sweep: Mapping[str, Any],
) -> str:
    """Accuracies of both runs alone and together; `names` are those of A and B."""
    lines = [
        f"{sweep['split']}, alpha {number}: top-1 {top:.2f} %"
        for number, top in sweep.get("top_1", {}).items()
    ]
    for letter, name, alone in zip("AB", names, fused.alone, strict=True):
        top_1, top_5 = alone.top(1).value, alone.top(5).value
        lines.append(f"{letter}  {name}: top-1 {top_1:.2f} %, top-5 {top_5:.2f} %")
    lines.append(f"A + {alpha:g} B, {split}\n{report.plain_text(fused.score(alpha))}")
    return "\n".join(lines)


def write_report(folder: str | Path, value: dict[str, Any], title: str, score: SignScore) -> None:
    """Write scores.json, report.md and the pictures of the fused score into a folder."""
    to = Path(folder)
    pictures = {"confusion": "confusion.png", "reliability": "reliability.png"}
    draw_confusion(to / pictures["confusion"], score)
    draw_reliability(to / pictures["reliability"], score.calibration)
    write_json(to / "scores.json", value)
    write_text(to / "report.md", report.markdown(title, score, pictures))
