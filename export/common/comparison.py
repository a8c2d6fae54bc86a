"""Difference between two arrays of scores."""

import numpy as np


def relative_error(scores: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference, divided by the largest absolute expected value.

    >>> import numpy as np
    >>> from export.common.comparison import relative_error
    >>> relative_error(np.array([1.0, 4.1]), np.array([1.0, -4.0]))
    2.025
    """
    return float(np.abs(scores - expected).max() / max(np.abs(expected).max(), 1e-30))
