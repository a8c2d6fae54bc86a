"""Confidence interval of a ratio of sums by resampling sentences."""

from collections.abc import Sequence

import numpy as np

from slr_keras.errors import UserError

_CELLS_AT_ONCE = 4_000_000


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of `sum(numerators) / sum(denominators)`.

    Items (sentences, clips) are drawn with replacement, so what varies together within one of
    them stays together.

    Args:
        numerators, denominators: (items,).
        level: share of the resamples inside the interval, in (0, 1).
        resamples: number of resamples, at least 1.
        seed: the same seed gives the same interval.

    Raises:
        UserError: no item, or denominators that sum to zero.

    >>> from slr_keras.metrics import bootstrap_ratio
    >>> low, high = bootstrap_ratio([0, 1] * 50, [1, 1] * 50)
    >>> low < 0.5 < high
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
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
        # A resample of nothing but empty references has no rate.
        ratios.append((tops[drawn].sum(axis=1)[bottom > 0]) / bottom[bottom > 0])
    tail = 50 * (1 - level)
    low, high = np.percentile(np.concatenate(ratios), [tail, 100 - tail])
    return float(low), float(high)
