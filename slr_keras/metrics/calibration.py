"""Calibration of confidences: expected calibration error (Guo et al., ICML 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

BINS = 15


@dataclass(frozen=True)
class ConfidenceBin:
    """Clips with a confidence in (low, high]; the first bin includes 0.

    Attributes:
        low, high: bounds.
        clips: number of clips.
        confidence, accuracy: mean confidence and accuracy, in [0, 1]; 0 without clips.
    """

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error in percent, and its bins."""

    error: float
    bins: tuple[ConfidenceBin, ...]


def calibration(
    confidences: Sequence[float], hits: Sequence[bool], bins: int = BINS
) -> Calibration:
    """Compute the expected calibration error.

    The error is the mean over clips of |accuracy - confidence| of the clip's bin.

    Args:
        confidences: `(clips,)`, probability of the predicted sign, in [0, 1].
        hits: `(clips,)`, whether the prediction is correct.
        bins: number of bins of equal width.

    Raises:
        UserError: no clip, or a confidence outside [0, 1].

    >>> from slr_keras.metrics import calibration
    >>> calibration([0.75, 0.75, 0.75, 0.75], [True, True, True, False]).error
    0.0
    >>> calibration([1.0, 1.0], [True, False]).error
    50.0
    """
    confidences = np.asarray(confidences, np.float64)
    hits = np.asarray(hits, np.float64)
    if not len(confidences):
        raise UserError("no clip: a calibration needs at least one")
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise UserError("a confidence lies between 0 and 1")
    index = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    divisor = np.maximum(count, 1)
    confidence = np.bincount(index, confidences, minlength=bins) / divisor
    accuracy = np.bincount(index, hits, minlength=bins) / divisor
    error = float(100 * (count * np.abs(confidence - accuracy)).sum() / count.sum())
    edges = np.linspace(0, 1, bins + 1)
    return Calibration(
        error,
        tuple(
            ConfidenceBin(float(edges[k]), float(edges[k + 1]), int(count[k]), *map(float, both))
            for k, both in enumerate(zip(confidence, accuracy))
        ),
    )
