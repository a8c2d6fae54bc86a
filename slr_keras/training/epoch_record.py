"""The record of a finished epoch, as `metrics.jsonl` keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slr_keras.metrics.wer import ErrorCounts


@dataclass(frozen=True)
class TrainedEpoch:
    """What was measured while an epoch was trained.

    Attributes:
        number: of the epoch, from 1.
        step: steps of the optimiser since the beginning of training.
        means: the loss, its terms and the norm of its gradient, each a mean over clips.
        terms: which of the means are terms of the loss.
        learning_rate: of the last step.
        clips: how many were trained on.
        seconds: that the epoch took.
        waiting: seconds of these that were spent waiting for data.
    """

    number: int
    step: int
    means: Mapping[str, float]
    terms: Sequence[str]
    learning_rate: float
    clips: int
    seconds: float
    waiting: float = 0.0


def epoch_record(
    trained: TrainedEpoch, errors: ErrorCounts, error_rates: Mapping[str, float], **dev: Any
) -> dict[str, Any]:
    """One line of `metrics.jsonl`.

    Args:
        trained: what was measured in training.
        errors: of the ensemble on the dev split.
        error_rates: WER in percent by set of scores: "ensemble", then the heads.
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
