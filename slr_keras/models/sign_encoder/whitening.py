"""Linear map under which clips of one sign lie close together, in closed form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Whitening:
    """An affine map from features to a vector.

    Attributes:
        matrix: `(features, dimension)` float64.
        offset: `(dimension,)` float64, added to the product.
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Vectors `(clips, dimension)` of features `(clips, features)`."""
        return features @ self.matrix + self.offset


def fit_whitening(
    features: np.ndarray,
    labels: Sequence[str],
    centred: np.ndarray,
    dimension: int,
    shrinkage: float = 0.2,
) -> Whitening:
    """Whiten by the covariance within signs, and order the components by their variance.

    S is the mean over the signs of the covariance of their clips, shrunk towards a multiple of the
    identity: `(1 - a) S + a tr(S) / d I`. Features are multiplied by `S^(-1/2)`, which gives every
    direction in which clips of one sign differ the same length, and rotated to their principal
    components. The offset moves their mean to the origin.

    Args:
        features: `(clips, features)`.
        labels: sign of each clip.
        centred: `(clips,)` bool; the mean and the principal components are those of these clips.
            Augmented copies widen S alone.
        dimension: number of leading components that are kept.
        shrinkage: a, from 0 to 1.

    Raises:
        ValueError: fewer features than `dimension`, or values that are not finite.

    >>> import numpy as np
    >>> from slr_keras.models.sign_encoder import fit_whitening
    >>> rng = np.random.default_rng(0)
    >>> signs = np.repeat([[0.0, 0.0], [0.0, 1.0]], 50, axis=0)
    >>> clips = signs + rng.normal(size=(100, 2)) * [5.0, 0.1]
    >>> labels = ["a"] * 50 + ["b"] * 50
    >>> fitted = fit_whitening(clips, labels, np.ones(100, bool), 1, shrinkage=0.0)
    >>> vectors = fitted(clips)[:, 0]
    >>> bool((vectors[:50] > 0).all() or (vectors[:50] < 0).all())
    True
    """
    features = np.asarray(features, np.float64)
    size = features.shape[1]
    if not np.isfinite(features).all():
        raise ValueError("the features have values that are not finite")
    if dimension > size:
        raise ValueError(f"{size} features cannot give {dimension} components")
    names, numbers = np.unique(np.asarray(labels), return_inverse=True)
    within = np.zeros((size, size))
    for number in range(len(names)):
        rows = features[numbers == number]
        rows = rows - rows.mean(axis=0)
        within += rows.T @ rows / len(rows)
    within /= len(names)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    lengths, directions = np.linalg.eigh(within)
    whitening = (directions / np.sqrt(lengths)) @ directions.T
    whitened = features[centred] @ whitening
    mean = whitened.mean(axis=0)
    variances, components = np.linalg.eigh(np.cov((whitened - mean).T))
    rotation = _signed(components[:, np.argsort(variances)[::-1][:dimension]])
    return Whitening(whitening @ rotation, -mean @ rotation)


def _signed(components: np.ndarray) -> np.ndarray:
    """The components with a positive largest entry: an eigenvector has no sign of its own."""
    largest = np.abs(components).argmax(axis=0)
    return components * np.sign(components[largest, np.arange(components.shape[1])])
