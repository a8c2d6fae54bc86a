"""Train and score every model and baseline of the sets; what is done is not done again."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.benchmarks.sets.models import Model
from slr_keras.benchmarks.sets.table import BenchSet, Fold, Prepared
from slr_keras.config import Config, load_config, read_run_config
from slr_keras.config.loading import differences
from slr_keras.training.folder import RunFolder
from slr_keras.training.seeds import all_runs
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_json, write_text
from slr_keras.utils.invocation import program

DONE = "bench.json"


@dataclass(frozen=True)
class Places:
    """Where the bench reads and writes.

    Attributes:
        raw: folder of the raw sets.
        recipes: folder of the recipes.
        to: folder of prepared data, runs and results.
    """

    raw: Path
    recipes: Path
    to: Path

    def run(self, one: BenchSet, model: Model, fold: Fold) -> Path:
        """Folder of the runs of all seeds."""
        return self.to / one.name / _slug(model.name) / _slug(fold.name)

    def baseline(self, one: BenchSet, method: str, fold: Fold) -> Path:
        """Predictions of a baseline."""
        return self.to / one.name / method / f"{_slug(fold.name)}.jsonl"


def prepared(data: Prepared, places: Places) -> Path:
    """The folder of prepared data; it is written at the first call."""
    from slr_keras.data.datasets.prepare import prepare

    described = [f"{name}-{_text(value)}" for name, value in sorted(data.options.items())]
    folder = places.to / "data" / _slug("_".join([data.dataset, *described]))[:150]
    if folder.is_dir():
        return folder
    print(f"preparing {folder.name}", file=sys.stderr)
    if data.dataset != "compose":
        prepare(data.dataset, places.raw / data.source, folder, **data.options)
        return folder
    from slr_keras.data.composition.config import CompositionConfig
    from slr_keras.data.composition.folder import compose_folder

    options = dict(data.options)
    config = CompositionConfig(rest_label=options.pop("rest_label", ""), yaw=0.0)
    sources = [prepared(part, places) for part in data.folders]
    compose_folder(sources, folder, config, **options)
    return folder


def train_model(one: BenchSet, model: Model, fold: Fold, seeds: int, places: Places) -> None:
    """Train every seed of a model on a fold, and score the test clips once."""
    folder = places.run(one, model, fold)
    data = prepared(fold.data, places)
    config = load_config(places.recipes / model.recipe, [f"data.folder={data}", *model.overrides])
    for path, run_config in all_runs(config, folder, seeds, model.distil):
        if _is_done(path, run_config):
            continue
        started, cpu = time.monotonic(), time.process_time()
        with _quiet(path.with_suffix(".log")):
            _train(path, run_config)
        trained, trained_cpu = time.monotonic() - started, time.process_time() - cpu
        facts = _score(path, fold.split, one.turn)
        write_json(path / DONE, {"seconds": trained, "cpu_seconds": trained_cpu, **facts})
        print(f"{one.name}, {model.name}, {fold.name}, {path.name}: {facts}", flush=True)


def _is_done(path: Path, config: Config) -> bool:
    """Whether a run with this config was trained and scored.

    Raises:
        UserError: the folder has a run with another config.
    """
    if not (path / DONE).is_file():
        return False
    changed = differences(read_run_config(path / "config.yaml"), config)
    if changed:
        raise UserError(
            f"{path}: was trained with another config ({'; '.join(changed)}); give another folder "
            "with --to, or remove this one"
        )
    return True


def score_baseline(one: BenchSet, method: str, fold: Fold, places: Places) -> None:
    """Train a baseline on a fold, with the augmentation of the first model, and score it once."""
    from slr_keras.baselines import DtwBaseline, SvmBaseline, scoring

    file = places.baseline(one, method, fold)
    if file.is_file():
        return
    data = scoring.read_data(prepared(fold.data, places), fold.split)
    first = one.models[0]
    config = load_config(places.recipes / first.recipe, list(first.overrides))
    copies = 1 if method == "svm" else 0
    kind = {"dtw": DtwBaseline, "svm": SvmBaseline}[method]
    baseline = kind(
        # As the model: where it learns mirrored clips, so does the baseline.
        mirror="always" if config.augmentation.mirror else "auto",
        copies=copies,
        augmentation=config.augmentation,
        train_on_dev=config.data.train_on_dev,
    )
    score = scoring.score_baseline(baseline, data, lambda items, *_: items)
    file.parent.mkdir(parents=True, exist_ok=True)
    score.write(file)
    write_text(file.with_suffix(".options.json"), json.dumps(score.options, default=str))
    print(f"{one.name}, {method}, {fold.name}: done", flush=True)


def _train(path: Path, config: Config) -> None:
    import keras

    from slr_keras.training.complete_run import complete_run

    folder = RunFolder(path)
    with folder.claimed(config):
        complete_run(config, folder, [*program().split(), "benchmark", "sets"])
    keras.backend.clear_session()


def _score(path: Path, split: str, turn: float) -> dict[str, float]:
    """Score a run on a split; its predictions stay in the run's folder."""
    from slr_keras.training.split_scoring import (
        ClipChanges,
        load_run,
        open_cases,
        open_split,
        score_run,
    )

    run = load_run(path)
    cases = open_cases(run.config.data, split, None, ClipChanges(), turn)
    evaluations, _ = score_run(run, cases, run.decoding, split, lambda clips: None)
    facts = {"wer": evaluations[0].total().wer}
    for case, evaluation in zip(cases[1:], evaluations[1:]):
        facts[case[0].name("wer")] = evaluation.total().wer
    folder = Path(run.config.data.folder)
    if (folder / "rest.jsonl").is_file():
        rest = [(ClipChanges(), open_split(run.config.data, "rest"))]
        evaluated, _ = score_run(run, rest, run.decoding, "rest", lambda clips: None)
        facts["false_words_a_minute"] = evaluated[0].false_words().per_minute
    return {name: round(value, 3) for name, value in facts.items()}


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Write what training prints into a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield


def _text(value) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "+-._" else "_" for c in text).replace("__", "_")
