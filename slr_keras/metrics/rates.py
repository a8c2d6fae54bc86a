"""An error rate or an accuracy with its bootstrap interval."""

from collections.abc import Sequence

import numpy as np

from slr_keras.metrics.bootstrap import bootstrap_ratio
from slr_keras.metrics.sign_accuracy import Estimate


def rate(
    errors: Sequence[float], references: Sequence[float], accuracy: bool = False, seed: int = 0
) -> Estimate:
    """Estimate the errors of all clips over their reference glosses, in percent.

    Args:
        errors: `(clips,)`, errors of each clip.
        references: `(clips,)`, reference glosses of each clip; 1 for isolated signs.
        accuracy: give 100 less the error rate.
        seed: of the bootstrap over clips.

    >>> from slr_keras.metrics.rates import rate
    >>> rate([0, 1, 0, 0], [1, 1, 1, 1], accuracy=True).value
    75.0
    """
    value = float(np.sum(errors) / np.sum(references))
    low, high = bootstrap_ratio(errors, references, seed=seed)
    if accuracy:
        value, low, high = 1 - value, 1 - high, 1 - low
    return Estimate(100 * value, 100 * low, 100 * high)
