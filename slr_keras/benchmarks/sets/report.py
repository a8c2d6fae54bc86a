"""Markdown of the results, and their place in RESULTS.md."""

import json
from collections.abc import Sequence
from pathlib import Path

from slr_keras.benchmarks.sets.models import Model
from slr_keras.benchmarks.sets.runner import DONE, Places
from slr_keras.benchmarks.sets.scores import ClipErrors, Score, score_of
from slr_keras.benchmarks.sets.table import ACCURACY, BenchSet
from slr_keras.training.seeds import DISTILLED
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text

BEGIN, END = "<!-- benchmark sets: begin -->", "<!-- benchmark sets: end -->"


def section(sets: Sequence[BenchSet], seeds: int, places: Places, facts: str) -> str:
    """The section of all results that are there.

    Args:
        sets: to report.
        seeds: number of seeds that were trained.
        places: where the results lie.
        facts: command, commit and machine.
    """
    lines = [facts, ""]
    for one in sets:
        rows = _rows(one, seeds, places)
        if not rows:
            continue
        score = "top-1 accuracy" if one.metric == ACCURACY else "WER"
        lines += [
            f"### {one.title}",
            "",
            f"| system | {score}, mean over seeds | 95 % interval | by seed | folds |",
            "|---|---:|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def write_section(file: Path, text: str) -> None:
    """Replace the section between the two marks of a file.

    Raises:
        UserError: the file has no marks.
    """
    content = file.read_text("utf-8")
    if BEGIN not in content or END not in content:
        raise UserError(f"{file}: has no marks {BEGIN!r} and {END!r} around the section")
    before, rest = content.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    write_text(file, f"{before}{BEGIN}\n{text}{END}{after}")


def _rows(one: BenchSet, seeds: int, places: Places) -> list[str]:
    rows = []
    for model in one.models:
        rows += _model_rows(one, model, seeds, places)
    for method in one.baselines:
        files = [[places.baseline(one, method, fold)] for fold in one.folds]
        rows += _row(one, f"`baseline {method}`", files)
    return rows


def _model_rows(one: BenchSet, model: Model, seeds: int, places: Places) -> list[str]:
    folders = [places.run(one, model, fold) for fold in one.folds]
    begun = [folder for folder in folders if folder.is_dir()]
    # Seeds that every fold has, so that a partly trained set is reported, too.
    names = [f"seed_{seed}" for seed in range(seeds)]
    done = [name for name in names if all((folder / name / DONE).is_file() for folder in begun)]
    rows = []
    for label, runs in ((model.name, done or names[:1]), (f"{model.name}, distilled", [DISTILLED])):
        predictions = [
            [folder / run / f"{fold.split}_predictions.jsonl" for run in runs]
            for folder, fold in zip(folders, one.folds)
        ]
        extra = _extra([folder / run for folder in folders for run in runs])
        rows += _row(one, label + extra, predictions)
    return rows


def _row(one: BenchSet, label: str, files: Sequence[Sequence[Path]]) -> list[str]:
    """One line of the table, of the folds that are there; none if there are none."""
    there = [fold for fold in files if all(file.is_file() for file in fold)]
    if not there:
        return []
    errors = [ClipErrors.read(fold) for fold in there]
    accuracy = one.metric == ACCURACY
    score = score_of(ClipErrors.joined(errors), accuracy)
    folds = " ".join(f"{score_of(fold, accuracy).value:.1f}" for fold in errors)
    partial = "" if len(there) == len(files) else f" ({len(there)} of {len(files)} folds)"
    return [
        f"| {label}{partial} | {_value(score)} | {score.low:.2f} to {score.high:.2f} | "
        f"{' '.join(f'{value:.2f}' for value in score.by_seed)} | {folds} |"
    ]


def _value(score: Score) -> str:
    spread = f" ± {score.deviation:.2f}" if score.deviation is not None else ""
    return f"{score.value:.2f}{spread}"


def _extra(runs: Sequence[Path]) -> str:
    """Cost of a turn and false words a minute, means over the runs that have them."""
    records = [json.loads((run / DONE).read_text()) for run in runs if (run / DONE).is_file()]
    parts = []
    for name in sorted({name for record in records for name in record if "turn" in name}):
        changes = [record[name] - record["wer"] for record in records]
        parts.append(f"turned by {name.removeprefix('wer_turn')}°: {_mean(changes):+.2f}")
    rests = [r["false_words_a_minute"] for r in records if "false_words_a_minute" in r]
    if rests:
        parts.append(f"false words a minute of rest: {_mean(rests):.2f}")
    return f" ({'; '.join(parts)})" if parts else ""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
