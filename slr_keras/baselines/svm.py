"""Support vector machine for isolated signs, with clips resampled to the same length."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np

from slr_keras.baselines.base import Baseline, Pieces
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

COSTS = (1.0, 10.0, 100.0)
SHARPNESSES = (0.25, 1.0, 4.0)
"""Kernel coefficients, in units of 1 / mean squared distance of the training clips."""
MOST_CLIPS = 20_000
"""Largest number of training clips; their kernel matrix takes 3.2 GB."""


class SvmBaseline(Baseline):
    """One-vs-one support vector machines with a Gaussian kernel (scikit-learn).

    A clip is represented by its features at `moments` evenly spaced times. Where it mirrors, the
    mirrored training clips are learnt, too. Cost, kernel width and the mirror are tuned on the
    whole dev split.

    Args:
        moments: number of times at which a clip is sampled.
        shared: see `Baseline`.

    Raises:
        UserError: scikit-learn is not installed.
    """

    tuning_clips = None

    def __init__(self, moments: int = 16, **shared):
        super().__init__(**shared)
        self.moments = moments
        _support_vector_classifier()

    def _default_per_gloss(self) -> int:
        return 0

    def _build(self, pieces, progress) -> None:
        if not self.isolated:
            raise UserError(
                "svm names the one sign of a clip, but the training clips are sentences"
            )
        plain = pieces()
        self.machines = {
            mirror: KernelMachines(plain + (pieces(mirrored=True) if mirror else []), self.moments)
            for mirror in self.mirrors
        }
        self.options = {"mirror": self.mirrors[0], "cost": 10.0, "sharpness": 1.0}

    def _evidence(self, prepared) -> dict[bool, np.ndarray]:
        vector = resampled(self.features(prepared), self.moments)
        return {
            mirror: machines.squared_distances(vector[None])
            for mirror, machines in self.machines.items()
        }

    def _stages(self, evidence) -> list[list[dict[str, Any]]]:
        grid = product(self._mirror_stage(), COSTS, SHARPNESSES)
        return [
            [mirror | {"cost": cost, "sharpness": sharpness} for mirror, cost, sharpness in grid]
        ]

    def _decode(self, evidence, mirror: bool, cost: float, sharpness: float) -> tuple[str, ...]:
        return (self.machines[mirror].named(evidence[mirror], cost, sharpness),)


class KernelMachines:
    """Support vector machines over the same clips, one for each cost and kernel width.

    Args:
        labelled: label and features `(frames, features)` of each clip.
        moments: see `SvmBaseline`.

    Raises:
        UserError: too many clips for a kernel matrix in memory.
    """

    def __init__(self, labelled: Pieces, moments: int):
        if len(labelled) > MOST_CLIPS:
            raise UserError(
                f"svm would learn from {len(labelled)} clips, copies included, and the kernel of "
                f"more than {MOST_CLIPS} takes too much memory; limit --templates, or mirror or "
                "augment less"
            )
        self.labels = [label for label, _ in labelled]
        self.vectors = np.stack([resampled(piece, moments) for _, piece in labelled])
        self._norms = (self.vectors**2).sum(axis=1)
        self._squares = self.squared_distances(self.vectors)
        self._unit = float(self._squares.mean()) or 1.0
        self._machine = cache(self._trained)

    def squared_distances(self, vectors: np.ndarray) -> np.ndarray:
        """Squared distances to every training clip, `(clips, training clips)`."""
        norms = (vectors**2).sum(axis=1)[:, None]
        return np.maximum(norms + self._norms - 2 * (vectors @ self.vectors.T), 0)

    def kernel(self, squares: np.ndarray, sharpness: float) -> np.ndarray:
        """Gaussian kernel of squared distances."""
        return np.exp(-squares * (sharpness / self._unit))

    def named(self, squares: np.ndarray, cost: float, sharpness: float) -> str:
        """The label of a clip.

        Args:
            squares: `(1, training clips)` from `squared_distances`.
            cost, sharpness: options of the machine, which is trained when first asked for.
        """
        if len(set(self.labels)) == 1:
            return self.labels[0]
        machine = self._machine(cost, sharpness)
        return str(machine.predict(self.kernel(squares, sharpness))[0])

    def _trained(self, cost: float, sharpness: float):
        machine = _support_vector_classifier()(C=cost, kernel="precomputed")
        return machine.fit(self.kernel(self._squares, sharpness), self.labels)


def resampled(view: np.ndarray, moments: int) -> np.ndarray:
    """Interpolate a clip's features at evenly spaced times, first and last frame included.

    Args:
        view: `(frames, features)`, at least one frame.
        moments: number of times.

    Returns:
        `(moments * features,)` float64.

    >>> import numpy as np
    >>> from slr_keras.baselines.svm import resampled
    >>> resampled(np.array([[0.0], [1.0], [2.0]]), 5).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    times = np.linspace(0, len(view) - 1, moments)
    before = np.minimum(times.astype(int), max(len(view) - 2, 0))
    fraction = (times - before)[:, None]
    after = np.minimum(before + 1, len(view) - 1)
    values = view.astype(np.float64)
    return ((1 - fraction) * values[before] + fraction * values[after]).reshape(-1)


def _support_vector_classifier():
    try:
        from sklearn.svm import SVC
    except ImportError as error:
        raise UserError(f"svm needs scikit-learn; {install('svm')}") from error
    return SVC
