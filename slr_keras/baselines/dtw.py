"""Dynamic time warping of one clip against many templates, vectorised over templates."""

from collections.abc import Sequence

import numpy as np

CHUNK = 256


class TemplateBank:
    """Templates of different lengths, concatenated for vectorised warping.

    Args:
        templates: arrays `(frames, features)`, none empty.
        labels: one label per template.

    Raises:
        ValueError: no template, an empty template, or not one label per template.
    """

    def __init__(self, templates: Sequence[np.ndarray], labels: Sequence[str]):
        if not templates or len(templates) != len(labels):
            raise ValueError("as many labels as templates, and at least one")
        self.labels = tuple(labels)
        self.lengths = np.array([len(template) for template in templates])
        if not self.lengths.all():
            raise ValueError("a template needs at least one frame")
        self.states = np.concatenate(templates).astype(np.float32)
        self.starts = np.cumsum(self.lengths) - self.lengths
        self._norms = (self.states**2).sum(axis=1)

    def __len__(self) -> int:
        return len(self.labels)

    def local_distances(self, query: np.ndarray) -> np.ndarray:
        """Compute Euclidean distances of query frames to states, `(frames, states)`."""
        query = np.asarray(query, np.float32)
        squared = (query**2).sum(axis=1)[:, None] + self._norms - 2 * (query @ self.states.T)
        return np.sqrt(np.maximum(squared, 0))


def dtw_distances(query: np.ndarray, bank: TemplateBank, band: float = 0.25) -> np.ndarray:
    """Compute the normalised warping distance of a clip to every template.

    Symmetric form (Sakoe & Chiba 1978): a diagonal step has weight 2, and the sum is divided by the
    sum of both lengths. Each anti-diagonal of the matrix is computed at once for all templates.

    Args:
        query: `(frames, features)`, at least one frame.
        bank: the templates.
        band: maximum distance of the path from the diagonal, as a fraction of the length; widened
            for clips that are too short for the band.

    Returns:
        `(templates,)`

    >>> import numpy as np
    >>> from slr_keras.baselines.dtw import TemplateBank, dtw_distances
    >>> bank = TemplateBank([np.array([[0.0], [1.0]]), np.array([[5.0]])], ["A", "B"])
    >>> dtw_distances(np.array([[0.0], [0.0], [1.0]]), bank, band=1.0).tolist()
    [0.0, 4.75]
    """
    local = bank.local_distances(query)
    order = np.argsort(bank.lengths, kind="stable")
    distances = np.empty(len(bank))
    # Sorted by length, templates of a chunk need little padding.
    for first in range(0, len(order), CHUNK):
        rows = order[first : first + CHUNK]
        distances[rows] = _chunk(local, bank.starts[rows], bank.lengths[rows], band)
    return distances


def _chunk(local: np.ndarray, starts: np.ndarray, lengths: np.ndarray, band: float) -> np.ndarray:
    frames, longest = len(local), int(lengths.max())
    columns = np.arange(longest)[:, None]
    # (query frame, template frame, template): every step is vectorised over the last axis.
    cost = local[:, starts + np.minimum(columns, lengths - 1)]
    cost[_outside(frames, lengths, longest, band)] = np.inf
    shape = (frames, len(lengths))
    before, previous = np.full(shape, np.inf, np.float32), np.full(shape, np.inf, np.float32)
    result = np.full(len(lengths), np.inf)
    for diagonal in range(frames + longest - 1):
        low, high = max(0, diagonal - longest + 1), min(frames, diagonal + 1)
        rows = np.arange(low, high)
        step = cost[rows, diagonal - rows]
        current = np.full(shape, np.inf, np.float32)
        if diagonal == 0:
            current[0] = 2 * step[0]
        else:
            best = previous[low:high] + step
            up = max(low, 1)
            steps = step[up - low :]
            reach = best[up - low :]
            np.minimum(reach, previous[up - 1 : high - 1] + steps, out=reach)
            np.minimum(reach, before[up - 1 : high - 1] + 2 * steps, out=reach)
            current[low:high] = best
        ended = lengths == diagonal - frames + 2
        result[ended] = current[frames - 1, ended]
        before, previous = previous, current
    return result / (frames + lengths)


def _outside(frames: int, lengths: np.ndarray, longest: int, band: float) -> np.ndarray:
    """Cells too far from the diagonal, `(query frames, template frames, templates)`."""
    shorter = np.minimum(frames, lengths)
    # A staircase of `shorter` steps needs at least this much room.
    width = np.where(shorter > 1, np.maximum(band, 1 / np.maximum(shorter - 1, 1)), np.inf)
    query = np.arange(frames)[:, None, None] / max(1, frames - 1)
    template = np.arange(longest)[None, :, None] / np.maximum(1, lengths - 1)
    return np.abs(query - template) > width + 1e-9
