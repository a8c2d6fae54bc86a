"""Train a baseline on a data folder and score it on a split."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.baselines.base import Baseline
from slr_keras.data.manifest import Manifest, read_folder
from slr_keras.data.preparation import prepared_clip
from slr_keras.data.robustness import DegradedManifest
from slr_keras.metrics import ErrorCounts, sentence_counts
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import write_text

Hypotheses = tuple[tuple[str, ...], ...]


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
        isolated: whether all training clips and all scored clips are of one sign.
        degrees: angle by which the clips were turned as well; 0: not at all.
        turned: hypotheses of the clips turned by `degrees` and by -`degrees`; empty for 0.
    """

    data: BaselineData
    hypotheses: Hypotheses
    options: dict[str, Any]
    seconds_learning: float
    seconds_recognising: float
    isolated: bool
    degrees: float = 0.0
    turned: tuple[Hypotheses, ...] = ()

    @property
    def references(self) -> list[tuple[str, ...]]:
        """Reference glosses of each clip of `data.rows`."""
        return [self.data.scored[row].glosses for row in self.data.rows]

    def counts(self, hypotheses: Hypotheses | None = None) -> list[ErrorCounts]:
        """Word errors of each clip; by default those of `hypotheses`."""
        return sentence_counts(self.references, hypotheses or self.hypotheses)

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
    baseline: Baseline,
    data: BaselineData,
    progress: Callable[..., Iterable[Any]],
    degrees: float = 0.0,
) -> BaselineScore:
    """Train a baseline and recognise the clips that have glosses.

    Args:
        baseline: not trained yet.
        data: of `read_data`.
        progress: wraps an iterable, with a description; a progress bar for example.
        degrees: recognise the clips also with the body turned by this angle to both sides.
    """

    def recognised(clips: Manifest, description: str) -> Hypotheses:
        return tuple(
            baseline.recognise(prepared_clip(clips, row))
            for row in progress(data.rows, description)
        )

    started = time.perf_counter()
    baseline = baseline.fit(data.train, data.dev, progress)
    learnt = time.perf_counter()
    scored = data.scored
    hypotheses = recognised(scored, f"recognising {scored.path.stem}")
    finished = time.perf_counter()
    turned = tuple(
        recognised(DegradedManifest(scored, turn=turn), f"turned by {turn:+g} degrees")
        for turn in (degrees, -degrees)
        if turn
    )
    single = all(len(scored[row].glosses) == 1 for row in data.rows)
    return BaselineScore(
        data,
        hypotheses,
        baseline.options,
        learnt - started,
        finished - learnt,
        baseline.isolated and single,
        degrees,
        turned,
    )
