"""Score enrolled signs: naming, wrong refusals, and what is accepted wrongly."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slr_keras.data.preparation import KeypointPreparation
from slr_keras.enrolment.matching import Answer
from slr_keras.enrolment.model import EnrolledModel
from slr_keras.enrolment.recordings import Recording
from slr_keras.metrics.calibration import calibration
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures

_BATCH = 64
# Of the standard normal distribution, for intervals of 95 %.
_Z = 1.96


@dataclass(frozen=True)
class Rate:
    """A fraction of clips.

    Attributes:
        count: clips for which something holds.
        total: clips.

    >>> from slr_keras.enrolment.evaluation import Rate
    >>> str(Rate(1, 20))
    '5.0 % (0.9-23.6) of 20'
    """

    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % (Wilson, JASA 1927), in percent."""
        if not self.total:
            return 0.0, 100.0
        share, n = self.count / self.total, self.total
        centre = share + _Z**2 / (2 * n)
        half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        low, high = ((centre + sign * half) / (1 + _Z**2 / n) for sign in (-1, 1))
        return 100 * max(low, 0.0), 100 * min(high, 1.0)

    def as_json(self) -> dict[str, Any]:
        """Percent, interval and number of clips."""
        low, high = self.interval
        percent = 100 * self.count / self.total if self.total else None
        return {"percent": percent, "low": low, "high": high, "clips": self.total}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.count / self.total:.1f} % ({low:.1f}-{high:.1f}) of {self.total}"


@dataclass(frozen=True)
class EnrolmentScores:
    """How enrolled signs answered clips.

    Attributes:
        named: clips of enrolled signs that the right sign names, before any is refused.
        right: of these signs, clips that got the right answer.
        refused: of these signs, clips that were refused as unknown or rest.
        unknown: clips of other signs that were accepted.
        rest: clips of rest that were accepted.
        separation: probability that a clip of an enrolled sign scores higher than one of another
            sign (AUROC), in percent; None if either is missing.
        calibration: expected calibration error of the confidences of accepted clips in percent;
            None if none was accepted.
    """

    named: Rate
    right: Rate
    refused: Rate
    unknown: Rate
    rest: Rate
    separation: float | None
    calibration: float | None

    def as_json(self) -> dict[str, Any]:
        """The scores as JSON values."""
        rates = ("named", "right", "refused", "unknown", "rest")
        return {
            **{name: getattr(self, name).as_json() for name in rates},
            "auroc": self.separation,
            "calibration_error": self.calibration,
        }

    def table(self) -> str:
        """The scores, one per line, with intervals of 95 %."""
        lines = [
            ("enrolled signs: named by the right sign", self.named),
            ("enrolled signs: right answer", self.right),
            ("enrolled signs: wrongly refused", self.refused),
            ("other signs: wrongly accepted", self.unknown),
            ("rest: wrongly accepted", self.rest),
        ]
        rows = [(title, str(rate)) for title, rate in lines if rate.total]
        if self.separation is not None:
            rows.append(("enrolled against other signs: AUROC", f"{self.separation:.1f} %"))
        if self.calibration is not None:
            rows.append(("calibration error of accepted clips", f"{self.calibration:.1f} %"))
        width = max(len(title) for title, _ in rows)
        return "\n".join(f"{title:<{width}}  {value}" for title, value in rows)


def answered(
    model: EnrolledModel,
    recordings: Sequence[Recording],
    overrides: Overrides,
    failures: Failures,
    advance: Callable[[int], None] = lambda clips: None,
) -> tuple[list[str], list[Answer]]:
    """Answer recordings; those that cannot be read are passed over.

    Args:
        model: the enrolled signs.
        recordings: not read yet.
        overrides: properties of the clips that the user states.
        failures: collects clips that cannot be read.
        advance: called with the number of clips after each batch.

    Returns:
        The sign of each recording, "" for rest, and the answers.
    """
    modality = KeypointInput(model.contract, overrides)
    preparation = KeypointPreparation(model.contract, multiple=1)
    matcher = model.matcher()
    signs: list[str] = []
    answers: list[Answer] = []
    for start in range(0, len(recordings), _BATCH):
        batch = recordings[start : start + _BATCH]
        clips = []
        for recording in batch:
            with failures.passing_over(recording.clip.source):
                footage = modality.footage(recording.clip, preparation)
                clips.append(np.stack(list(footage.frames)))
                signs.append(recording.sign)
        answers += matcher(clips)
        advance(len(batch))
    return signs, answers


def enrolment_scores(
    names: Sequence[str], signs: Sequence[str], answers: Sequence[Answer]
) -> EnrolmentScores:
    """Score answers.

    Args:
        names: the enrolled signs.
        signs: what each clip shows; "" for rest.
        answers: of the clips.

    Raises:
        UserError: there is no clip.
    """
    if not answers:
        raise UserError("no clip can be scored")
    accepted = np.array([answer.accepted for answer in answers])
    chosen = np.array([names[a.sign] if a.sign >= 0 else "" for a in answers], object)
    truth = np.array(signs, object)
    known, rest = np.isin(signs, names), truth == ""
    other = ~known & ~rest
    hits = known & (chosen == truth)
    scores = np.array([-1.0 if answer.rest else answer.score for answer in answers])
    confidences = [max(answer.confidences) for answer in answers if answer.accepted]
    count = np.count_nonzero
    return EnrolmentScores(
        Rate(count(hits), count(known)),
        Rate(count(hits & accepted), count(known)),
        Rate(count(known & ~accepted), count(known)),
        Rate(count(other & accepted), count(other)),
        Rate(count(rest & accepted), count(rest)),
        separation(scores[known], scores[other]),
        calibration(confidences, hits[accepted]).error if confidences else None,
    )


def separation(higher: np.ndarray, lower: np.ndarray) -> float | None:
    """Probability that a value of `higher` exceeds one of `lower`, in percent; ties count half.

    >>> import numpy as np
    >>> from slr_keras.enrolment.evaluation import separation
    >>> separation(np.array([2, 3]), np.array([1, 2]))
    87.5
    """
    if not len(higher) or not len(lower):
        return None
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, "left") + np.searchsorted(ordered, higher, "right")
    return float(50 * below.mean() / len(lower))


def as_text(value: EnrolmentScores, where: str, model: EnrolledModel, to_json: bool) -> str:
    """The scores for standard output.

    Args:
        value: the scores.
        where: the clips.
        model: the enrolled signs.
        to_json: whether as JSON.
    """
    if to_json:
        facts = {"data": where, "signs": len(model.enrolment.signs), "accept": model.accept}
        threshold = model.enrolment.impostors.threshold(model.accept)
        return json.dumps({**facts, "threshold": threshold, **value.as_json()}, indent=2)
    return f"{where}, with --accept {model.accept:g}\n{value.table()}"
