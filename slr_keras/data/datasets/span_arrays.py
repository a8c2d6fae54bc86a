"""Spans of the signs of many clips in one array, `[start, end)` in frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans
from slr_keras.utils.errors import UserError

Spans = list[list[int]]


def spans_of_clips(
    path: Path, spans: np.ndarray, counts: Sequence[int], lengths: np.ndarray | None = None
) -> list[Spans]:
    """The spans of every clip, from an array of all clips.

    Args:
        path: file of the array, for messages.
        spans: (clips, signs, 2), with spans of end <= start, such as [-1, -1], behind the last sign
            of a shorter clip; or (all signs, 2), clip after clip.
        counts: number of glosses of every clip.
        lengths: number of spans of every clip, where the file says it.

    Returns:
        For every clip one [start, end] a gloss, end exclusive.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from slr_keras.data.datasets.span_arrays import spans_of_clips
    >>> spans_of_clips(Path("spans.npz"), np.array([[0, 5], [5, 9], [2, 7]]), [2, 1])
    [[[0, 5], [5, 9]], [[2, 7]]]
    >>> spans_of_clips(Path("a.npz"), np.array([[[0, 5], [5, 9]], [[2, 7], [-1, -1]]]), [2, 1])
    [[[0, 5], [5, 9]], [[2, 7]]]

    Raises:
        UserError: another shape, no whole numbers, or another number of spans than of glosses;
            names the file and the clip.
    """
    if spans.dtype.kind not in "iu" or spans.ndim not in (2, 3) or spans.shape[-1] != 2:
        raise UserError(
            f"{path}: 'spans' is {spans.dtype} of shape {spans.shape}; give whole numbers of shape "
            "(clips, signs, 2), or (all signs, 2)"
        )
    if spans.ndim == 3:
        clips = [clip[clip[:, 1] > clip[:, 0]] for clip in spans]
    else:
        sizes = np.asarray(counts if lengths is None else lengths)
        if sizes.dtype.kind not in "iu" or (sizes < 0).any() or sizes.sum() != len(spans):
            raise UserError(f"{path}: {len(spans)} 'spans' for {int(sizes.sum())} signs")
        clips = np.split(spans, np.cumsum(sizes)[:-1])
    if len(clips) != len(counts):
        raise UserError(f"{path}: 'spans' of {len(clips)} clips, but there are {len(counts)}")
    for row, (clip, count) in enumerate(zip(clips, counts)):
        if len(clip) != count:
            raise UserError(f"{path}: row {row} has {len(clip)} spans for {count} glosses")
    return [clip.tolist() for clip in clips]


def every_nth(spans: Sequence[Sequence[int]], step: int) -> Spans:
    """The spans after every n-th frame was taken, from the first one.

    >>> from slr_keras.data.datasets.span_arrays import every_nth
    >>> every_nth([[0, 5], [5, 9]], 2)
    [[0, 3], [3, 5]]
    """
    return [[-(-start // step), -(-end // step)] for start, end in spans]


def require_fit(where: str, id: str, glosses: Sequence[str], frames: int, spans: Spans) -> None:
    """Check spans of a clip that is to be written.

    Args:
        where: file, for the message.
        id, glosses, frames: of the clip.
        spans: [start, end) of every gloss.

    Raises:
        UserError: a span is empty, out of order or outside the clip; names the clip.
    """
    try:
        checked_spans(Sample(id, tuple(glosses), frames=frames), spans)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
