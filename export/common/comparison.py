"""Comparison of an exported model with Keras: scores, best classes, and a useless model."""

import numpy as np

from slr_keras.utils.errors import UserError


def relative_error(scores: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference, divided by the largest absolute expected value.

    >>> import numpy as np
    >>> from export.common.comparison import relative_error
    >>> relative_error(np.array([1.0, 4.1]), np.array([1.0, -4.0]))
    2.025
    """
    return float(np.abs(scores - expected).max() / max(np.abs(expected).max(), 1e-30))


# Error rate in percent from which a model names hardly anything.
USELESS = 90.0


def require_agreement(agreement: float | None, floor: float, precision: str) -> None:
    """Refuse a model that mostly names other classes than Keras, whatever its error rate is.

    An exported model that names nothing loses no points against a model that names nothing.

    Args:
        agreement: fraction of steps whose best class is that of Keras; None: nothing was compared.
        floor: lowest fraction.
        precision: for the message.

    Raises:
        UserError: the fraction is lower.

    >>> from export.common.comparison import require_agreement
    >>> require_agreement(0.98, 0.95, "fp32")
    """
    if agreement is not None and not agreement >= floor:
        raise UserError(
            f"{precision}: its best class is that of Keras in {100 * agreement:.1f} % of the steps "
            f"of the dev split, fewer than {100 * floor:g} %; nothing was written"
        )


def useless_model(error_rate: float) -> str:
    """A warning about a model that recognises nothing; empty for another.

    >>> from export.common.comparison import useless_model
    >>> useless_model(100.0).partition(";")[0]
    'warning: the model itself has an error rate of 100.0 % on the dev split'
    """
    if error_rate < USELESS:
        return ""
    return (
        f"warning: the model itself has an error rate of {error_rate:.1f} % on the dev split; that "
        "the export loses no points says nothing: train the model longer, or check its data"
    )
