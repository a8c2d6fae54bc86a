"""A pinhole camera: from metres to pixels, y down."""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator.rotations import euler, rotate


@dataclass(frozen=True)
class Camera:
    """Position of the camera. Angles in radians, `zoom` in pixels per metre at the signer."""

    width: float = 210.0
    height: float = 260.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    zoom: float = 205.0
    distance: float = 2.4
    shift: tuple[float, float] = (0.0, 0.0)
    aim: float = 1.32

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (T, n, 2) and depth towards the camera (T, n) in metres of points (T, n, 3).

        >>> import numpy as np
        >>> from slr_keras.data.simulator.camera import Camera
        >>> Camera(aim=1.0).project(np.array([[[0.0, 1.0, 0.0]]]))[0].tolist()
        [[[105.0, 130.0]]]
        """
        centred = points - np.array([0.0, self.aim, 0.0])
        turned = rotate(euler(*(np.array([a]) for a in (self.yaw, self.pitch, self.roll))), centred)
        scale = self.zoom * self.distance / (self.distance - turned[..., 2])
        x = self.width / 2 + self.shift[0] + scale * turned[..., 0]
        y = self.height / 2 + self.shift[1] - scale * turned[..., 1]
        return np.stack([x, y], axis=-1), turned[..., 2]


def place_camera(
    session: np.random.Generator, clip: np.random.Generator, size: tuple[float, float], eyes: float
) -> Camera:
    """A studio camera: `session` (one signer's recording) sets it up, `clip` moves it a little.

    `eyes` is the height of the signer's eyes in metres; `size` is (width, height) in pixels.
    """
    width, height = size
    scale = height / 260.0
    yaw, pitch, roll = session.normal(0, np.deg2rad([6.0, 3.0, 1.0])) + clip.normal(
        0, np.deg2rad([2.5, 1.2, 0.7])
    )
    return Camera(
        width=width,
        height=height,
        yaw=float(yaw),
        pitch=float(pitch),
        roll=float(roll),
        zoom=float(205.0 * scale * np.exp(session.normal(0, 0.07) + clip.normal(0, 0.02))),
        distance=float(session.uniform(2.0, 3.2)),
        shift=tuple((session.normal(0, 6.0, 2) + clip.normal(0, 3.0, 2)) * scale),
        aim=float(eyes - 0.31 + session.normal(0, 0.02)),
    )
