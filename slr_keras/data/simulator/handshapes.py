"""The inventory of handshapes, as joint angles of five fingers.

A hand pose is 16 angles in radians: for index, middle, ring and little finger the flexion of the
knuckle (MCP), the flexion of the middle joint (PIP; the last joint follows it) and the sideways
spread (positive towards the thumb); for the thumb the angle off the finger direction in the palm's
plane, the angle out of that plane, and the flexion of its two joints.
"""

import numpy as np

FINGERS = ("index", "middle", "ring", "little")
ANGLES = 16

_EXTENDED = (2, 4)
_FOLDED = (85, 100)
_HOOKED = (15, 85)
_BENT = (75, 8)
_CURVED = (35, 42)
_CLAWED = (20, 55)
_ROUND = (38, 68)
_PINCHED = (62, 34)

_THUMB = {
    "along": (26, 8, 0, 0),
    "out": (62, 8, 0, 0),
    "side": (30, 22, 12, 10),
    "across": (24, 48, 52, 40),
    "inside": (18, 40, 45, 30),
    "opposed": (38, 48, 12, 18),
    "pinch": (34, 44, 22, 32),
}


def _hand(fingers: list[tuple[int, int]], spread: float, thumb: str, **own_spread: float):
    angles = np.zeros(ANGLES)
    fan = np.array([1.0, 0.25, -0.55, -1.3]) * spread
    for i, (knuckle, middle) in enumerate(fingers):
        straightness = 1 - min(knuckle, 85) / 85
        angles[3 * i : 3 * i + 3] = knuckle, middle, fan[i] * straightness
    for name, value in own_spread.items():
        angles[3 * FINGERS.index(name) + 2] = value
    angles[12:] = _THUMB[thumb]
    return np.deg2rad(angles)


def _select(extended: str, spread: float, thumb: str, shape=_EXTENDED, **own: float):
    """Fingers named by their first letters take `shape`, the others are folded."""
    return _hand([shape if f[0] in extended else _FOLDED for f in FINGERS], spread, thumb, **own)


HANDSHAPES: dict[str, np.ndarray] = {
    "flat": _select("imrl", 1, "along"),
    "five": _select("imrl", 16, "out"),
    "four": _select("imrl", 14, "inside"),
    "fist": _select("", 0, "across"),
    "thumb": _select("", 0, "out"),
    "fist_side": _select("", 0, "side"),
    "index": _select("i", 0, "across"),
    "gun": _select("i", 0, "out"),
    "two": _select("im", 0, "across", index=15, middle=-8),
    "joined_two": _select("im", 0, "across", middle=4, index=-2),
    "crossed": _select("im", 0, "across", index=-14, middle=14),
    "three": _select("imr", 14, "inside"),
    "thumb_two": _select("im", 14, "out"),
    "little": _select("l", 0, "across"),
    "horns": _select("il", 4, "across"),
    "wings": _select("il", 6, "out"),
    "phone": _select("l", 8, "out"),
    "hook": _select("i", 0, "across", shape=_HOOKED),
    "hooked_two": _select("im", 12, "across", shape=_HOOKED),
    "bent": _select("imrl", 1, "along", shape=_BENT),
    "cup": _select("imrl", 2, "opposed", shape=_CURVED),
    "claw": _select("imrl", 15, "opposed", shape=_CLAWED),
    "ring": _select("imrl", 1, "pinch", shape=_ROUND),
    "beak": _select("imrl", 0, "pinch", shape=_PINCHED),
    "pinch": _hand([_PINCHED, _EXTENDED, _EXTENDED, _EXTENDED], 13, "pinch"),
    "small_cup": _hand([_CURVED, _FOLDED, _FOLDED, _FOLDED], 0, "opposed"),
}

#: What a hand does when it has nothing to say.
RELAXED = _hand([(18, 22), (22, 26), (26, 28), (30, 30)], 3, "side")

LOWER = np.deg2rad(np.array([-15, 0, -25] * 4 + [0, -5, -5, -10], float))
UPPER = np.deg2rad(np.array([95, 110, 25] * 4 + [75, 75, 65, 85], float))


def within_limits(angles: np.ndarray) -> np.ndarray:
    """Clip hand poses (..., 16) to what joints allow."""
    return np.clip(angles, LOWER, UPPER)
