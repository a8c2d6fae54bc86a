"""Bootstrap intervals of ratios of sums, and of differences between two systems."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

_CELLS_AT_ONCE = 4_000_000


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Compute the percentile interval of `sum(numerators) / sum(denominators)`.

    Items (sentences, clips) are drawn with replacement, which preserves correlations within an
    item.

    Args:
        numerators, denominators: `(items,)`.
        level: confidence level, in (0, 1).
        resamples: number of resamples, at least 1.
        seed: the same seed gives the same interval.

    Raises:
        UserError: no item, or denominators that sum to zero.

    >>> from slr_keras.metrics import bootstrap_ratio
    >>> low, high = bootstrap_ratio([0, 1] * 50, [1, 1] * 50)
    >>> low < 0.5 < high
    True
    """
    ratios = _resampled(numerators, denominators, resamples, seed)
    return _percentiles(ratios, level)


@dataclass(frozen=True)
class PairedBootstrap:
    """Result of `paired_bootstrap`: the difference of two ratios over the same items.

    Attributes:
        difference: second ratio minus first.
        low, high: percentile interval of the difference.
        p_value: two-sided p-value of the null hypothesis of no difference: twice the fraction of
            resamples whose difference does not have the observed sign, at most 1. Apart from
            resamples with a difference of exactly 0, the p-value is below 1 - level exactly if the
            interval excludes 0.
        resamples: number of resamples; no p-value is below 2 / (resamples + 1).
    """

    difference: float
    low: float
    high: float
    p_value: float
    resamples: int


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    denominators: Sequence[float],
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> PairedBootstrap:
    """Resample the difference of `sum(first)` and `sum(second)`, both over `sum(denominators)`.

    Both systems are resampled with the same items, so that the difficulty of an item cancels out
    (Bisani and Ney, ICASSP 2004).

    Args:
        first, second: `(items,)`, errors of two systems in the same sentences.
        denominators: `(items,)`, reference words of the sentences.

    Other arguments and errors as for `bootstrap_ratio`.

    >>> from slr_keras.metrics import paired_bootstrap
    >>> result = paired_bootstrap([2, 1, 2, 3] * 9, [1, 1, 2, 2] * 9, [5, 5, 5, 5] * 9)
    >>> result.difference, result.high < 0, result.p_value < 0.01
    (-0.1, True, True)
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"as many items of both: {first.shape}, {second.shape}")
    gains = second - first
    differences = _resampled(gains, denominators, resamples, seed)
    low, high = _percentiles(differences, level)
    above, below = (differences >= 0).sum(), (differences <= 0).sum()
    # The observed sample counts as one resample: no p-value is 0 (Davison and Hinkley, 1997).
    tail = (1 + min(above, below)) / (1 + len(differences))
    difference = float(gains.sum() / np.sum(denominators))
    return PairedBootstrap(difference, low, high, float(min(1.0, 2 * tail)), resamples)


def _resampled(
    numerators: Sequence[float], denominators: Sequence[float], resamples: int, seed: int
) -> np.ndarray:
    """Ratios of all resamples with a denominator above 0."""
    if resamples < 1:
        raise ValueError(f"at least one resample is needed, not {resamples}")
    tops = np.asarray(numerators, np.float64)
    bottoms = np.asarray(denominators, np.float64)
    if tops.shape != bottoms.shape or tops.ndim != 1:
        raise ValueError(f"one numerator for each denominator: {tops.shape}, {bottoms.shape}")
    if not bottoms.sum() > 0:
        raise UserError("no reference word: a confidence interval needs at least one")
    generator = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // len(tops))
    ratios = []
    for start in range(0, resamples, rows):
        shape = (min(rows, resamples - start), len(tops))
        drawn = generator.integers(0, len(tops), shape)
        bottom = bottoms[drawn].sum(axis=1)
        # A resample of empty references only has no error rate.
        ratios.append((tops[drawn].sum(axis=1)[bottom > 0]) / bottom[bottom > 0])
    return np.concatenate(ratios)


def _percentiles(ratios: np.ndarray, level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    tail = 50 * (1 - level)
    low, high = np.percentile(ratios, [tail, 100 - tail])
    return float(low), float(high)
