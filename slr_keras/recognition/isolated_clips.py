"""Clips of one sign: seen as a whole, for a window of one would show part of a sign.

A clip that is longer than the model takes gives evenly spaced frames. Few are kept at any time,
however long the clip.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import numpy as np

from slr_keras.data.segments import Segments, centres
from slr_keras.recognition.scorer import Score, Scores
from slr_keras.utils.errors import UserError


def sampled(
    frames: Iterable[np.ndarray], most: int, segments: Segments | None = None
) -> np.ndarray:
    """Frames of a clip, as evaluation takes them: all, evenly spread, or as segments say.

    Up to `4 * most` frames are in memory. A longer clip is thinned while it comes, so that its
    frames may lie beside the exact places, by at most a quarter of the distance between them.

    Args:
        frames: of the clip, one after another.
        most: how many the model takes.
        segments: which frames of every clip a model takes that takes a fixed number.

    Returns:
        `(frames, ...)`.

    Raises:
        UserError: frames in a row are asked for of a clip too long to be kept.

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
            f"{seen} frames, of which the model sees {most} in a row: cut the sign out of the clip"
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
    """Scores of clips that are not cut, in their order; neighbours are scored together.

    Args:
        clips: the frames of each.
        score: gives, for clips `(frames, ...)` scored in one batch, arrays by name.
        sample: takes the frames that are scored, as `sampled` does.
        batch_frames: frames scored at the same time, padding included, if not one clip alone.

    Yields:
        a clip's scores, or the `UserError` that its frames or its scoring raised; the others go
        on.
    """
    waiting: list[np.ndarray | UserError] = []

    def flush() -> Iterator[Scores | UserError]:
        batch = [clip for clip in waiting if not isinstance(clip, UserError)]
        results: Iterator[Scores | UserError]
        try:
            results = iter(score(batch) if batch else [])
        except UserError as error:
            results = repeat(error)
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
