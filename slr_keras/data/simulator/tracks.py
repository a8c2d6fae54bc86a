"""Tracks over time: joining segments, smoothing, slow noise."""

import itertools
from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator.signs import minimum_jerk


@dataclass(frozen=True)
class Segment:
    """What one hand does over the frames [start, start + len(states))."""

    start: int
    states: np.ndarray  # (frames, STATE)

    @property
    def end(self) -> int:
        return self.start + len(self.states)


def join(
    segments: list[Segment],
    rest: np.ndarray,
    frames: int,
    rng: np.random.Generator,
    patience: int,
    swing: int,
) -> np.ndarray:
    """One hand's states (frames, STATE): segments joined by minimum-jerk transitions.

    Gaps of up to `patience` frames are crossed directly; in longer ones the hand goes to rest,
    taking about `swing` frames each way.
    """
    states = np.repeat(rest[None], frames, axis=0)
    if not segments:
        return states
    for segment in segments:
        states[segment.start : segment.end] = segment.states
    first, last = segments[0], segments[-1]
    _travel(states, max(0, first.start - swing), first.start, rest, first.states[0], rng)
    _travel(states, last.end, min(frames, last.end + swing), last.states[-1], rest, rng)
    for before, after in itertools.pairwise(segments):
        gap = after.start - before.end
        if gap <= patience:
            _travel(states, before.end, after.start, before.states[-1], after.states[0], rng)
        else:
            way = min(swing, gap // 2)
            _travel(states, before.end, before.end + way, before.states[-1], rest, rng)
            _travel(states, after.start - way, after.start, rest, after.states[0], rng)
    return states


def _travel(
    states: np.ndarray, start: int, end: int, a: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> None:
    """Fill states[start:end] with a passage from a to b, bowed forwards."""
    frames = end - start
    if frames <= 0:
        return
    time = minimum_jerk((np.arange(frames) + 1) / (frames + 1))[:, None]
    b = b.copy()
    if a[3:7] @ b[3:7] < 0:
        b[3:7] *= -1
    states[start:end] = a + time * (b - a)
    distance = np.linalg.norm(b[:3] - a[:3])
    bow = np.array([rng.normal(0, 0.05), rng.normal(0.02, 0.06), rng.uniform(0.08, 0.25)])
    states[start:end, :3] += 4 * time * (1 - time) * distance * bow


def smooth(tracks: np.ndarray, passes: int) -> np.ndarray:
    """Smooth (T, n) over time with a [1 2 1]/4 kernel, as muscles do."""
    for _ in range(passes):
        padded = np.concatenate([tracks[:1], tracks, tracks[-1:]])
        tracks = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return tracks


def slow_noise(rng: np.random.Generator, frames: int, columns: int, period: float) -> np.ndarray:
    """Unit-variance noise (frames, columns) that changes over about `period` frames."""
    knots = int(frames / period) + 4
    values = rng.normal(size=(knots, columns))
    position = np.arange(frames) / period
    low = position.astype(int)
    weight = (position - low)[:, None]
    weight = weight * weight * (3 - 2 * weight)
    return values[low] * (1 - weight) + values[low + 1] * weight
