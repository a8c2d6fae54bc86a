"""Add the logits of two runs of isolated signs over the same clips: q = q_A + alpha q_B."""

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.comparison.fusion import FusedSplit
    from slr_keras.training.run import Run

EXAMPLE = """example:
  python -m slr_keras.fuse runs/rgb runs/flow
  python -m slr_keras.fuse runs/rgb runs/flow --sweep --to fused

Both runs must name the signs of the same vocabulary in clips of the same ids; what they see of the
clips may differ. --sweep tries alpha = 0, 0.1, ... 1 on the dev split and takes the one with the
best top-1 accuracy there; the split that is reported has no say in it. The log-probabilities that a
run already has are used again if weights, recipe and clips are still the same.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    from slr_keras.comparison.fusion import (
        ALPHA,
        ALPHAS,
        best_alpha,
        require_fusible,
    )
    from slr_keras.metrics.isolated import report
    from slr_keras.training.run import Run

    runs = [Run.load(path) for path in options.runs]
    require_fusible(runs)
    split = options.split or runs[0].config.data.test
    alpha, sweep = options.alpha if options.alpha is not None else ALPHA, {}
    if options.sweep:
        dev = runs[0].config.data.dev
        if split == dev:
            raise UserError(
                f"--sweep chooses alpha on {dev}, so that {dev} cannot be reported; name another "
                "--split, or give --alpha"
            )
        alpha, found = best_alpha(_open(runs, dev, options))
        sweep = {"split": dev, "top_1": dict(zip(map(str, ALPHAS), found))}
    fused = _open(runs, split, options)
    score = fused.score(alpha)
    value = _as_json(fused, runs, split, alpha, sweep)
    if options.to:
        _write(options.to, value, f"{runs[0].path.name} + {alpha:g} {runs[1].path.name}", score)
    if options.json:
        print(json.dumps(value, indent=2, ensure_ascii=False))
        return 0
    for number, top in sweep.get("top_1", {}).items():
        print(f"{sweep['split']}, alpha {number}: top-1 {top:.2f} %")
    for name, path, alone in zip("AB", options.runs, fused.alone):
        print(f"{name}  {path}: top-1 {alone.top(1).value:.2f} %, top-5 {alone.top(5).value:.2f} %")
    print(f"A + {alpha:g} B, {split}\n{report.plain_text(score)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.fuse",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", metavar="RUN", nargs=2, help="run folders of A and of B")
    weight = parser.add_mutually_exclusive_group()
    weight.add_argument("--alpha", type=_weight, metavar="X", help="weight of B's logits (0.4)")
    weight.add_argument("--sweep", action="store_true", help="choose alpha on the dev split")
    parser.add_argument("--split", help="split to score (default: the test split of A's recipe)")
    parser.add_argument(
        "--data", metavar="FOLDER", help="another data folder than the recipes', for both"
    )
    parser.add_argument(
        "--to", metavar="FOLDER", help="write report.md, scores.json and pictures there"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a weight of 0 to 100")
    return value


def _open(runs: "list[Run]", split: str, options: argparse.Namespace) -> "FusedSplit":
    from slr_keras.comparison.fusion import fused_split
    from slr_keras.comparison.recognised import open_split

    return fused_split(runs, split, [open_split(run, split, options.data) for run in runs])


def _as_json(
    fused: "FusedSplit", runs: "list[Run]", split: str, alpha: float, sweep: dict[str, Any]
) -> dict[str, Any]:
    from slr_keras.metrics.isolated import report

    alone = [report.as_json(score) for score in fused.alone]
    return {
        "split": split,
        "manifest": str(fused.manifest.path),
        "alpha": alpha,
        "sweep": sweep,
        "runs": [{"run": str(run.path), **found} for run, found in zip(runs, alone)],
        "fused": report.as_json(fused.score(alpha)),
    }


def _write(folder: str, value: dict[str, Any], title: str, score) -> None:
    from pathlib import Path

    from slr_keras.metrics.isolated.plots import draw_confusion, draw_reliability
    from slr_keras.metrics.isolated.report import markdown
    from slr_keras.utils.files import write_json, write_text

    to = Path(folder)
    pictures = {"confusion": "confusion.png", "reliability": "reliability.png"}
    draw_confusion(to / pictures["confusion"], score)
    draw_reliability(to / pictures["reliability"], score.calibration)
    write_json(to / "scores.json", value)
    write_text(to / "report.md", markdown(title, score, pictures))


if __name__ == "__main__":
    run(main)
