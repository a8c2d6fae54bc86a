"""Train a baseline on a data folder and score it on a split."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.baselines.base import Baseline
from slr_keras.data.manifest import Manifest, read_folder
from slr_keras.metrics import ErrorCounts, bootstrap_interval, sentence_counts
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text


@dataclass(frozen=True)
class BaselineData:
    """The splits that a baseline needs.

    Attributes:
        train: clips to learn from.
        dev: clips to tune on; None where there are none, or where they are scored.
        scored: clips to score.
        rows: indices of the clips of `scored` that have glosses.
    """

    train: Manifest
    dev: Manifest | None
    scored: Manifest
    rows: tuple[int, ...]

    @property
    def unlabelled(self) -> int:
        """Number of clips of `scored` without glosses, which are left out."""
        return len(self.scored) - len(self.rows)


@dataclass(frozen=True)
class BaselineScore:
    """What a baseline recognised.

    Attributes:
        data: the splits.
        hypotheses: glosses of each clip of `data.rows`.
        options: settings that the baseline chose on dev.
        seconds_learning: duration of training, with the tuning.
        seconds_recognising: duration of the recognition of all clips.
    """

    data: BaselineData
    hypotheses: tuple[tuple[str, ...], ...]
    options: dict[str, Any]
    seconds_learning: float
    seconds_recognising: float

    def counts(self) -> list[ErrorCounts]:
        """Word errors of each clip."""
        references = [self.data.scored[row].glosses for row in self.data.rows]
        return sentence_counts(references, self.hypotheses)

    def figures(self, seed: int = 0) -> dict[str, Any]:
        """Word error rate in percent with its 95 % interval, error counts and durations."""
        counts = self.counts()
        total = sum(counts[1:], counts[0])
        return {
            "wer": total.wer,
            "interval": list(bootstrap_interval(counts, seed=seed)),
            "substitutions": total.substitutions,
            "insertions": total.insertions,
            "deletions": total.deletions,
            "references": total.references,
            "sentences_right": sum(sentence.errors == 0 for sentence in counts),
            "sentences": len(counts),
            "seconds_learning": round(self.seconds_learning, 1),
            "milliseconds_per_clip": round(1000 * self.seconds_recognising / len(counts), 1),
        }

    def write(self, path: Path) -> None:
        """Write references and hypotheses as JSON lines."""
        lines = []
        for row, glosses in zip(self.data.rows, self.hypotheses, strict=True):
            sample = self.data.scored[row]
            record = {"id": sample.id, "signer": sample.signer}
            record |= {"reference": sample.glosses, "hypothesis": glosses}
            lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        write_text(path, "".join(lines))


def read_data(folder: Path, split: str) -> BaselineData:
    """Read the splits of a data folder that a baseline needs to be scored on one of them.

    Raises:
        UserError: no train split, no such split, or no clip of the split has glosses.
    """
    splits = read_folder(folder)
    for name in ("train", split):
        if name not in splits:
            raise UserError(f"{folder}: no {name}.jsonl; the folder has {', '.join(splits)}")
    scored = splits[split]
    rows = tuple(row for row, sample in enumerate(scored) if sample.glosses)
    if not rows:
        raise UserError(f"{scored.path}: no clip has glosses to score against")
    # Tuning on the scored split would flatter the baseline.
    dev = splits.get("dev") if split != "dev" else None
    return BaselineData(splits["train"], dev, scored, rows)


def score_baseline(
    baseline: Baseline, data: BaselineData, progress: Callable[..., Iterable[Any]]
) -> BaselineScore:
    """Train a baseline and recognise the clips that have glosses.

    Args:
        baseline: not trained yet.
        data: of `read_data`.
        progress: wraps an iterable, with a description; a progress bar for example.
    """
    started = time.perf_counter()
    baseline = baseline.fit(data.train, data.dev, progress)
    learnt = time.perf_counter()
    scored = data.scored
    hypotheses = tuple(
        baseline.recognise(scored.contract.prepare(scored.load(row)))
        for row in progress(data.rows, f"recognising {scored.path.stem}")
    )
    finished = time.perf_counter()
    return BaselineScore(data, hypotheses, baseline.options, learnt - started, finished - learnt)


def plain_text(result: dict[str, Any]) -> str:
    """A result (method, data, split, options, seed and the figures) as text."""
    low, high = result["interval"]
    chosen = ", ".join(f"{key} {_short(value)}" for key, value in result["options"].items())
    return (
        f"{result['method']} on {result['data']} {result['split']} "
        f"({chosen}, seed {result['seed']})\n"
        f"WER {result['wer']:.2f} % (95 % interval {low:.2f} to {high:.2f})\n"
        f"substitutions {result['substitutions']}, insertions {result['insertions']}, "
        f"deletions {result['deletions']}, of {result['references']} glosses; "
        f"{result['sentences_right']} of {result['sentences']} clips without an error\n"
        f"trained in {result['seconds_learning']:.0f} s, "
        f"recognised in {result['milliseconds_per_clip']:.1f} ms per clip"
    )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
