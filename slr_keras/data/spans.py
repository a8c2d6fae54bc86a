"""Spans of a sample: the frames of each gloss."""

from collections.abc import Sequence

import numpy as np

from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError


def checked_spans(sample: Sample, spans: object) -> list[tuple[int, int]]:
    """Check the spans of a sample's glosses, `[start, end)` in frames.

    Returns:
        One (start, end) per gloss.

    Raises:
        UserError: the spans do not fit the glosses or the frames; names the sample.
    """
    try:
        pairs = [(int(start), int(end)) for start, end in spans]
    except (TypeError, ValueError) as error:
        raise UserError(
            f"sample {sample.id!r}: spans must be a list of [start, end] in frames ({error})"
        ) from error
    if len(pairs) != len(sample.glosses):
        raise UserError(
            f"sample {sample.id!r}: {len(pairs)} spans for {len(sample.glosses)} glosses; "
            "give one per gloss or none at all"
        )
    before = 0
    for start, end in pairs:
        # Annotated signs may overlap, but must be in order.
        if not before <= start < end <= sample.frames:
            raise UserError(
                f"sample {sample.id!r}: span [{start}, {end}) is empty, begins before the one "
                f"in front of it, or lies outside the {sample.frames} frames"
            )
        before = start
    return pairs


def spans_among(spans: Sequence[tuple[int, int]], frames: np.ndarray) -> np.ndarray:
    """Spans in a selection of the frames of a clip.

    Args:
        spans: [start, end) of each gloss in frames of the clip.
        frames: `(time,)` ascending numbers of the selected frames; frames may be repeated.

    Returns:
        `(spans, 2)` int32: [start, end) in the selected frames; (0, 0) if none is selected.

    >>> import numpy as np
    >>> from slr_keras.data.spans import spans_among
    >>> spans_among([(0, 4), (6, 9), (9, 10)], np.array([0, 2, 4, 6, 8])).tolist()
    [[0, 2], [3, 5], [0, 0]]
    """
    bounds = np.array(spans, np.int64).reshape(-1, 2)
    placed = np.searchsorted(frames, bounds).astype(np.int32)
    placed[placed[:, 0] == placed[:, 1]] = 0
    return placed
