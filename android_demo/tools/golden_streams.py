"""Streams and an engine that Python and Kotlin make alike, number by number, from a seed.

`core/src/test/kotlin/.../GoldenStreams.kt` holds the same generator.
"""

from collections.abc import Iterator

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.decoding.hypothesis import log_softmax
from slr_keras.streaming.engine import Engine

BROKEN = (np.nan, np.inf, -np.inf, 0.0, 1e30, -1e30, 3e38)
FACTORS = (1e-30, 1e6, 1e12, 1e30)
SCORES = (0.9, 0.9, 0.9, 0.9, 0.5, 0.05, 0.0, -1.0, np.nan)


class Noise:
    """A linear congruential generator of 64 bits.

    >>> noise = Noise(1)
    >>> round(noise.uniform(), 6), noise.below(10)
    (0.423209, 5)
    """

    def __init__(self, seed: int):
        self.state = seed

    def uniform(self) -> float:
        """From 0 to below 1."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) * 2.0**-53

    def below(self, count: int) -> int:
        """A whole number from 0 to below `count`."""
        return int(self.uniform() * count)


def random_stream(seed: int, known: KeypointContract, frames: int) -> Iterator[np.ndarray]:
    """Frames as no detector should send them, and some as it does; float32."""
    noise = Noise(seed)
    points, channels = len(known.source.points), len(known.source.channels)
    scored = known.source.channels[-1] == "score"
    place = np.array([[noise.uniform() for _ in range(channels)] for _ in range(points)])
    place *= known.image_size[0]
    for _ in range(frames):
        size = known.image_size[0] * (0.0, 0.01, 0.01, 0.2)[noise.below(4)]
        place += np.array([[noise.uniform() - 0.5 for _ in range(channels)] for _ in place]) * size
        frame = place.copy()
        if scored:
            frame[:, -1] = SCORES[noise.below(len(SCORES))]
        kind = noise.below(10)
        if kind == 0:
            broken, share = BROKEN[noise.below(len(BROKEN))], noise.uniform()
            frame[[noise.uniform() < share for _ in place]] = broken
        elif kind == 1:
            frame[:] = BROKEN[noise.below(len(BROKEN))]
        elif kind == 2:
            frame *= FACTORS[noise.below(len(FACTORS))]
        elif kind in (3, 4):
            frame[noise.below(3) :: 3] = np.nan
        with np.errstate(over="ignore"):
            yield frame.astype(np.float32)


class Mixer(Engine):
    """Scores that remember: a leaky mean of what came, seen through a fixed matrix, late.

    Its state is that of its Kotlin counterpart: the mean, and the means on their way.
    """

    frames, delay = 4, 3

    def __init__(self, size: int, classes: int):
        row, column = np.arange(1, size + 1)[:, None], np.arange(1, classes + 1)
        self.matrix = 0.4 * np.sin(12.9898 * row + 78.233 * column)
        self.matrix[:, 0] = 0.05
        self.reset()

    def reset(self) -> None:
        """See `Engine`."""
        self.mean = np.zeros(len(self.matrix), np.float32)
        self.late = [self.mean] * self.delay

    def step(self, frames: np.ndarray | None) -> np.ndarray:
        """See `Engine`."""
        if frames is not None:
            first, second, third, fourth = np.float32(frames).reshape(4, -1)
            now = (first + second + third + fourth) / np.float32(4)
            self.mean = np.float32(0.8) * self.mean + np.float32(0.2) * now
        self.late.append(self.mean)
        return log_softmax(self.late.pop(0).astype(np.float64) @ self.matrix).astype(np.float32)

    def shapes(self, known: KeypointContract) -> tuple[dict, dict]:
        """Inputs and outputs of its Kotlin counterpart, as `metadata.json` describes them."""
        size, classes = self.matrix.shape
        state = {"state_mean": [1, size], "state_late": [1, self.delay, size]}
        frames = [1, self.frames, len(known.points), len(known.channels)]
        inputs = {"keypoints": frames, "valid": [1, 1], **state}
        return inputs, {"log_probabilities": [1, classes], **state}
