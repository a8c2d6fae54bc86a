"""Simulated pose detector: scores, jitter, drop-outs and swapped hands."""

from dataclasses import dataclass

import numpy as np

LEFT_HAND, RIGHT_HAND = slice(91, 112), slice(112, 133)
FACE = slice(23, 91)


@dataclass(frozen=True)
class Detector:
    """Rates of a detector's errors.

    Attributes:
        jitter: standard deviation in pixels (of a 260-pixel-high image) at score 1.
        point_dropout: chance per point and frame that a drop-out starts; it lasts 1-4 frames.
        hand_dropout: chance per hand and clip of a span of 3-14 frames without that hand.
        zeros: fraction of clips whose lost points are all zero; otherwise they are garbage at a low
            score, as heat-map detectors give.
        swap: chance per frame, while the hands are close, that they are taken for each other
            for 1-4 frames.
        lost_score: greatest score of a lost point.
    """

    jitter: float = 0.45
    point_dropout: float = 0.004
    hand_dropout: float = 0.15
    zeros: float = 0.3
    swap: float = 0.015
    lost_score: float = 0.15


def detect(
    pixels: np.ndarray,
    depth: np.ndarray,
    size: tuple[float, float],
    rng: np.random.Generator,
    detector: Detector = Detector(),
) -> np.ndarray:
    """Keypoints (T, 133, 3) float32: x, y in pixels and score, from true pixels (T, 133, 2).

    >>> import numpy as np
    >>> from slr_keras.data.simulator.detector import detect
    >>> pixels = np.full((4, 133, 2), 100.0)
    >>> detect(pixels, np.zeros((4, 133)), (210, 260), np.random.default_rng(0)).shape
    (4, 133, 3)
    """
    frames, points = pixels.shape[:2]
    scale = size[1] / 260.0
    score = _scores(pixels / scale, depth, rng)
    sigma = scale * detector.jitter * (1 + 3.0 * (1 - score))
    sigma[:, FACE] *= 0.6
    noisy = pixels + _correlated(rng, pixels.shape) * sigma[..., None]

    _swap_hands(noisy, score, scale, rng, detector)
    outside = np.any((noisy < 0) | (noisy > np.array(size) - 1), axis=-1)
    lost = _lost(frames, points, rng, detector)
    low = 0.02 + rng.random((frames, points), dtype=np.float32) * max(detector.lost_score - 0.02, 0)
    # A heat map cannot answer outside the image: its best guess lies near the border.
    noisy = np.clip(noisy, 0, np.array(size) - 1)
    score = np.where(outside, np.minimum(score, low * 1.6), score)

    if rng.random() < detector.zeros:
        noisy[lost], score = 0.0, np.where(lost, 0.0, score)
    else:
        stray = noisy[lost] + rng.normal(0, 22 * scale, (np.count_nonzero(lost), 2))
        noisy[lost] = np.clip(stray, 0, np.array(size) - 1)
        score = np.where(lost, low, score)
    return np.concatenate([noisy, score[..., None]], axis=-1).astype(np.float32)


def _scores(pixels: np.ndarray, depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores (T, n) of a 260-pixel-high image: less for fast and hidden points."""
    frames, points = depth.shape
    base = np.full(points, 0.90)
    base[FACE], base[11:23], base[91:133] = 0.93, 0.62, 0.84
    base = base + rng.normal(0, 0.02, points)
    speed = np.zeros((frames, points))
    if frames > 1:
        speed[1:] = np.linalg.norm(np.diff(pixels, axis=0), axis=-1)
        speed[0] = speed[1]
    score = base - 0.018 * np.clip(speed - 3.0, 0, 20)
    for hand in (LEFT_HAND, RIGHT_HAND):
        centre = pixels[:, hand].mean(axis=1, keepdims=True)
        near = np.linalg.norm(pixels - centre, axis=-1) < 13.0
        behind = depth < depth[:, hand].mean(axis=1, keepdims=True) - 0.03
        hidden = near & behind
        hidden[:, hand] = False
        score = score - 0.30 * hidden
        # Fingers turned away from the camera hide behind the palm.
        score[:, hand] -= 0.9 * np.clip(
            -(depth[:, hand] - depth[:, hand].mean(1, keepdims=True)), 0, 0.2
        )
    drift = _correlated(rng, (frames, points)) * 0.035
    return np.clip(score + drift, 0.05, 1.0)


def _correlated(
    rng: np.random.Generator, shape: tuple[int, ...], memory: float = 0.6
) -> np.ndarray:
    """Unit-variance noise (T, ...) that remembers the frame before."""
    fresh = rng.standard_normal(shape, dtype=np.float32)
    noise = np.empty_like(fresh)
    noise[0] = fresh[0]
    keep = np.sqrt(1 - memory**2)
    for t in range(1, len(fresh)):
        noise[t] = memory * noise[t - 1] + keep * fresh[t]
    return noise


def _swap_hands(pixels, score, scale, rng, detector) -> None:
    left, right = pixels[:, LEFT_HAND], pixels[:, RIGHT_HAND]
    close = np.linalg.norm(left.mean(1) - right.mean(1), axis=-1) < 34 * scale
    starts = np.flatnonzero(close & (rng.random(len(pixels)) < detector.swap))
    swapped = np.zeros(len(pixels), bool)
    for start in starts:
        swapped[start : start + int(rng.integers(1, 5))] = True
    for array in (pixels, score):
        kept = array[swapped, LEFT_HAND].copy()
        array[swapped, LEFT_HAND] = array[swapped, RIGHT_HAND]
        array[swapped, RIGHT_HAND] = kept
    score[swapped, 91:133] *= 0.85


def _lost(frames: int, points: int, rng: np.random.Generator, detector: Detector) -> np.ndarray:
    """Which points (T, n) the detector does not find."""
    lost = np.zeros((frames, points), bool)
    starts = rng.random((frames, points), dtype=np.float32) < detector.point_dropout
    length = rng.integers(1, 5, (frames, points), dtype=np.int8)
    for lag in range(min(4, frames)):
        lost[lag:] |= (starts & (length > lag))[: frames - lag]
    for hand in (LEFT_HAND, RIGHT_HAND):
        if rng.random() < detector.hand_dropout:
            start = int(rng.integers(0, max(1, frames - 3)))
            lost[start : start + int(rng.integers(3, 15)), hand] = True
    return lost
