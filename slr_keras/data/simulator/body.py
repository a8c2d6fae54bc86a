"""A signer's skeleton at rest, in metres: x towards the signer's left, y up, z to the camera."""

from dataclasses import dataclass

import numpy as np

HEAD_PIVOT = 0.075  # height of the turning point of the head above the shoulder line
HAND_LENGTH = 0.185


@dataclass(frozen=True)
class Body:
    """Proportions of one person, in metres."""

    hip_height: float = 0.93
    torso: float = 0.47
    shoulder_width: float = 0.35
    hip_width: float = 0.24
    neck: float = 0.185
    upper_arm: float = 0.28
    forearm: float = 0.25
    hand: float = HAND_LENGTH
    head: float = 1.0
    face_width: float = 1.0

    @property
    def shoulder_height(self) -> float:
        """Height of the shoulder line above the floor."""
        return self.hip_height + self.torso

    @property
    def eye_height(self) -> float:
        """Height of the eyes above the floor."""
        return self.shoulder_height + self.neck + 0.045

    def right_shoulder(self) -> np.ndarray:
        """Right shoulder (3,), head upright."""
        return np.array([-self.shoulder_width / 2, self.shoulder_height, 0.0])


def face_points() -> np.ndarray:
    """Neutral face (68, 3) in the iBUG order, origin between the eyes, metres.

    Point 0 is at the signer's right ear (left in the image).
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 17)
    jaw_x = 0.071 * np.sign(angle) * np.abs(np.sin(angle)) ** 0.8
    jaw_y = 0.006 - 0.123 * np.cos(angle) ** 0.85
    jaw_z = -0.075 + 0.083 * np.cos(angle) ** 0.7
    jaw = np.stack([jaw_x, jaw_y, jaw_z], axis=1)

    brow_x = np.array([0.056, 0.047, 0.036, 0.025, 0.014])
    brow_y = np.array([0.016, 0.025, 0.028, 0.026, 0.021])
    brow_z = np.array([-0.012, -0.002, 0.006, 0.010, 0.012])
    brows = _both_sides(np.stack([brow_x, brow_y, brow_z], axis=1))

    bridge = [[0, 0.003, 0.010], [0, -0.010, 0.018], [0, -0.022, 0.026], [0, -0.034, 0.032]]
    wings = [[-0.015, -0.045, 0.012], [-0.008, -0.048, 0.018], [0, -0.050, 0.021]]
    nose = np.array(bridge + wings + [[-x, y, z] for x, y, z in wings[1::-1]])

    eye = np.array([[0.046, 0, -0.012], [0.037, 0.006, -0.003], [0.026, 0.006, -0.001]])
    eye = np.concatenate([eye, [[0.017, -0.001, -0.002], [0.026, -0.005, -0.001]]])
    eye = np.concatenate([eye, [[0.037, -0.005, -0.003]]])
    right_eye = eye * [-1, 1, 1]
    left_eye = eye[[3, 2, 1, 0, 5, 4]]

    outer_x = np.array(
        [-0.026, -0.016, -0.006, 0, 0.006, 0.016, 0.026, 0.016, 0.006, 0, -0.006, -0.016]
    )
    outer_y = np.array(
        [0, 0.0055, 0.008, 0.0065, 0.008, 0.0055, 0, -0.007, -0.010, -0.0105, -0.010, -0.007]
    )
    inner_x = np.array([-0.022, -0.007, 0, 0.007, 0.022, 0.007, 0, -0.007])
    inner_y = np.array([0, 0.0012, 0.001, 0.0012, 0, -0.0012, -0.0014, -0.0012])
    x, y = np.concatenate([outer_x, inner_x]), np.concatenate([outer_y, inner_y])
    mouth = np.stack([x, y - 0.076, 0.016 - 14.0 * x**2], axis=1)
    return np.concatenate([jaw, brows, nose, right_eye, left_eye, mouth])


def _both_sides(left: np.ndarray) -> np.ndarray:
    """Outer-to-inner points of the signer's left, preceded by their mirror image."""
    return np.concatenate([left * [-1, 1, 1], left[::-1]])


#: Points of one right hand (21, 3) that do not move in the palm's frame (fingers, palm, thumb),
#: in metres for a hand of HAND_LENGTH: wrist, thumb base, and the four knuckles.
KNUCKLES = np.array(
    [[0.092, 0.004, 0.026], [0.094, 0.0, 0.004], [0.088, 0.001, -0.017], [0.078, 0.005, -0.036]]
)
THUMB_BASE = np.array([0.024, 0.012, 0.026])
FINGER_BONES = np.array(
    [[0.043, 0.025, 0.020], [0.047, 0.029, 0.021], [0.043, 0.027, 0.021], [0.034, 0.019, 0.018]]
)
THUMB_BONES = np.array([0.042, 0.032, 0.026])
FINGER_SPLAY = np.deg2rad([4.0, 0.5, -3.0, -7.0])
