"""Top-k accuracy of isolated signs with confidence intervals and denominators.

Per-instance accuracy is the fraction of clips whose sign is among the k best. Per-class accuracy is
this fraction for each class, averaged over the classes that have clips: the mean class recall, as
in the script of the WLASL authors (docs/papers/stepnet.md §11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

KS = (1, 2, 5)


@dataclass(frozen=True)
class Estimate:
    """An accuracy in percent, and its 95 % bootstrap interval over clips."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SignAccuracy:
    """Accuracies of a set of clips, with their denominators.

    Attributes:
        clips: number of scored clips.
        classes: number of classes with clips.
        absent: number of classes without clips, which are not part of the average.
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
    """Compute accuracies from the ranks of the correct classes.

    The interval resamples clips with replacement; per-class accuracy averages over the classes in
    the resample.

    Args:
        ranks: `(clips,)`, from `label_ranks`.
        labels: `(clips,)`, any integers.
        classes: number of classes, those without clips included.
        ks: values of k.
        level: confidence level, in (0, 1).
        resamples: number of resamples.
        seed: the same seed gives the same interval.

    Raises:
        UserError: no clip.

    >>> from slr_keras.metrics import sign_accuracy
    >>> result = sign_accuracy(ranks=[0, 0, 0, 3], labels=[7, 7, 7, 2], classes=5)
    >>> result.per_instance[1].value, result.per_class[1].value, result.classes, result.absent
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
    """Mean recall of the classes that occur, by k."""
    count = np.bincount(own, minlength=classes)
    right = np.stack([np.bincount(own, row, minlength=classes) for row in hits])
    return (right[:, count > 0] / count[count > 0]).mean(axis=1)


def _estimates(ks, values, resampled, level: float) -> dict[int, Estimate]:
    tail = 50 * (1 - level)
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=0)
    return {
        k: Estimate(*(100.0 * float(x[i]) for x in (values, low, high))) for i, k in enumerate(ks)
    }
