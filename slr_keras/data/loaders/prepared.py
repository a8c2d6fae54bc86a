"""Prepared clips of a split, read once and kept in memory if they are small."""

import threading
from collections.abc import Callable, Sequence

import numpy as np

#: Largest size of a split's prepared clips that is kept.
MOST_BYTES = 2**30


class PreparedClips:
    """The prepared frames of clips, one after another in one array.

    A split of up to `MOST_BYTES` is prepared once, at its first use. Clips of a larger one are
    prepared each time.

    Args:
        prepare: gives all prepared frames of a row, `(frames, points, channels)`.
        frames: `(rows,)` number of frames of each row.
        frame_bytes: size of a prepared frame.

    >>> import numpy as np
    >>> from slr_keras.data.loaders.prepared import PreparedClips
    >>> clips = PreparedClips(lambda row: np.full((row + 1, 1, 1), row), np.array([1, 2, 3]), 8)
    >>> array, starts, lengths = clips.of([2, 0])
    >>> array.shape, starts.tolist(), lengths.tolist()
    ((6, 1, 1), [3, 0], [3, 1])
    """

    def __init__(self, prepare: Callable[[int], np.ndarray], frames: np.ndarray, frame_bytes: int):
        self._prepare = prepare
        self._lengths = np.asarray(frames)
        self._kept = int(self._lengths.sum()) * frame_bytes <= MOST_BYTES
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._all: np.ndarray | None = None
        self._lock = threading.Lock()

    def of(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """An array that holds the clips of some rows, and their first frames and lengths."""
        rows = np.asarray(rows)
        if self._kept:
            with self._lock:
                if self._all is None:
                    self._all = self._joined(range(len(self._lengths)))
            return self._all, self._starts[rows], self._lengths[rows]
        lengths = self._lengths[rows]
        return self._joined(rows.tolist()), np.cumsum(lengths) - lengths, lengths

    def _joined(self, rows: Sequence[int]) -> np.ndarray:
        return np.concatenate([self._prepare(row) for row in rows]).astype(np.float32, copy=False)
