"""How far two arrays of scores differ."""

import numpy as np


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, as a share of the largest expected value.

    >>> import numpy as np
    >>> from export.lite.checks import relative_error
    >>> relative_error(np.array([1.0, 4.1]), np.array([1.0, -4.0]))
    2.025
    """
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))
