"""Score clips of any length in overlapping windows, with a bounded number of frames in memory.

A model is trained on clips of at most `data.max_frames` frames. Longer clips are cut into windows
of that length. The overlap provides the context that output steps near a cut need. The outputs are
joined in the middle of each overlap.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from slr_keras.data.sampling import REDUCTION
from slr_keras.recognition.scorer import Score, Scores, scored
from slr_keras.utils.errors import UserError

# Output steps next to a cut lack part of their context. STARK's four encoder windows of seven
# frames and the convolutions of its head reach 12 + 8 frames (docs/papers/stark.md §3.10), C²ST's
# two convolutions 6 frames; the influence of recurrent layers decays gradually.
CONTEXT_FRAMES = 24


@dataclass(frozen=True)
class Window:
    """Consecutive frames of a clip, `(frames, ...)`, and the number of the first one."""

    start: int
    frames: np.ndarray

    @property
    def stop(self) -> int:
        """Number of the frame after the last one."""
        return self.start + len(self.frames)


def whole_steps(
    frames: Iterable[np.ndarray], longest: int, repeats_last: bool
) -> Iterator[np.ndarray]:
    """Bring a clip that will be cut into windows to a multiple of 4 frames.

    A clip of up to `longest` frames is not cut and keeps all of its frames.

    Args:
        frames: frames of a clip.
        longest: frames of a window, a multiple of 4.
        repeats_last: repeat the last frame up to the next multiple of 4; otherwise drop the frames
            after the last multiple.

    >>> from slr_keras.recognition.windows import whole_steps
    >>> [len(list(whole_steps(range(count), 8, False))) for count in (7, 8, 11)]
    [7, 8, 8]
    >>> list(whole_steps(range(9), 8, True))[-4:]
    [8, 8, 8, 8]
    """
    held: list[np.ndarray] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += 1
        if len(held) == REDUCTION:
            yield from held
            held = []
    if count <= longest:
        yield from held
    elif held and repeats_last:
        yield from held
        yield from repeat(held[-1], REDUCTION - len(held))


def cut_windows(frames: Iterable[np.ndarray], longest: int) -> Iterator[Window]:
    """Cut a clip into windows while it is read; only the frames of one window are in memory.

    Args:
        frames: frames of a clip; their number is a multiple of 4.
        longest: frames of a window, a multiple of 4; a shorter clip is one window.

    >>> from slr_keras.recognition.windows import cut_windows
    >>> [(window.start, window.stop) for window in cut_windows(range(140), 64)]
    [(0, 64), (16, 80), (32, 96), (48, 112), (64, 128), (76, 140)]
    """
    advance = max(longest - 2 * CONTEXT_FRAMES, REDUCTION)
    kept: deque = deque(maxlen=longest)
    seen = given = 0
    for frame in frames:
        kept.append(frame)
        seen += 1
        if seen >= longest and (seen - longest) % advance == 0:
            given = seen
            yield Window(seen - longest, np.stack(kept))
    if given < seen:
        # The last window ends with the clip.
        yield Window(seen - len(kept), np.stack(kept))


@dataclass
class _WindowedClip:
    """A clip whose windows are being scored."""

    windows: list[tuple[int, int, Scores]] = field(default_factory=list)
    waiting: int = 0
    cut: bool = False
    error: UserError | None = None
    stride: int = REDUCTION

    @property
    def finished(self) -> bool:
        return self.cut and not self.waiting

    def result(self) -> Scores | UserError:
        if not self.error and not self.windows:
            return UserError("the clip has no frames")
        return self.error or join(self.windows, self.stride)


def score_clips(
    clips: Iterable[Iterable[np.ndarray]],
    score: Score,
    longest: int,
    batch_frames: int,
    stride: int = REDUCTION,
) -> Iterator[Scores | UserError]:
    """Score clips in order; a batch may hold windows of several successive clips.

    Args:
        clips: frames of each clip, as for `cut_windows`.
        score: maps a batch of windows `(frames, ...)` to arrays `(steps, classes)` by name, for
            each window.
        longest: frames of a window.
        batch_frames: largest number of frames in a batch, including padding; a single window may be
            longer.
        stride: frames per output step.

    Yields:
        For each clip, the joined scores, or the `UserError` that its frames or its scoring raised.
        An error does not affect other clips.
    """
    open_clips: deque[_WindowedClip] = deque()
    batch: list[tuple[_WindowedClip, Window]] = []

    def flush() -> None:
        results = scored(score, [window.frames for _, window in batch])
        for (clip, window), result in zip(batch, results, strict=True):
            clip.waiting -= 1
            if isinstance(result, UserError):
                clip.error = result
            else:
                clip.windows.append((window.start, window.stop, result))
        batch.clear()

    for frames in clips:
        clip = _WindowedClip(stride=stride)
        open_clips.append(clip)
        try:
            for window in cut_windows(frames, longest):
                lengths = [len(window.frames), *(len(other.frames) for _, other in batch)]
                if max(lengths) * len(lengths) > batch_frames:
                    flush()
                batch.append((clip, window))
                clip.waiting += 1
                if len(window.frames) >= batch_frames:
                    flush()
        except UserError as error:
            clip.error = error
        clip.cut = True
        while open_clips and open_clips[0].finished:
            yield open_clips.popleft().result()
    flush()
    yield from (clip.result() for clip in open_clips)


def join(windows: list[tuple[int, int, Scores]], stride: int = REDUCTION) -> Scores:
    """Join the scores of overlapping windows, using from each window the steps far from its cuts.

    Args:
        windows: first frame, frame after the last, and scores of each window, in order.
        stride: frames per output step.

    >>> import numpy as np
    >>> from slr_keras.recognition.windows import join
    >>> first, second = ({"a": np.full((4, 1), value)} for value in (1, 2))
    >>> join([(0, 16, first), (8, 24, second)])["a"][:, 0].tolist()
    [1, 1, 1, 2, 2, 2]
    """
    if len(windows) == 1:
        return windows[0][2]
    joined: dict[str, list[np.ndarray]] = {name: [] for name in windows[0][2]}
    done = 0
    for place, (start, stop, scores) in enumerate(windows):
        first, end = start // stride, stop // stride
        if place + 1 < len(windows):
            # The middle of the overlap with the next window.
            end = (end + windows[place + 1][0] // stride) // 2
        for name, values in scores.items():
            joined[name].append(values[done - first : end - first])
        done = end
    return {name: np.concatenate(values) for name, values in joined.items()}
