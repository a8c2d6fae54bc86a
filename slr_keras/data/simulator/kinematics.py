"""From joint controls to 133 points in space, for all frames at once.

Both arms are computed as right arms, the left one mirrored (x reversed). A symmetric two-handed
sign therefore has equal controls on both sides, and the chirality of the hands is always right.
"""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator import body as anatomy
from slr_keras.data.simulator.body import Body
from slr_keras.data.simulator.face import face_in_motion
from slr_keras.data.simulator.rotations import between, euler, rotate, to_matrix, unit

ELBOW_FLEXION = np.deg2rad((8.0, 148.0))
WRIST_BEND = np.deg2rad(68.0)
MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class HandTrack:
    """Track of one hand: wrist (T, 3), orientation quaternion (T, 4), finger angles (T, 16)."""

    wrist: np.ndarray
    orientation: np.ndarray
    fingers: np.ndarray


@dataclass(frozen=True)
class Controls:
    """All time-varying controls of a clip of T frames.

    `head` and `torso` are yaw, pitch, roll in radians (T, 3); `mouth` is (T, 5), see
    `face.MOUTH`; `brows` is raise and furrow (T, 2); `blink` is 0 open to 1 shut (T,).
    """

    right: HandTrack
    left: HandTrack
    head: np.ndarray
    torso: np.ndarray
    mouth: np.ndarray
    brows: np.ndarray
    blink: np.ndarray


def hand_points(fingers: np.ndarray, size: float = anatomy.HAND_LENGTH) -> np.ndarray:
    """A right hand's 21 points (T, 21, 3) in the palm's frame: fingers, palm normal, thumb side.

    >>> import numpy as np
    >>> from slr_keras.data.simulator.kinematics import hand_points
    >>> hand_points(np.zeros((2, 16))).shape
    (2, 21, 3)
    """
    joints = fingers[:, :12].reshape(-1, 4, 3)
    flexion = np.stack([joints[..., 0], joints[..., 1], 0.7 * joints[..., 1]], axis=-1)
    bend = np.cumsum(flexion, axis=-1)
    side = (joints[..., 2] + anatomy.FINGER_SPLAY)[..., None]
    direction = np.stack(
        [np.cos(bend) * np.cos(side), np.sin(bend), np.cos(bend) * np.sin(side)], axis=-1
    )
    chain = np.cumsum(direction * anatomy.FINGER_BONES[..., None], axis=-2)
    knuckles = np.broadcast_to(anatomy.KNUCKLES[:, None], (*chain.shape[:2], 1, 3))
    long_fingers = np.concatenate([knuckles, knuckles + chain], axis=-2)

    off, out, first, second = fingers[:, 12:].T
    start = np.stack([np.cos(out) * np.cos(off), np.sin(out), np.cos(out) * np.sin(off)], axis=-1)
    across = np.array([0.45, 0.25, -1.0])
    across = unit(across - np.sum(across * start, -1, keepdims=True) * start)
    bend = np.stack([np.zeros_like(first), first, first + second], axis=-1)[..., None]
    direction = np.cos(bend) * start[:, None] + np.sin(bend) * across[:, None]
    chain = np.cumsum(direction * anatomy.THUMB_BONES[:, None], axis=-2)
    base = np.broadcast_to(anatomy.THUMB_BASE, (len(fingers), 1, 3))
    thumb = np.concatenate([base, base + chain], axis=-2)

    wrist = np.zeros((len(fingers), 1, 3))
    points = np.concatenate([wrist, thumb, long_fingers.reshape(len(fingers), 16, 3)], axis=1)
    return points * (size / anatomy.HAND_LENGTH)


def reach_limits(body: Body) -> tuple[float, float]:
    """Least and greatest distance from shoulder to wrist that the elbow's limits allow."""
    a, b = body.upper_arm, body.forearm
    far, near = np.sqrt(a * a + b * b + 2 * a * b * np.cos(ELBOW_FLEXION))
    return near, far


def right_arm(
    body: Body, shoulder: np.ndarray, track: HandTrack
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elbow (T, 3), wrist (T, 3) and hand (T, 21, 3) of a right arm by two-bone inverse kinematics.

    A wrist out of reach is moved along its line to the shoulder; a hand bent too far at the wrist
    is turned back to the limit. Bone lengths never change.
    """
    frame = to_matrix(track.orientation)
    fingers = frame[..., 0]
    line = track.wrist - shoulder
    near, far = reach_limits(body)
    distance = np.clip(np.linalg.norm(line, axis=-1, keepdims=True), near, far)
    along = unit(line)
    wrist = shoulder + along * distance

    # The elbow hangs down, outwards and a little back, and gives way against the hand's direction.
    pole = np.array([-0.55, -1.0, -0.3]) - 0.55 * fingers
    pole = unit(pole - np.sum(pole * along, -1, keepdims=True) * along)
    offset = (body.upper_arm**2 - body.forearm**2 + distance**2) / (2 * distance)
    height = np.sqrt(np.maximum(body.upper_arm**2 - offset**2, 0.0))
    elbow = shoulder + along * offset + pole * height

    forearm = unit(wrist - elbow)
    cosine = np.sum(forearm * fingers, -1, keepdims=True)
    sideways = unit(fingers - cosine * forearm)
    limited = np.cos(WRIST_BEND) * forearm + np.sin(WRIST_BEND) * sideways
    target = np.where(cosine < np.cos(WRIST_BEND), limited, fingers)
    frame = between(fingers, target) @ frame
    hand = rotate(frame, hand_points(track.fingers, body.hand)) + wrist[:, None]
    return elbow, wrist, hand


def skeleton(body: Body, controls: Controls) -> np.ndarray:
    """The 133 COCO-WholeBody points (T, 133, 3) in metres: x to the signer's left, y up."""
    frames = len(controls.blink)
    points = np.zeros((frames, 133, 3))
    for track, mirror, wrist_id, hand_id in (
        (controls.left, MIRROR, 9, 91),
        (controls.right, np.ones(3), 10, 112),
    ):
        shoulder = _shoulder(body, track.wrist)
        elbow, wrist, hand = right_arm(body, shoulder, track)
        points[:, wrist_id - 4] = shoulder * mirror
        points[:, wrist_id - 2] = elbow * mirror
        points[:, wrist_id] = wrist * mirror
        points[:, hand_id : hand_id + 21] = hand * mirror

    head = _head(body, controls)
    points[:, 23:91] = head[:, :68]
    points[:, 0:5] = head[:, 68:]
    pelvis = np.array([0.0, body.hip_height, 0.0])
    lean = euler(*controls.torso.T)
    points = rotate(lean, points - pelvis) + pelvis
    points[:, 11:23] = _legs(body)
    return points


def _shoulder(body: Body, wrist: np.ndarray) -> np.ndarray:
    """Right shoulder (T, 3): it rises by a turn of the collar bone as the hand goes up."""
    lift = np.clip((wrist[:, 1] - body.shoulder_height + 0.1) / 0.4, 0, 1) * np.deg2rad(12)
    half = body.shoulder_width / 2
    x, y = -half * np.cos(lift), body.shoulder_height + half * np.sin(lift)
    return np.stack([x, y, np.zeros_like(x)], axis=-1)


def _head(body: Body, controls: Controls) -> np.ndarray:
    """Face (68) and nose, left eye, right eye, left ear, right ear (T, 73, 3)."""
    face = face_in_motion(controls.mouth, controls.brows, controls.blink)
    eyes = np.stack([face[:, 42:48].mean(1), face[:, 36:42].mean(1)], axis=1)
    ears = np.array([[0.076, -0.012, -0.085], [-0.076, -0.012, -0.085]])
    ears = np.broadcast_to(ears, (len(face), 2, 3))
    head = np.concatenate([face, face[:, 30:31], eyes, ears], axis=1)
    head = head * np.array([body.face_width, 1.0, 1.0]) * body.head
    head += [0.0, body.eye_height - body.shoulder_height - anatomy.HEAD_PIVOT, 0.095]
    pivot = np.array([0.0, body.shoulder_height + anatomy.HEAD_PIVOT, 0.0])
    return rotate(euler(*controls.head.T), head) + pivot


def _legs(body: Body) -> np.ndarray:
    """Hips, knees, ankles and feet (12, 3) of someone standing: COCO 11-16, then 17-22."""
    hip, half = body.hip_height, body.hip_width / 2
    left = [[half, hip, 0], [half * 1.05, hip * 0.53, 0.01], [half * 1.1, 0.08, -0.03]]
    foot = [[half * 1.1, 0.02, 0.13], [half * 1.5, 0.02, 0.11], [half * 1.1, 0.03, -0.07]]
    left, foot = np.array(left), np.array(foot)
    pairs = np.stack([left, left * MIRROR], axis=1).reshape(6, 3)
    return np.concatenate([pairs, foot, foot * MIRROR])
