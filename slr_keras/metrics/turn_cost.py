"""What a turn of the body about the vertical axis costs a recogniser."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from slr_keras.metrics.bootstrap import paired_bootstrap
from slr_keras.metrics.rates import rate
from slr_keras.metrics.sign_accuracy import Estimate

ROTATION = "x and z rotated"
FORESHORTENING = "no z: x shortened by the cosine, an approximation"


@dataclass(frozen=True)
class TurnCost:
    """Scores of the same clips without a turn and turned in both directions, in percent.

    Attributes:
        degrees: the angle.
        accuracy: whether the scores are accuracies of isolated signs; otherwise they are WERs.
        rotated: whether the keypoints have z and were rotated; otherwise x was shortened.
        none, plus, minus: score and 95 % bootstrap interval without a turn, by `degrees`, and by
            -`degrees`.
        worst: the turn with more errors, `degrees` or -`degrees`.
        change: score of the worst turn minus score without a turn, in points, with the 95 % paired
            bootstrap interval over clips.

    >>> from slr_keras.metrics.turn_cost import TurnCost
    >>> none, plus, minus = [0, 0, 0, 1], [1, 1, 0, 1], [0, 1, 0, 1]
    >>> cost = TurnCost.of(20, [none, plus, minus], [1, 1, 1, 1], accuracy=True, rotated=True)
    >>> cost.none.value, cost.plus.value, cost.minus.value, cost.worst, cost.change.value
    (75.0, 25.0, 50.0, 20, -50.0)
    """

    degrees: float
    accuracy: bool
    rotated: bool
    none: Estimate
    plus: Estimate
    minus: Estimate
    worst: float
    change: Estimate

    @classmethod
    def of(
        cls,
        degrees: float,
        errors: Sequence[Sequence[float]],
        references: Sequence[float],
        accuracy: bool,
        rotated: bool,
        seed: int = 0,
    ) -> "TurnCost":
        """Compare the errors of three scorings.

        Args:
            degrees: the angle.
            errors: `(3, clips)`, errors of each clip without a turn, by `degrees`, by -`degrees`.
            references: `(clips,)`, reference glosses of each clip; 1 for isolated signs.
            accuracy: score isolated signs by accuracy.
            rotated: whether the keypoints have z.
            seed: of the bootstrap.
        """
        scores = [rate(rows, references, accuracy, seed) for rows in errors]
        worst = 1 if np.sum(errors[1]) >= np.sum(errors[2]) else 2
        pair = paired_bootstrap(errors[0], errors[worst], references, seed=seed)
        ends = sorted(_points(end, accuracy) for end in (pair.low, pair.high))
        change = Estimate(_points(pair.difference, accuracy), *ends)
        worst_degrees = degrees if worst == 1 else -degrees
        return cls(degrees, accuracy, rotated, *scores, worst_degrees, change)

    def as_json(self) -> dict[str, Any]:
        """Return the scores as JSON values."""
        return {
            "degrees": self.degrees,
            "measure": "accuracy" if self.accuracy else "wer",
            "method": "rotation" if self.rotated else "foreshortening",
            "none": asdict(self.none),
            "plus": asdict(self.plus),
            "minus": asdict(self.minus),
            "worst": {"degrees": self.worst, **asdict(self.change)},
        }

    def plain_text(self) -> str:
        """Format the scores for a terminal."""
        measure = "top-1 accuracy %" if self.accuracy else "WER %"
        rows = {
            "no turn": self.none,
            f"turn by {self.degrees:+g}": self.plus,
            f"turn by {-self.degrees:+g}": self.minus,
        }
        lines = [f"{'body turned':<14} {measure:>16}   95 % interval"]
        lines += [
            f"{name:<14} {score.value:16.2f}   {score.low:.2f} to {score.high:.2f}"
            for name, score in rows.items()
        ]
        change = self.change
        lines.append(
            f"worst change: {change.value:+.2f} points at {self.worst:+g} degrees "
            f"(95 % interval {change.low:+.2f} to {change.high:+.2f}); "
            f"{ROTATION if self.rotated else FORESHORTENING}"
        )
        return "\n".join(lines)


def _points(difference: float, accuracy: bool) -> float:
    """A difference of error rates in points of the score; 0 - x keeps +0."""
    return 100 * (0 - difference if accuracy else difference)
