"""Score clips of isolated signs without cutting them into windows.

A window would show part of the sign only. From a clip that is longer than the model accepts, evenly
spaced frames are taken. The number of frames in memory is bounded.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from slr_keras.data.segments import Segments, centres
from slr_keras.recognition.scorer import Score, Scores, scored
from slr_keras.utils.errors import UserError


def sampled(
    frames: Iterable[np.ndarray], most: int, segments: Segments | None = None
) -> np.ndarray:
    """Sample the frames of a clip as in evaluation: all, evenly spaced, or by segments.

    Up to `4 * most` frames are kept in memory. A longer clip is thinned while it is read. Its
    frames may then differ from the exact positions by up to a quarter of their spacing.

    Args:
        frames: frames of the clip, one after another.
        most: largest number of frames that the model accepts.
        segments: sampling rule of a model with a fixed number of frames; None for other models.

    Returns:
        `(frames, ...)`.

    Raises:
        UserError: the rule asks for consecutive frames, and the clip is too long for memory.

    >>> from slr_keras.recognition.isolated_clips import sampled
    >>> sampled(range(8), 4).tolist(), sampled(range(3), 4).tolist()
    ([1, 3, 5, 7], [0, 1, 2])
    >>> sampled(range(90_000), 4).tolist()
    [8192, 32768, 57344, 81920]
    """
    kept: list[np.ndarray] = []
    seen, step = 0, 1
    for frame in frames:
        if seen % step == 0:
            kept.append(frame)
            if len(kept) > 4 * most:
                kept, step = kept[::2], 2 * step
        seen += 1
    if segments is None:
        places = centres(seen, most) if seen > most else np.arange(seen)
    elif step > 1 and segments.rule == "consecutive":
        raise UserError(
            f"{seen} frames, but the model reads {most} consecutive ones: cut the clip to the sign"
        )
    else:
        places = segments.centres(seen)
    nearest = np.minimum(np.rint(places / step).astype(int), len(kept) - 1)
    return np.stack([kept[place] for place in nearest])


def score_whole_clips(
    clips: Iterable[Iterable[np.ndarray]],
    score: Score,
    sample: Callable[[Iterable[np.ndarray]], np.ndarray],
    batch_frames: int,
) -> Iterator[Scores | UserError]:
    """Score clips in batches of successive clips, in order, without cutting them.

    Args:
        clips: frames of each clip.
        score: maps a batch of clips `(frames, ...)` to arrays by name, for each clip.
        sample: selects the frames to score, such as `sampled`.
        batch_frames: largest number of frames in a batch, including padding; a single clip may be
            longer.

    Yields:
        For each clip, its scores, or the `UserError` that its frames or its scoring raised. An
        error does not affect other clips.
    """
    waiting: list[np.ndarray | UserError] = []

    def flush() -> Iterator[Scores | UserError]:
        batch = [clip for clip in waiting if not isinstance(clip, UserError)]
        results = iter(scored(score, batch))
        for clip in waiting:
            yield clip if isinstance(clip, UserError) else next(results)
        waiting.clear()

    for frames in clips:
        try:
            clip = sample(frames)
        except UserError as error:
            waiting.append(error)
            continue
        lengths = [len(clip), *(len(c) for c in waiting if not isinstance(c, UserError))]
        if max(lengths) * len(lengths) > batch_frames:
            yield from flush()
        waiting.append(clip)
        if len(clip) >= batch_frames:
            yield from flush()
    yield from flush()
