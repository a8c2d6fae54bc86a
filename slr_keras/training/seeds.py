"""Several runs of one recipe that differ in their seed, and one run that learns from them."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slr_keras.config import Config
from slr_keras.training.evaluation import Evaluation
from slr_keras.training.sign_files import score_signs
from slr_keras.utils.files import write_json

DISTILLED = "distilled"
FILE = "seeds.json"


@dataclass(frozen=True)
class SeedScore:
    """Dev score of one run, in percent.

    Attributes:
        name: of the run within its folder.
        metric: "accuracy" or "wer".
        value, low, high: the score and its 95 % interval over clips.
    """

    name: str
    metric: str
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, name: str, evaluation: Evaluation) -> "SeedScore":
        """The score of an evaluated run."""
        if evaluation.signs:
            top = score_signs(evaluation).top(1)
            return cls(name, "accuracy", top.value, top.low, top.high)
        return cls(name, "wer", evaluation.total().wer, *evaluation.interval())


def seed_runs(config: Config, folder: Path, seeds: int) -> Iterator[tuple[Path, Config]]:
    """Folder and recipe of each run: seeds count from the recipe's own.

    >>> from pathlib import Path
    >>> from slr_keras.config import parse_config
    >>> from slr_keras.training.seeds import seed_runs
    >>> config = parse_config({"data": {"folder": "data"}, "training": {"seed": 5}})
    >>> [(path.name, one.training.seed) for path, one in seed_runs(config, Path("runs/a"), 2)]
    [('seed_5', 5), ('seed_6', 6)]
    """
    for seed in range(config.training.seed, config.training.seed + seeds):
        training = replace(config.training, seed=seed)
        yield folder / f"seed_{seed}", replace(config, training=training)


def all_runs(
    config: Config, folder: Path, seeds: int, distil: bool
) -> Iterator[tuple[Path, Config]]:
    """The runs of `seed_runs` and, with `distil`, the run that all of them teach."""
    yield from seed_runs(config, folder, seeds)
    if distil:
        teachers = tuple(str(path) for path, _ in seed_runs(config, folder, seeds))
        training = replace(config.training, teachers=teachers)
        yield folder / DISTILLED, replace(config, training=training)


def train_seeds(
    config: Config,
    folder: Path,
    seeds: int,
    distil: bool,
    train: Callable[[Path, Config], Evaluation],
) -> list[SeedScore]:
    """Train every run one after another, and write their scores to `seeds.json`.

    Args:
        config: the recipe.
        folder: holds the folders of the runs.
        seeds: number of seeds.
        distil: also train a run that learns from the others.
        train: trains a recipe in a folder, or continues it, and scores it on dev.

    Returns:
        The score of each run, the distilled one last.
    """
    scores: list[SeedScore] = []
    for path, one in all_runs(config, folder, seeds, distil):
        scores.append(SeedScore.of(path.name, train(path, one)))
        write_json(folder / FILE, summary(scores))
    return scores


def summary(scores: list[SeedScore]) -> dict[str, Any]:
    """Scores by run, and mean and standard deviation over the seeds.

    >>> from slr_keras.training.seeds import SeedScore, summary
    >>> runs = [SeedScore(f"seed_{k}", "wer", 10.0 + k, 8.0, 12.0) for k in range(3)]
    >>> summary(runs)["mean"], summary(runs)["deviation"]
    (11.0, 1.0)
    """
    values = [score.value for score in scores if score.name != DISTILLED]
    return {
        "metric": scores[0].metric,
        "runs": {
            score.name: {
                "value": round(score.value, 4),
                "interval": [round(score.low, 4), round(score.high, 4)],
            }
            for score in scores
        },
        "mean": round(statistics.mean(values), 4),
        "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else None,
    }


def table(scores: list[SeedScore]) -> str:
    """The scores as lines of text.

    >>> from slr_keras.training.seeds import SeedScore, table
    >>> print(table([SeedScore("seed_0", "wer", 10.0, 8.0, 12.0)]))
    dev wer %       95 % interval
    seed_0    10.00   8.00 to 12.00
    """
    width = max(len(score.name) for score in scores)
    lines = [f"dev {scores[0].metric} %       95 % interval"]
    lines += [
        f"{score.name:{width}}  {score.value:7.2f}  {score.low:5.2f} to {score.high:.2f}"
        for score in scores
    ]
    facts = summary(scores)
    if facts["deviation"] is not None:
        lines.append(f"mean over the seeds {facts['mean']:.2f}, deviation {facts['deviation']:.2f}")
    return "\n".join(lines)
