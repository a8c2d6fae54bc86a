"""Movements of head, torso and face during signing."""

from collections.abc import Sequence

import numpy as np

from slr_keras.data.simulator.face import VISEMES
from slr_keras.data.simulator.signer import Signer
from slr_keras.data.simulator.signs import Sign
from slr_keras.data.simulator.tracks import slow_noise, smooth

Spans = Sequence[Sequence[int]]


def sway(
    signs: Sequence[Sign], spans: Spans, signer: Signer, total: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Head and torso angles (T, 3): slow sway, posture, and the signs' own head movements."""
    side = -1.0 if signer.left_dominant else 1.0
    scale = np.deg2rad([6.0, 4.0, 3.0]) * signer.head_motion
    head = slow_noise(rng, total, 3, 22.0) * scale + signer.posture
    torso = slow_noise(rng, total, 3, 35.0) * np.deg2rad([3.0, 1.5, 1.2]) * signer.head_motion
    for sign, (start, end) in zip(signs, spans):
        if sign.head == "none":
            continue
        time = np.linspace(0, 1, end - start)
        column, cycles = {"shake": (0, 2), "nod": (1, 2), "tilt": (2, 0.5)}[sign.head]
        envelope = np.sin(np.pi * time)
        head[start:end, column] += np.deg2rad(11) * envelope * np.sin(2 * np.pi * cycles * time)
    return smooth(head, 2) * [side, 1, side], smooth(torso, 2)


def face(
    signs: Sequence[Sign], spans: Spans, signer: Signer, total: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mouth (T, 5) and brows (T, 2)."""
    mouth = np.repeat(np.array(VISEMES["rest"])[None], total, axis=0)
    brows = 0.25 * slow_noise(rng, total, 2, 15.0)
    for sign, (start, end) in zip(signs, spans):
        shift = int(rng.integers(-2, 2))
        shapes = [np.array(VISEMES[name]) for name in sign.mouthing]
        edges = np.linspace(start + shift, end + shift, len(shapes) + 1).round().astype(int)
        strength = signer.mouthing * np.exp(rng.normal(0, 0.15))
        for shape, low, high in zip(shapes, edges[:-1], edges[1:]):
            mouth[max(0, low) : max(0, high)] = shape * strength
        brows[start:end] += np.array(sign.brows) * strength
    return smooth(mouth, 2) + 0.04 * slow_noise(rng, total, 5, 6.0), smooth(brows, 3)


def blinks(total: int, rng: np.random.Generator) -> np.ndarray:
    """Lids (T,): a blink about every three seconds."""
    lids = np.zeros(total)
    for start in np.flatnonzero(rng.random(total) < 1 / 75):
        lids[start : start + 4] = [0.6, 1.0, 0.8, 0.3][: total - start]
    return lids
