"""Learned metric for templates: linear discriminant analysis of frames."""

from collections.abc import Sequence

import numpy as np

THIRDS = 3


class LinearMetric:
    """Linear discriminant projection: maximises between-class over within-class variance.

    A class is one third of one gloss, because the beginning and end of a sign differ. The
    within-class covariance is shrunk towards a multiple of the identity, so that few templates
    suffice.

    Args:
        dimensions: number of the most discriminative dimensions to keep.
        shrinkage: fraction of the mean variance added to every direction.

    >>> import numpy as np
    >>> from slr_keras.baselines.metric import LinearMetric
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(40, 6, 2)) * [5.0, 0.1]
    >>> pieces = [("AB"[k % 2], piece + [0, k % 2]) for k, piece in enumerate(noise)]
    >>> metric = LinearMetric(dimensions=1).fit(pieces)
    >>> points = metric(np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 1.0]]))
    >>> bool(abs(points[1, 0] - points[0, 0]) < abs(points[2, 0] - points[0, 0]))
    True
    """

    def __init__(self, dimensions: int = 24, shrinkage: float = 0.05):
        self.dimensions, self.shrinkage = dimensions, shrinkage
        self._projection: np.ndarray | None = None

    def fit(self, pieces: Sequence[tuple[str, np.ndarray]]) -> "LinearMetric":
        """Fit to labelled pieces `(label, (frames, features))`."""
        frames = np.concatenate([piece for _, piece in pieces]).astype(np.float64)
        keys = [(label, THIRDS * k // len(p)) for label, p in pieces for k in range(len(p))]
        index = {key: k for k, key in enumerate(dict.fromkeys(keys))}
        classes = np.array([index[key] for key in keys])
        count = np.bincount(classes)
        means = np.zeros((len(count), frames.shape[1]))
        np.add.at(means, classes, frames)
        means /= count[:, None]
        within = frames - means[classes]
        spread = within.T @ within / len(frames)
        spread += (self.shrinkage * np.trace(spread) / len(spread) + 1e-9) * np.eye(len(spread))
        centred = (means - frames.mean(axis=0)) * np.sqrt(count / len(frames))[:, None]
        whiten = np.linalg.inv(np.linalg.cholesky(spread))
        _, directions = np.linalg.eigh(whiten @ centred.T @ centred @ whiten.T)
        self._projection = (directions[:, ::-1][:, : self.dimensions].T @ whiten).T
        return self

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Project `(frames, features)` to `(frames, dimensions)` float32."""
        return (frames @ self._projection).astype(np.float32)
