"""Parameters of a sign: handshape, place, movement, orientation, hands and face.

Directions are given for a right hand: x towards the other hand's side ("inwards"), y up, z away
from the signer.
"""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator.body import Body
from slr_keras.data.simulator.rotations import frame_from_directions, unit


@dataclass(frozen=True)
class Movement:
    """Path of the hand and its movement along the path.

    Attributes:
        path: hold, straight, arc, circle, zigzag or tap.
        direction: unit vector of the path, or the normal of a circle.
        size: length of the path (diameter of a circle) in metres for a reference signer.
        repeats: circles, taps, or back-and-forth strokes.
        inner: none, twist (forearm turns), nod (wrist bends), wave (wrist sideways) or wiggle.
        reverse: travel the same path backwards: the same poses in the opposite order.
    """

    path: str = "hold"
    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    size: float = 0.16
    repeats: int = 1
    inner: str = "none"
    reverse: bool = False


@dataclass(frozen=True)
class Sign:
    """One entry of a lexicon."""

    gloss: str
    word_class: str
    handshape: str
    location: str
    orientation: str
    movement: Movement
    hands: str = "one"
    contact: str = "tips"
    end_handshape: str = ""
    end_orientation: str = ""
    base_handshape: str = "flat"
    base_orientation: str = "inward_up"
    mouthing: tuple[str, ...] = ("rest",)
    brows: tuple[float, float] = (0.0, 0.0)
    head: str = "none"
    frames: int = 12

    def form(self) -> tuple:
        """All parameters but name and word class, in which two signs must differ."""
        names = [f for f in self.__dataclass_fields__ if f not in ("gloss", "word_class")]
        return tuple(getattr(self, name) for name in names)


#: Finger direction and palm direction of a right hand.
_DIRECTIONS = {
    "up_out": ((0.15, 1.0, 0.15), (-0.1, -0.1, 1.0)),
    "up_in": ((0.3, 1.0, 0.05), (0.1, 0.1, -1.0)),
    "up_side": ((0.1, 1.0, 0.2), (1.0, 0.0, 0.0)),
    "forward_down": ((0.25, 0.15, 1.0), (0.0, -1.0, 0.1)),
    "forward_up": ((0.2, 0.1, 1.0), (0.2, 1.0, 0.0)),
    "forward_side": ((0.15, 0.15, 1.0), (1.0, 0.0, -0.1)),
    "inward_in": ((1.0, 0.25, 0.1), (0.1, 0.0, -1.0)),
    "inward_down": ((1.0, 0.1, 0.35), (0.0, -1.0, 0.1)),
    "inward_up": ((1.0, 0.0, 0.45), (0.0, 1.0, -0.2)),
    "slant_in": ((0.75, 0.75, 0.1), (0.2, 0.0, -1.0)),
    "slant_down": ((0.6, 0.45, 0.6), (0.1, -0.9, 0.35)),
    "down_in": ((0.35, -1.0, 0.25), (0.2, 0.1, -1.0)),
    "self": ((0.75, 0.2, -0.75), (-0.3, -0.5, -0.8)),
}
ORIENTATIONS: dict[str, np.ndarray] = {
    name: frame_from_directions(*pair) for name, pair in _DIRECTIONS.items()
}

#: Places as (frame of reference, offset in metres): head = between the eyes; chest = middle of
#: the shoulder line; belly = middle of the hip line. Negative x is the signing hand's own side.
PLACES = {
    "forehead": ("head", (-0.02, 0.05, 0.035)),
    "temple": ("head", (-0.075, 0.025, -0.005)),
    "eye": ("head", (-0.045, 0.0, 0.05)),
    "nose": ("head", (-0.005, -0.035, 0.065)),
    "cheek": ("head", (-0.058, -0.045, 0.02)),
    "ear": ("head", (-0.095, -0.01, -0.06)),
    "mouth": ("head", (-0.01, -0.078, 0.05)),
    "chin": ("head", (-0.005, -0.122, 0.045)),
    "neck": ("chest", (0.0, 0.065, 0.07)),
    "chest": ("chest", (-0.02, -0.14, 0.12)),
    "own_chest": ("chest", (-0.11, -0.11, 0.115)),
    "other_chest": ("chest", (0.10, -0.10, 0.12)),
    "own_shoulder": ("chest", (-0.16, 0.01, 0.075)),
    "other_shoulder": ("chest", (0.15, 0.0, 0.085)),
    "belly": ("chest", (-0.02, -0.33, 0.135)),
    "above": ("head", (-0.19, 0.09, 0.15)),
    "beside_head": ("head", (-0.23, -0.01, 0.10)),
    "high": ("chest", (-0.08, 0.03, 0.30)),
    "centre": ("chest", (-0.07, -0.15, 0.33)),
    "low": ("chest", (-0.08, -0.31, 0.31)),
    "own_side": ("chest", (-0.30, -0.10, 0.24)),
    "own_side_low": ("chest", (-0.29, -0.28, 0.23)),
    "other_side": ("chest", (0.17, -0.13, 0.28)),
    "apart": ("chest", (-0.17, -0.15, 0.31)),
}
#: Places the hand touches or nearly touches; elsewhere the palm is what is placed.
ON_BODY = tuple(
    name
    for name in PLACES
    if name
    not in ("above", "beside_head", "high", "centre", "low", "own_side", "own_side_low",
            "other_side", "apart")
)  # fmt: skip

#: Where the passive hand of a base-hand sign holds its palm, on its own side.
BASE_PLACE = (-0.06, -0.23, 0.27)


def place(name: str, body: Body) -> np.ndarray:
    """A place (3,) in metres in a right-handed signer's space, scaled to the body."""
    frame, offset = PLACES[name]
    offset = np.array(offset)
    if frame == "head":
        head_offset = offset * np.array([body.face_width, 1.0, 1.0]) * body.head
        return np.array([0.0, body.eye_height, 0.095 * body.head]) + head_offset
    scale = np.array([body.shoulder_width / 0.35, body.torso / 0.47, 1.0])
    return np.array([0.0, body.shoulder_height, 0.0]) + offset * scale


def minimum_jerk(time: np.ndarray) -> np.ndarray:
    """Smooth passage from 0 to 1 with zero speed and acceleration at both ends."""
    t = np.clip(time, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t * t)


def path_offset(movement: Movement, time: np.ndarray) -> np.ndarray:
    """Displacement (T, 3) in metres from the sign's place, at times 0..1 of the sign.

    >>> import numpy as np
    >>> from slr_keras.data.simulator.signs import Movement, path_offset
    >>> path_offset(Movement("straight", (0, 0, 1), 0.2), np.array([0.0, 1.0])).round(2).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.2]]
    """
    if movement.reverse:
        time = 1 - time
    direction = unit(np.array(movement.direction, float))
    aside, upwards = _perpendicular(direction)
    repeats = movement.repeats
    # A short hold at both ends, as signers make.
    stroke = minimum_jerk((time - 0.06) / 0.84)
    if movement.path == "straight":
        if repeats > 1:
            stroke = (1 - np.cos(2 * np.pi * repeats * np.clip(time, 0, 1))) / 2
        return movement.size * stroke[:, None] * direction
    if movement.path == "arc":
        bow = 0.45 * np.sin(np.pi * stroke)[:, None] * upwards
        return movement.size * (stroke[:, None] * direction + bow)
    if movement.path == "zigzag":
        sway = 0.22 * np.sin(2 * np.pi * (repeats + 0.5) * stroke)[:, None] * aside
        return movement.size * (stroke[:, None] * direction + sway)
    if movement.path == "circle":
        angle = 2 * np.pi * repeats * (0.75 * stroke + 0.25 * np.clip(time, 0, 1))
        around = np.sin(angle)[:, None] * aside + (1 - np.cos(angle))[:, None] * upwards
        return 0.5 * movement.size * around
    if movement.path == "tap":
        away = (1 + np.cos(2 * np.pi * repeats * stroke)) / 2
        return movement.size * 0.45 * away[:, None] * direction
    return np.zeros((len(time), 3))


def _perpendicular(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across `direction`: roughly sideways, and upwards (or ahead)."""
    reference = np.array([0.0, 1.0, 0.0])
    if abs(direction[1]) > 0.8:
        reference = np.array([0.0, 0.0, 1.0])
    aside = unit(np.cross(reference, direction))
    return aside, np.cross(direction, aside)
