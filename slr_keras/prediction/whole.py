"""Clips of one sign: seen as a whole, for a window of one would show part of a sign.

A clip that is longer than the model takes gives evenly spaced frames. Few are kept at any time,
however long the clip.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from slr_keras.errors import UserError
from slr_keras.prediction.windows import Score, Scores


def centres(frames: int, count: int) -> np.ndarray:
    """The middle frames of `count` equal parts of a clip (specs/stepnet.md §2.2), ascending.

    >>> from slr_keras.prediction.whole import centres
    >>> centres(12, 4).tolist(), centres(3, 4).tolist()
    ([1, 4, 7, 10], [0, 1, 1, 2])
    """
    return (2 * np.arange(count) + 1) * frames // (2 * count)


def sampled(frames: Iterable[np.ndarray], most: int, fixed: bool = False) -> np.ndarray:
    """Frames of a clip, evenly spread over all of it.

    Up to `4 * most` frames are in memory. A longer clip is thinned while it comes, so that its
    frames may lie beside the exact places, by at most a quarter of the distance between them.

    Args:
        frames: of the clip, one after another.
        most: how many the model takes.
        fixed: whether a shorter clip, too, is to have so many.

    Returns:
        `(frames, ...)`.

    >>> from slr_keras.prediction.whole import sampled
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
    places = centres(seen, most) if fixed or seen > most else np.arange(seen)
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
        a clip's scores, or the `UserError` that its frames raised; the others go on.
    """
    waiting: list[np.ndarray | UserError] = []

    def flush() -> Iterator[Scores | UserError]:
        batch = [clip for clip in waiting if not isinstance(clip, UserError)]
        found = iter(score(batch) if batch else [])
        for clip in waiting:
            yield clip if isinstance(clip, UserError) else next(found)
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
    yield from flush()
