"""Accuracy of isolated signs: top-k, per clip and averaged over classes."""

from collections.abc import Sequence

import numpy as np

from slr_keras.utils.errors import UserError

MISS = np.iinfo(np.int64).max
"""Rank of a clip that is a miss at every k."""


def label_ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the rank of the correct class, `(clips,)` int; rank 0 is a hit at top 1.

    Equal scores are ranked in the order of the classes, so that a model with equal scores for all
    classes is correct for the first class only. A clip with a NaN score is a miss at every k,
    whatever its other scores are (docs/papers/stepnet.md §11).

    Args:
        scores: `(clips, classes)`, logits or probabilities.
        labels: `(clips,)` class of each clip.

    Raises:
        UserError: a label outside the classes.

    >>> import numpy as np
    >>> from slr_keras.metrics import label_ranks
    >>> label_ranks(np.array([[0.1, 0.7, 0.2]]), np.array([2])).tolist()
    [1]
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(
            f"scores (clips, classes), labels (clips,): {scores.shape}, {labels.shape}"
        )
    bad = np.flatnonzero((labels < 0) | (labels >= scores.shape[1]))
    if bad.size:
        raise UserError(
            f"label {labels[bad[0]]} of clip {bad[0]} is not one of {scores.shape[1]} classes"
        )
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    ranks = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    return np.where(np.isnan(scores).any(axis=1), MISS, ranks)


def top_k_accuracy(
    scores: np.ndarray, labels: np.ndarray, ks: Sequence[int] = (1, 5, 10)
) -> dict[int, float]:
    """Compute the percentage of clips whose class is among the k best scores.

    Args:
        scores: `(clips, classes)`.
        labels: `(clips,)`.
        ks: values of k.

    Raises:
        UserError: no clip, or a label outside the classes.

    >>> import numpy as np
    >>> from slr_keras.metrics import top_k_accuracy
    >>> scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
    >>> top_k_accuracy(scores, np.array([2, 0]), ks=(1, 2))
    {1: 50.0, 2: 100.0}
    """
    ranks = label_ranks(scores, labels)
    if not ranks.size:
        raise UserError("no clip: an accuracy needs at least one")
    return {k: float(100 * np.mean(ranks < k)) for k in ks}


def per_class_top_k_accuracy(
    scores: np.ndarray, labels: np.ndarray, ks: Sequence[int] = (1, 5, 10)
) -> dict[int, float]:
    """Compute top-k accuracy in percent per class, averaged over the classes that occur.

    Arguments and errors as for `top_k_accuracy`.

    >>> import numpy as np
    >>> from slr_keras.metrics import per_class_top_k_accuracy
    >>> scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    >>> per_class_top_k_accuracy(scores, np.array([0, 0, 0, 1]), ks=(1,))
    {1: 50.0}
    """
    ranks = label_ranks(scores, labels)
    if not ranks.size:
        raise UserError("no clip: an accuracy needs at least one")
    _, index, size = np.unique(labels, return_inverse=True, return_counts=True)
    return {k: float(100 * np.mean(np.bincount(index, ranks < k) / size)) for k in ks}
