"""Vectors of prefixes, kept on the host: a frozen model computes each once (specs/c2st.md §3)."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from slr_keras.models.gloss_lm.interface import GlossLanguageModel

Prefix = tuple[int, ...]

# New prefixes are computed in lots and lengths of these sizes, so that shapes are few.
LOT = 32
LENGTH_STEP = 8


class PrefixCache:
    """Vectors by prefix, a tuple of gloss ids; the least recently used are forgotten first.

    Args:
        compute: gives `(n, width)` for a list of n different prefixes.
        width: size of a vector.
        limit: prefixes kept. All of PHOENIX-2014's training prefixes are 54 000.
        dtype: in which they are kept; float16 halves the memory.

    Attributes:
        hits: prefixes found.
        misses: prefixes computed.

    >>> import numpy as np
    >>> from slr_keras.models.gloss_lm import PrefixCache
    >>> cache = PrefixCache(lambda prefixes: [[float(sum(p))] for p in prefixes], width=1)
    >>> cache.vectors([(1, 2), (), (1, 2)])[:, 0].tolist(), cache.misses
    ([3.0, 0.0, 3.0], 2)
    """

    def __init__(
        self,
        compute: Callable[[list[Prefix]], np.ndarray],
        width: int,
        limit: int = 65536,
        dtype: str = "float32",
    ):
        if limit < 1:
            raise ValueError(f"limit must be at least 1; got {limit}")
        self.compute = compute
        self.width = width
        self.limit = limit
        self.dtype = dtype
        self.hits = 0
        self.misses = 0
        self._kept: OrderedDict[Prefix, np.ndarray] = OrderedDict()
        # A data pipeline may ask from several threads.
        self._lock = threading.Lock()

    @classmethod
    def of(cls, model: GlossLanguageModel, limit: int = 65536, dtype: str = "float32"):
        """A cache before a language model that is frozen."""

        def compute(prefixes):
            lots = [prefixes[start : start + LOT] for start in range(0, len(prefixes), LOT)]
            return np.concatenate([_whole_prefixes(model, lot) for lot in lots])

        return cls(compute, model.width, limit, dtype)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, prefix: Sequence[int]) -> bool:
        return tuple(prefix) in self._kept

    def vectors(self, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors of prefixes, `(n, width)` float32, in their order."""
        keys = [tuple(int(gloss) for gloss in prefix) for prefix in prefixes]
        with self._lock:
            found = self._found(dict.fromkeys(keys))
        result = np.empty((len(keys), self.width), np.float32)
        for row, key in enumerate(keys):
            result[row] = found[key]
        return result

    def encode_prefixes(self, labels: np.ndarray, label_lengths: np.ndarray) -> np.ndarray:
        """As `GlossLanguageModel.encode_prefixes`, with arrays."""
        labels = np.asarray(labels)
        steps = range(labels.shape[1] + 1)
        prefixes = [
            tuple(row[: min(t, int(length))])
            for row, length in zip(labels.tolist(), label_lengths, strict=True)
            for t in steps
        ]
        return self.vectors(prefixes).reshape(len(labels), len(steps), self.width)

    def clear(self) -> None:
        """Forget everything, as after another training of the model."""
        with self._lock:
            self._kept.clear()

    def _found(self, keys: dict[Prefix, None]) -> dict[Prefix, np.ndarray]:
        found = {key: self._kept[key] for key in keys if key in self._kept}
        missing = [key for key in keys if key not in found]
        if missing:
            computed = np.asarray(self.compute(missing)).astype(self.dtype)
            found.update(zip(missing, computed, strict=True))
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        for key in keys:
            self._kept[key] = found[key]
            self._kept.move_to_end(key)
        while len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        return found


def _whole_prefixes(model: GlossLanguageModel, prefixes: list[Prefix]) -> np.ndarray:
    """Vectors of up to LOT prefixes, in one call of a shape that repeats."""
    longest = max(map(len, prefixes))
    labels = np.zeros((LOT, -(-longest // LENGTH_STEP) * LENGTH_STEP), np.int32)
    lengths = np.zeros(LOT, np.int32)
    for row, prefix in enumerate(prefixes):
        labels[row, : len(prefix)] = prefix
        lengths[row] = len(prefix)
    # The last place repeats the whole sentence's vector.
    vectors = model.encode_prefixes(labels, lengths)[:, -1]
    return np.asarray(vectors, np.float32)[: len(prefixes)]
