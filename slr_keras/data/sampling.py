"""Select the frames of a clip: random resampling in training, all frames in evaluation.

Every length is a multiple of 4, because the models reduce time by 4 (docs/papers/stark.md §1.6,
§1.7).
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from slr_keras.utils.errors import UserError

REDUCTION = 4
MAX_FRAMES = 400
MODES = ("mixed", "random", "uniform")


def check_frames(frames: int, where: str = "") -> None:
    """Refuse a clip with no frames.

    Args:
        frames: length of the clip.
        where: file, line and sample for the message.

    Raises:
        UserError: the clip has no frames; names the sample.
    """
    if frames < 1:
        prefix = f"{where}: " if where else ""
        raise UserError(f"{prefix}the clip has no frames; remove it from the manifest")


def check_max_frames(max_frames: int) -> None:
    """Refuse a limit that is not a positive multiple of 4.

    Raises:
        UserError: the limit is not valid.
    """
    if max_frames < REDUCTION or max_frames % REDUCTION:
        raise UserError(
            f"max_frames is {max_frames}; it must be a positive multiple of {REDUCTION}"
        )


def required_frames(labels: Sequence[int], merged: bool = True) -> int:
    """Number of frames that a clip needs for its labels: 4 per label.

    CTC merges equal neighbours and needs 4 more frames between them for a blank
    (docs/papers/stark.md §4.3).

    Args:
        labels: labels of the clip.
        merged: whether the loss merges equal neighbours, as CTC does; a conditional gloss decoder
            does not (docs/papers/c2st.md §5.1).

    >>> from slr_keras.data.sampling import required_frames
    >>> required_frames([5, 5, 7]), required_frames([5, 5, 7], merged=False)
    (16, 12)
    """
    return REDUCTION * (len(labels) + (adjacent_repeats(labels) if merged else 0))


def adjacent_repeats(labels: Sequence[int]) -> int:
    """Number of labels that equal the previous label."""
    return sum(first == second for first, second in itertools.pairwise(labels))


def evaluation_length(frames: int, max_frames: int = MAX_FRAMES) -> int:
    """Number of frames that `evaluation_indices` selects; a multiple of 4, at least 4."""
    return max(min(frames, max_frames) // REDUCTION * REDUCTION, REDUCTION)


def evaluation_indices(frames: int, max_frames: int = MAX_FRAMES, where: str = "") -> np.ndarray:
    """Frame indices for evaluation: the central `max_frames` without the last `frames % 4`.

    A clip shorter than 4 frames is extended to 4 by repeating its last frame.
    docs/papers/stark.md §1.6.

    Args:
        frames: length of the clip.
        max_frames: largest number of indices, a multiple of 4.
        where: file, line and sample for the message.

    Returns:
        `(length,)` int64, ascending.

    Raises:
        UserError: the clip has no frames.

    >>> from slr_keras.data.sampling import evaluation_indices
    >>> evaluation_indices(11, max_frames=8).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8]
    >>> evaluation_indices(2).tolist()
    [0, 1, 1, 1]
    """
    check_frames(frames, where)
    first = max(frames - max_frames, 0) // 2
    return np.minimum(first + np.arange(evaluation_length(frames, max_frames)), frames - 1)


def training_length(
    rng: np.random.Generator,
    frames: int,
    max_frames: int = MAX_FRAMES,
    ratio: tuple[float, float] = (0.5, 1.5),
    required: int = 0,
) -> int:
    """Draw the resampled length of a clip (docs/papers/stark.md §1.6).

    The length is uniform on int(0.5 T)..int(1.5 T), both at most `max_frames`, then rounded up to
    a multiple of 4. A clip of one frame, whose lower bound is 0, gets at least 4.

    Args:
        rng: random generator of the clip; one number is drawn.
        frames: length of the clip, T.
        max_frames: largest length, a multiple of 4.
        ratio: bounds of the new length as fractions of T.
        required: the lower bound is raised to this many frames, but not above the upper bound, so
            that the clip stays long enough for its labels; 0 as published.

    >>> import numpy as np
    >>> from slr_keras.data.sampling import training_length
    >>> training_length(np.random.default_rng(0), 100) % 4
    0
    """
    low = min(int(ratio[0] * frames), max_frames)
    high = min(int(ratio[1] * frames), max_frames)
    low = max(low, min(required, high))
    length = int(rng.integers(low, high, endpoint=True))
    return max(math.ceil(length / REDUCTION) * REDUCTION, REDUCTION)


def training_indices(
    rng: np.random.Generator, frames: int, length: int, mode: str = "mixed"
) -> np.ndarray:
    """Draw `length` ascending frame indices of a clip of `frames` frames.

    See docs/papers/stark.md §1.6.

    Args:
        rng: random generator of the clip.
        frames: length of the clip.
        length: number of indices to draw.
        mode: "random" (as published): a sorted random subset without replacement or, to lengthen a
            clip, every frame plus random duplicates; "uniform": evenly spaced; "mixed"
            (recommended): either, with equal probability.

    Returns:
        `(length,)` int64.

    >>> import numpy as np
    >>> from slr_keras.data.sampling import training_indices
    >>> training_indices(np.random.default_rng(0), 8, 4, "uniform").tolist()
    [0, 2, 5, 7]
    """
    if mode not in MODES:
        raise UserError(f"temporal mode {mode!r} is unknown; choose one of {', '.join(MODES)}")
    if mode == "uniform" or (mode == "mixed" and rng.random() < 0.5):
        return np.rint(np.linspace(0, frames - 1, length)).astype(np.int64)
    if length <= frames:
        return np.sort(rng.choice(frames, length, replace=False))
    duplicates = rng.integers(0, frames, length - frames)
    return np.sort(np.concatenate([np.arange(frames), duplicates]))
