"""Path of a hand for one sign of one signer, frame by frame."""

from functools import lru_cache

import numpy as np

from slr_keras.data.simulator import rotations
from slr_keras.data.simulator.handshapes import HANDSHAPES, RELAXED, within_limits
from slr_keras.data.simulator.kinematics import hand_points
from slr_keras.data.simulator.signer import Signer
from slr_keras.data.simulator.signs import (
    BASE_PLACE,
    ON_BODY,
    ORIENTATIONS,
    Sign,
    minimum_jerk,
    path_offset,
    place,
)

#: Numbers in a hand's state: wrist (3), orientation quaternion (4), finger angles (16).
STATE = 3 + 4 + 16


def rest_state(signer: Signer, side: float) -> np.ndarray:
    """Rest position of the hand of a `side`, in its own (right-handed) space."""
    body = signer.body
    if signer.rest == "belly":
        wrist = np.array([-0.055, body.hip_height + 0.085 + 0.03 * side, 0.16 + 0.025 * side])
        frame = rotations.frame_from_directions([1.0, -0.25, 0.15], [0.0, -0.3, -1.0])
    else:
        wrist = np.array([-body.shoulder_width / 2 - 0.05, body.hip_height - 0.035, 0.05])
        frame = rotations.frame_from_directions([0.05, -1.0, 0.1], [1.0, 0.05, -0.3])
    return np.concatenate([wrist, rotations.to_quaternion(frame), RELAXED])


@lru_cache(maxsize=1024)
def _contact_point(handshape: str, contact: str, size: float) -> np.ndarray:
    """The part of the hand (3,) in the palm's frame that goes to the sign's place."""
    points = hand_points(HANDSHAPES[handshape][None], size)[0]
    if contact == "palm":
        return points[[0, 5, 9, 17]].mean(axis=0)
    if contact == "thumb":
        return points[4]
    tips = points[[8, 12]]
    return tips[np.argmax(tips[:, 0])] + np.array([0.008, 0, 0])


def sign_states(
    sign: Sign, signer: Signer, frames: int, rng: np.random.Generator, alternate: bool = False
) -> np.ndarray:
    """States (frames, STATE) of the active hand; `alternate` gives the other hand's phase."""
    body, habit = signer.body, signer.habit(sign.gloss)
    time = np.linspace(0, 1, frames)
    careless = signer.sloppiness
    movement = sign.movement
    size = habit.size * signer.space * (1 - 0.15 * careless) * np.exp(rng.normal(0, 0.07))

    frame = ORIENTATIONS[sign.orientation]
    turn = habit.turn + rng.normal(0, np.deg2rad(3.5), 3)
    style = rotations.about_axis(turn, np.linalg.norm(turn))
    orientation = np.repeat(rotations.to_quaternion(frame)[None], frames, axis=0)
    change = minimum_jerk((time - 0.15) / 0.7)[:, None]
    if sign.end_orientation:
        last = rotations.to_quaternion(ORIENTATIONS[sign.end_orientation])
        last = last * (1 if last @ orientation[0] >= 0 else -1)
        orientation = rotations.unit(orientation + change * (last - orientation))
    orientation = rotations.multiply(style, orientation)

    fingers = np.repeat(HANDSHAPES[sign.handshape][None], frames, axis=0)
    if sign.end_handshape:
        fingers = fingers + change * (HANDSHAPES[sign.end_handshape] - fingers)

    anchor = place(sign.location, body) + habit.shift + rng.normal(0, 0.006 + 0.008 * careless, 3)
    if sign.location not in ON_BODY:
        anchor[1] += signer.elevation
    # Careless signers do not quite reach the place.
    anchor += 0.12 * careless * (place("centre", body) - anchor) * (sign.hands != "base")
    contact = _contact_point(sign.handshape, sign.contact, body.hand)
    wrist = anchor - np.einsum("tij,j->ti", rotations.to_matrix(orientation), contact)
    phase = np.pi * alternate
    if alternate:
        # Half a turn later on a circle; elsewhere the way back while the other hand goes out.
        travel = np.mod(time + 0.5, 1.0) if movement.path == "circle" else 1 - time
    else:
        travel = time
    offset = path_offset(movement, travel)
    wrist = wrist + offset * size

    orientation, fingers = _inner_movement(
        movement.inner, time, orientation, fingers, size, phase, sign
    )
    fingers = within_limits(fingers + rng.normal(0, 0.04 + 0.05 * careless, 16))
    return np.concatenate([wrist, orientation, fingers], axis=1)


def _inner_movement(
    inner: str,
    time: np.ndarray,
    orientation: np.ndarray,
    fingers: np.ndarray,
    size: float,
    phase: float,
    sign: Sign,
) -> tuple[np.ndarray, np.ndarray]:
    """Add what hand and fingers do on the way."""
    cycles = max(2, sign.movement.repeats)
    swing = np.sin(2 * np.pi * cycles * time + phase) * np.clip(size, 0.7, 1.3)
    amplitude = {"twist": 48, "nod": 38, "wave": 24}.get(inner, 0)
    if amplitude:
        axis = {"twist": [1, 0, 0], "nod": [0, 0, 1], "wave": [0, 1, 0]}[inner]
        turn = rotations.about_axis(axis, np.deg2rad(amplitude) * swing)
        orientation = rotations.multiply(orientation, turn)
    if inner == "wiggle":
        knuckles = np.arange(4)
        wave = np.sin(2 * np.pi * 2.5 * time[:, None] - 1.3 * knuckles + phase)
        fingers = fingers.copy()
        fingers[:, 0:12:3] += np.deg2rad(16) + np.deg2rad(24) * wave
    return orientation, fingers


def base_states(sign: Sign, signer: Signer, frames: int, rng: np.random.Generator) -> np.ndarray:
    """States of the passive hand under a base-hand sign."""
    body = signer.body
    frame = ORIENTATIONS[sign.base_orientation]
    contact = _contact_point(sign.base_handshape, "palm", body.hand)
    palm = np.array([0.0, body.shoulder_height, 0.0]) + np.array(BASE_PLACE) * [
        1,
        body.torso / 0.47,
        1,
    ]
    wrist = palm - frame @ contact + rng.normal(0, 0.008, 3)
    fingers = within_limits(HANDSHAPES[sign.base_handshape] + rng.normal(0, 0.05, 16))
    state = np.concatenate([wrist, rotations.to_quaternion(frame), fingers])
    return np.repeat(state[None], frames, axis=0)


def onto_base(states: np.ndarray, base: np.ndarray, sign: Sign, signer: Signer) -> np.ndarray:
    """Move the active hand so that it meets the passive one (given in mirrored space)."""
    palm = np.array([0.0, signer.body.shoulder_height, 0.0]) + np.array(BASE_PLACE) * [
        1, signer.body.torso / 0.47, 1]  # fmt: skip
    target = palm * [-1, 1, 1] + np.array([-0.03, 0.035, 0.01])
    moved = states.copy()
    moved[:, :3] += target - place(sign.location, signer.body)
    return moved
