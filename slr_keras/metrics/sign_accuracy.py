"""Top-k accuracy of isolated signs with confidence intervals, and what it is out of.

Per instance: the share of clips whose sign is among the k best. Per class: that share of each
class, averaged over the classes that have clips; it is the mean class recall, as the WLASL authors'
script computes it (specs/stepnet.md §11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

KS = (1, 2, 5)


@dataclass(frozen=True)
class Estimate:
    """A share in percent, and its 95 % bootstrap interval over clips."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SignAccuracy:
    """Accuracies of a set of clips, with their denominators.

    Attributes:
        clips: how many were scored.
        classes: how many classes they show.
        absent: how many classes have no clip, so that nothing is known of them.
        per_instance, per_class: by k.
    """

    clips: int
    classes: int
    absent: int
    per_instance: Mapping[int, Estimate]
    per_class: Mapping[int, Estimate]


def sign_accuracy(
    ranks: Sequence[int],
    labels: Sequence[int],
    classes: int,
    ks: Sequence[int] = KS,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> SignAccuracy:
    """Accuracies from the ranks of the right classes.

    The interval resamples clips with replacement; in each resample the classes that were drawn are
    averaged.

    Args:
        ranks: `(clips,)`, of `label_ranks`.
        labels: `(clips,)`, any integers.
        classes: how many there are, with those that no clip shows.
        ks: how many of the best are looked at.
        level: share of the resamples inside the interval.
        resamples: number of resamples.
        seed: the same seed gives the same interval.

    Raises:
        UserError: no clip.

    >>> from slr_keras.metrics import sign_accuracy
    >>> found = sign_accuracy(ranks=[0, 0, 0, 3], labels=[7, 7, 7, 2], classes=5)
    >>> found.per_instance[1].value, found.per_class[1].value, found.classes, found.absent
    (75.0, 50.0, 2, 3)
    """
    ranks = np.asarray(ranks)
    if not len(ranks):
        raise UserError("no clip: an accuracy needs at least one")
    shown, own = np.unique(labels, return_inverse=True)
    hits = np.stack([ranks < k for k in ks]).astype(np.float64)
    generator = np.random.default_rng(seed)
    draws = [generator.integers(0, len(ranks), len(ranks)) for _ in range(resamples)]
    instance = np.array([hits[:, drawn].mean(axis=1) for drawn in draws])
    by_class = np.array([_mean_recall(hits[:, drawn], own[drawn], len(shown)) for drawn in draws])
    return SignAccuracy(
        clips=len(ranks),
        classes=len(shown),
        absent=classes - len(shown),
        per_instance=_estimates(ks, hits.mean(axis=1), instance, level),
        per_class=_estimates(ks, _mean_recall(hits, own, len(shown)), by_class, level),
    )


def _mean_recall(hits: np.ndarray, own: np.ndarray, classes: int) -> np.ndarray:
    """Mean over the classes that occur of their share of hits, by k."""
    count = np.bincount(own, minlength=classes)
    right = np.stack([np.bincount(own, row, minlength=classes) for row in hits])
    return (right[:, count > 0] / count[count > 0]).mean(axis=1)


def _estimates(ks, values, resampled, level: float) -> dict[int, Estimate]:
    tail = 50 * (1 - level)
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=0)
    return {
        k: Estimate(*(100.0 * float(x[i]) for x in (values, low, high))) for i, k in enumerate(ks)
    }
