"""How far confidences can be believed: expected calibration error (Guo et al., ICML 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

BINS = 15


@dataclass(frozen=True)
class ConfidenceBin:
    """Clips whose confidence lies in (low, high], the first bin with 0.

    Attributes:
        low, high: bounds.
        clips: how many.
        confidence, accuracy: their mean confidence and share of hits, in [0, 1]; 0 without clips.
    """

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error in percent, and the bins that it is made of."""

    error: float
    bins: tuple[ConfidenceBin, ...]


def calibration(
    confidences: Sequence[float], hits: Sequence[bool], bins: int = BINS
) -> Calibration:
    """Mean over clips of how far the accuracy of their bin is from its confidence.

    Args:
        confidences: `(clips,)`, probability of the sign that was named, in [0, 1].
        hits: `(clips,)`, whether it was the right one.
        bins: of equal width.

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
    place = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    least = np.maximum(count, 1)
    mean = np.bincount(place, confidences, minlength=bins) / least
    right = np.bincount(place, hits, minlength=bins) / least
    error = float(100 * (count * np.abs(mean - right)).sum() / count.sum())
    edges = np.linspace(0, 1, bins + 1)
    return Calibration(
        error,
        tuple(
            ConfidenceBin(float(edges[k]), float(edges[k + 1]), int(count[k]), *map(float, both))
            for k, both in enumerate(zip(mean, right))
        ),
    )
