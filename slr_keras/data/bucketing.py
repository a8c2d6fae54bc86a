"""Plan batches of clips of similar length; only the lengths of clips are needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.sampling import REDUCTION

FILLER = -1
MOST_BUCKETS = 12


@dataclass(frozen=True)
class PlannedBatch:
    """The rows of one batch and their padded length.

    Attributes:
        rows: rows of the manifest; `FILLER` (-1) marks a place without a clip.
        frames: padded length, a multiple of 4.
        number: position of the batch in its epoch.
    """

    rows: tuple[int, ...]
    frames: int
    number: int = 0

    def part(self, index: int, parts: int) -> "PlannedBatch":
        """The `index`-th of `parts` equal slices of the batch, with the padded length of the batch.

        >>> from slr_keras.data.bucketing import PlannedBatch
        >>> PlannedBatch((3, 1, 4, -1), 40).part(1, 2).rows
        (4, -1)
        """
        if len(self.rows) % parts:
            raise ValueError(f"{len(self.rows)} rows do not divide into {parts} equal parts")
        size = len(self.rows) // parts
        return PlannedBatch(self.rows[index * size : (index + 1) * size], self.frames, self.number)


def bucket_boundaries(
    lengths: np.ndarray, batch_size: int, given: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Upper bounds of the length buckets; quantiles of the lengths by default.

    Args:
        lengths: `(clips, ...)` possible lengths in an epoch.
        batch_size: clips per batch; limits the number of buckets, so that each fills some batches.
        given: bounds that the user gave; bounds beyond the longest clip are dropped.

    Returns:
        Ascending multiples of 4, the last at least the largest length. A bucket holds lengths up to
        and including its bound.

    >>> import numpy as np
    >>> from slr_keras.data.bucketing import bucket_boundaries
    >>> bucket_boundaries(np.array([10, 20, 30, 40, 50, 60, 70, 80]), batch_size=1)
    (20, 40, 60, 80)
    >>> bucket_boundaries(np.array([10, 70]), batch_size=1, given=[30, 50, 400])
    (32, 52, 72)
    """
    longest = _round_up(lengths.max())
    if given is None:
        buckets = int(np.clip(len(lengths) // (2 * batch_size), 1, MOST_BUCKETS))
        fractions = np.arange(1, buckets) / buckets
        given = np.quantile(lengths, fractions, method="inverted_cdf") if len(fractions) else ()
    bounds = {_round_up(bound) for bound in given if 0 < bound < longest}
    return tuple(sorted(bounds | {longest}))


def expected_lengths(frames: np.ndarray, ratio: tuple[float, float], max_frames: int) -> np.ndarray:
    """Nine evenly spaced lengths `(clips, 9)` of each clip that resampling may give."""
    lengths = np.outer(frames, np.linspace(*ratio, 9))
    return np.clip(lengths, REDUCTION, max_frames).astype(int)


def training_batches(
    rng: np.random.Generator,
    lengths: np.ndarray,
    batch_size: int,
    boundaries: Sequence[int],
    fill: bool = False,
    pad_to_boundary: bool = False,
) -> list[PlannedBatch]:
    """Plan an epoch of training: every clip once, batches of similar length in random order.

    Each bucket is shuffled and divided into full batches. The remaining clips of all buckets,
    shortest bucket first, form further batches. At most one batch of an epoch is not full.

    Args:
        rng: random generator of the epoch.
        lengths: `(clips,)` resampled lengths in this epoch.
        batch_size: clips per batch.
        boundaries: upper bounds of the buckets, ascending.
        fill: complete the short batch with `FILLER`.
        pad_to_boundary: pad to the bound of the bucket instead of the longest clip of the batch.
    """
    bucket_of = np.searchsorted(boundaries, lengths)
    groups, left_over = [], []
    for bucket in np.unique(bucket_of):
        rows = rng.permutation(np.flatnonzero(bucket_of == bucket))
        full = len(rows) // batch_size * batch_size
        groups += [rows[start : start + batch_size] for start in range(0, full, batch_size)]
        left_over += rows[full:].tolist()
    groups += _chunks(left_over, batch_size)
    order = rng.permutation(len(groups))
    size = batch_size if fill else 1
    return _planned((groups[i] for i in order), lengths, boundaries, size, pad_to_boundary)


def evaluation_batches(
    lengths: np.ndarray,
    batch_size: int,
    boundaries: Sequence[int] = (),
    multiple: int = 1,
    pad_to_boundary: bool = False,
) -> list[PlannedBatch]:
    """Plan an evaluation: every clip once, shortest first, ties in manifest order.

    Args:
        lengths: `(clips,)` lengths.
        batch_size: clips per batch; the last batch may be smaller.
        boundaries: upper bounds of the buckets, needed with `pad_to_boundary`.
        multiple: complete batches with `FILLER` to a multiple of this number.
        pad_to_boundary: pad to the bound of the bucket instead of the longest clip of the batch.

    >>> import numpy as np
    >>> from slr_keras.data.bucketing import evaluation_batches
    >>> [batch.rows for batch in evaluation_batches(np.array([80, 20, 40]), 2, multiple=2)]
    [(1, 2), (0, -1)]
    """
    groups = _chunks(np.argsort(lengths, kind="stable"), batch_size)
    return _planned(groups, lengths, boundaries, multiple, pad_to_boundary)


def padding_fraction(batches: Iterable[PlannedBatch], lengths: np.ndarray) -> float:
    """Fraction of the frames in the batches that are padding, 0 to 1; fillers count as padding.

    >>> import numpy as np
    >>> from slr_keras.data.bucketing import evaluation_batches, padding_fraction
    >>> lengths = np.array([20, 40, 80])
    >>> padding_fraction(evaluation_batches(lengths, batch_size=3), lengths)
    0.41666666666666663
    """
    batches = list(batches)
    total = sum(batch.frames * len(batch.rows) for batch in batches)
    real = sum(int(lengths[row]) for batch in batches for row in batch.rows if row != FILLER)
    return 1 - real / total


def _planned(groups, lengths, boundaries, multiple, pad_to_boundary) -> list[PlannedBatch]:
    batches = []
    for number, group in enumerate(groups):
        frames = int(max(lengths[row] for row in group))
        if pad_to_boundary:
            frames = int(boundaries[np.searchsorted(boundaries, frames)])
        rows = [int(row) for row in group] + [FILLER] * (-len(group) % multiple)
        batches.append(PlannedBatch(tuple(rows), frames, number))
    return batches


def _chunks(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _round_up(length: float) -> int:
    return int(-(-length // REDUCTION) * REDUCTION)
