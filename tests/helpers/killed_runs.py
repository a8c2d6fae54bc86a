"""Kill a real `fit` again and again, continue it, and compare the run with an unbroken one.

`python tests/helpers/killed_runs.py FOLDER --kills 100 --seed 1` prints a report as JSON. Training
is deterministic; everything but times must be the same, bit for bit.
"""

import argparse
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras  # noqa: F401  Imported once; the processes that are killed are forked from this one.
import kills
import numpy as np
import tiny_run

from slr_keras.training.folder import RunFolder
from slr_keras.training.run import Run

TIMES = ("seconds", "clips_per_second", "waiting")
SETTINGS = {
    "epochs": 3,
    "deterministic": True,
    "checkpoint_minutes": 1e-5,
    "accumulate": 2,
    "moving_average": 0.9,
}
# Files of the same content in every unbroken run.
SAME = ("config.yaml", "vocabulary.txt", "keypoints.json", "model.json", "language_model.json")


def fit(recipe: Path, run: Path) -> None:
    """The command, in this process."""
    from slr_keras.fit import main

    assert main([str(recipe), "--to", str(run)]) == 0


def metrics(run: Path) -> list[dict]:
    """The records of the epochs without times."""
    lines = RunFolder(run).metrics.read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def arrays(path: Path) -> dict[str, bytes]:
    """All arrays of a checkpoint but its record, which holds times."""
    with np.load(path) as file:
        return {name: file[name].tobytes() for name in file.files if name != "record"}


def differences(run: Path, unbroken: Path) -> Iterator[str]:
    """What differs between two finished runs, times aside."""
    if metrics(run) != metrics(unbroken):
        yield "metrics.jsonl"
    for name in ("last", "best"):
        one, other = (getattr(RunFolder(path), name) for path in (run, unbroken))
        if arrays(one) != arrays(other):
            yield str(one.name)
    if Run.load(run).best != Run.load(unbroken).best:
        yield "the record of best.npz"
    for name in (*SAME, "dev_predictions.jsonl"):
        if (run / name).read_bytes() != (unbroken / name).read_bytes():
            yield name
    files = set(kills.snapshot(run, working=True)) ^ set(kills.snapshot(unbroken, working=True))
    # A process that is killed leaves its log for TensorBoard, as does the one that goes on.
    yield from sorted(name for name in files if not name.startswith("tensorboard"))


def unreadable(run: Path) -> Iterator[str]:
    """What a reader of a killed run cannot read."""
    folder = RunFolder(run)
    if not folder.model.is_file():
        return
    try:
        loaded = Run.load(run)
        if folder.best.is_file():
            arrays(folder.best)
            yield from () if loaded.best["epoch"] >= 1 else ("best.npz has no epoch",)
        if folder.last.is_file():
            arrays(folder.last)
    except Exception as error:
        yield f"a reader fails with {type(error).__name__}: {error}"


def kill_runs(sandbox: Path, count: int, seed: int) -> dict:
    """Kill runs until there were `count` kills.

    Returns:
        Number of kills, of runs and of steps; everything that is wrong.
    """
    rng, log = random.Random(seed), sandbox / "log.txt"
    # One stream and three batches an epoch: the time goes into what is killed.
    data = tiny_run.write_data(sandbox / "data", train=12, dev=2, test=0, streams=("body",))
    recipe = tiny_run.write_recipe(sandbox / "recipe.yaml", data, **SETTINGS)
    unbroken = sandbox / "unbroken"
    extent = kills.steps_of(lambda: fit(recipe, unbroken), unbroken, log)
    wrong, killed, runs = [], 0, 0
    while killed < count:
        runs += 1
        run = sandbox / f"run_{runs}"
        ended = False
        while not ended and killed < count:
            where = kills.kill_once(lambda path=run: fit(recipe, path), run, log, extent, rng)
            ended, killed = not where, killed + bool(where)
            wrong += [f"run {runs}, killed {where}: {text}" for text in unreadable(run)]
        if not ended:
            kills.finish(kills.start(lambda path=run: fit(recipe, path), log))
        wrong += [f"run {runs}: {text} differs" for text in differences(run, unbroken)]
        report = {"kills": killed, "runs": runs, "steps": extent[0], "wrong": wrong}
        # For those who do not wait for the end.
        (sandbox / "report.json").write_text(json.dumps(report))
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(kill_runs(options.folder, options.kills, options.seed)))
