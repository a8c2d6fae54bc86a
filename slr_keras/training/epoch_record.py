"""Record of a finished epoch, as stored in `metrics.jsonl`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slr_keras.metrics.wer import ErrorCounts
from slr_keras.training.position import Position


@dataclass(frozen=True)
class TrainedEpoch:
    """Measurements of one epoch of training.

    Attributes:
        number: number of the epoch, from 1.
        step: optimiser steps since the beginning of training.
        means: the loss, its terms and the gradient norm, each averaged over clips.
        terms: names of the means that are terms of the loss.
        learning_rate: learning rate of the last step.
        clips: number of clips trained on.
        seconds: duration of the epoch.
        waiting: seconds of the epoch spent waiting for data.
    """

    number: int
    step: int
    means: Mapping[str, float]
    terms: Sequence[str]
    learning_rate: float
    clips: int
    seconds: float
    waiting: float = 0.0

    @classmethod
    def at(
        cls, epoch: int, done: Position, terms: Sequence[str], rate: float, clips: int
    ) -> "TrainedEpoch":
        """Measurements of an epoch, counted from 0, at its last position."""
        weighted = max(done.clips, 1.0)
        means = {name: total / weighted for name, total in done.sums.items()}
        return cls(epoch + 1, done.step, means, terms, rate, clips, done.seconds, done.waiting)


def epoch_record(
    trained: TrainedEpoch, errors: ErrorCounts, error_rates: Mapping[str, float], **dev: Any
) -> dict[str, Any]:
    """One line of `metrics.jsonl`.

    Args:
        trained: measurements of the training.
        errors: errors of the ensemble on the dev split.
        error_rates: WER in percent by output: "ensemble", then the heads.
        dev: further figures of the dev split.

    >>> from slr_keras.metrics.wer import ErrorCounts
    >>> from slr_keras.training.epoch_record import TrainedEpoch, epoch_record
    >>> trained = TrainedEpoch(1, 10, {"loss": 2.5}, ("ctc",), 1e-3, clips=40, seconds=8.0)
    >>> errors = ErrorCounts(correct=3, deletions=1, references=4)
    >>> record = epoch_record(trained, errors, {"ensemble": errors.wer})
    >>> record["loss"], record["dev"]["deletions"], record["clips_per_second"]
    (2.5, 25.0, 5.0)
    """
    seconds = max(trained.seconds, 1e-9)
    return {
        "epoch": trained.number,
        "step": trained.step,
        **trained.means,
        "terms": list(trained.terms),
        "learning_rate": trained.learning_rate,
        "dev": {
            "wer": dict(error_rates),
            "deletions": errors.percent(errors.deletions),
            "insertions": errors.percent(errors.insertions),
            "substitutions": errors.percent(errors.substitutions),
            **dev,
        },
        "seconds": trained.seconds,
        "clips_per_second": trained.clips / seconds,
        "waiting": trained.waiting / seconds,
    }
