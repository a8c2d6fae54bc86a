"""Movements of the 68 face points: mouth shapes, brows and lids."""

import numpy as np

from slr_keras.data.simulator.body import face_points

#: How a mouth is given: jaw opening, corner width, rounding, lips pressed together, corners up.
MOUTH = ("open", "wide", "round", "press", "smile")

VISEMES: dict[str, tuple[float, float, float, float, float]] = {
    "rest": (0.02, 0.0, 0.0, 0.0, 0.0),
    "a": (1.0, 0.15, 0.0, 0.0, 0.0),
    "e": (0.45, 0.65, 0.0, 0.0, 0.1),
    "i": (0.2, 1.0, 0.0, 0.0, 0.3),
    "o": (0.7, 0.0, 0.8, 0.0, 0.0),
    "u": (0.25, 0.0, 1.2, 0.0, 0.0),
    "m": (0.0, 0.1, 0.0, 1.0, 0.0),
    "f": (0.12, 0.35, 0.0, 0.6, 0.0),
    "puff": (0.0, -0.2, 0.6, 0.8, -0.3),
    "smile": (0.1, 0.9, 0.0, 0.0, 1.0),
    "down": (0.05, 0.3, 0.0, 0.3, -1.0),
}

_NEUTRAL = face_points()
_X = _NEUTRAL[:, 0]
_MOUTH = np.arange(68) >= 48
_MOUTH_Y = np.where(_MOUTH, _NEUTRAL[:, 1] + 0.076, 0.0)
_CORNER = np.where(_MOUTH, np.abs(_X) / 0.026, 0.0)
_MIDDLE = np.where(_MOUTH, 1 - _CORNER**2, 0.0)
_UPPER = _MOUTH & (_MOUTH_Y > 0)
_LOWER = _MOUTH & (_MOUTH_Y < 0)
_OUTER = np.isin(np.arange(68), np.arange(48, 60))
_JAW = np.where(np.arange(68) < 17, np.clip((0.006 - _NEUTRAL[:, 1]) / 0.12, 0, 1) ** 2, 0.0)
_BROW = (np.arange(68) >= 17) & (np.arange(68) < 27)
_INNER_BROW = np.where(_BROW, np.clip((0.05 - np.abs(_X)) / 0.036, 0, 1), 0.0)
_UPPER_LID = np.isin(np.arange(68), [37, 38, 43, 44])
_LID_GAP = 0.0105


def face_in_motion(mouth: np.ndarray, brows: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """Face points (T, 68, 3) in the head's frame, metres, origin between the eyes.

    >>> import numpy as np
    >>> from slr_keras.data.simulator.face import face_in_motion
    >>> face_in_motion(np.zeros((4, 5)), np.zeros((4, 2)), np.zeros(4)).shape
    (4, 68, 3)
    """
    jaw, wide, rounded, press, smile = (column[:, None] for column in mouth.T)
    lift, furrow = (column[:, None] for column in brows.T)
    face = np.repeat(_NEUTRAL[None], len(mouth), axis=0)
    x, y, z = face[..., 0], face[..., 1], face[..., 2]

    x *= np.where(_MOUTH, 1 + 0.22 * wide - 0.38 * np.clip(rounded, 0, 1.3), 1.0)
    y += jaw * (0.004 * _MIDDLE * _UPPER - 0.026 * (0.25 + 0.75 * _MIDDLE) * _LOWER)
    y -= jaw * 0.008 * _CORNER * ~(_UPPER | _LOWER)
    y -= jaw * 0.024 * _JAW
    y += rounded * 0.004 * _MIDDLE * (_UPPER * 1.0 - _LOWER * 1.0) * _OUTER
    z += rounded * 0.010 * _MIDDLE
    y -= press * 0.75 * _MOUTH_Y * _OUTER * _MIDDLE
    y += smile * 0.006 * _CORNER**2

    y += lift * 0.010 * _BROW - furrow * 0.006 * _INNER_BROW
    x -= furrow * 0.003 * np.sign(_X) * _INNER_BROW
    y -= blink[:, None] * _LID_GAP * _UPPER_LID
    return face
