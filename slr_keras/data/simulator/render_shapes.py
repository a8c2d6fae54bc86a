"""Shapes of rendered pictures: capsules, ribbons and the depth order of parts.

All functions process all frames of a clip at once. "Camera space" is metres: x to the right of
the picture, y up, z towards the camera, measured from the point the camera looks at.
"""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator.appearance import Appearance
from slr_keras.data.simulator.camera import Camera
from slr_keras.data.simulator.rotations import unit


@dataclass(frozen=True)
class Stroke:
    """A filled polygon: outline (T, corners, 2) in pixels, colour (T, 3) or (3,) in 0..255.

    It is drawn where `seen` (T,) is true, always if that is None.
    """

    outline: np.ndarray
    colour: np.ndarray
    seen: np.ndarray | None = None


@dataclass(frozen=True)
class Part:
    """Strokes drawn together, in order; parts with greater `depth` (T,) hide the others."""

    depth: np.ndarray
    strokes: list[Stroke]


@dataclass(frozen=True)
class View:
    """A camera and the light of its scene."""

    camera: Camera
    look: Appearance

    def enter(self, points: np.ndarray) -> np.ndarray:
        """Camera space (T, n, 3) of points (T, n, 3) in the room."""
        pixels, depth = self.camera.project(points)
        return np.concatenate(
            [(pixels - self._centre) / self._scale(depth)[..., None] * [1, -1], depth[..., None]],
            axis=-1,
        )

    def pixels(self, space: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of points (..., 3) in camera space."""
        return self._centre + self._scale(space[..., 2])[..., None] * space[..., :2] * [1, -1]

    def length(self, space: np.ndarray, metres: float) -> np.ndarray:
        """Pixels (...) that `metres` across the line of sight take at points (..., 3)."""
        return self._scale(space[..., 2]) * metres

    def lit(self, colour: np.ndarray, light: np.ndarray | float) -> np.ndarray:
        """A colour under ambient light and the fraction `light` (T,) of the lamp: (T, 3)."""
        look = self.look
        level = look.ambient + (1.08 - look.ambient) * np.clip(light, 0, 1)
        return np.multiply.outer(level, colour)

    def facing(self, normal: np.ndarray) -> np.ndarray:
        """Fraction of the lamp's light (T,) on a surface with the unit normal (T, 3)."""
        return 0.5 + 0.5 * normal @ self.look.light

    @property
    def _centre(self) -> np.ndarray:
        camera = self.camera
        return np.array([camera.width / 2, camera.height / 2]) + camera.shift

    def _scale(self, depth: np.ndarray) -> np.ndarray:
        return self.camera.zoom * self.camera.distance / (self.camera.distance - depth)


def capsule(
    start: np.ndarray,
    end: np.ndarray,
    wide: np.ndarray,
    narrow: np.ndarray,
    steps: int = 4,
    flat: bool = False,
) -> np.ndarray:
    """Outline (T, corners, 2) of a line from start to end (T, 2) with radii (T,) at both.

    Args:
        steps: straight pieces in each round end.
        flat: whether `end` is cut straight.

    >>> import numpy as np
    >>> from slr_keras.data.simulator.render_shapes import capsule
    >>> capsule(np.zeros((1, 2)), np.ones((1, 2)), np.ones(1), np.ones(1)).shape
    (1, 10, 2)
    """
    line = end - start
    length = np.maximum(np.hypot(*line.T), 1e-6)
    angle = np.arctan2(line[:, 1], line[:, 0])
    tangent = np.arccos(np.clip((wide - narrow) / length, -1, 1))
    turns = np.linspace(0, 1, steps + 1)
    back = (angle + tangent)[:, None] + turns * (2 * np.pi - 2 * tangent)[:, None]
    front_turns = turns[[0, -1]] if flat else turns
    front = (angle - tangent)[:, None] + front_turns * (2 * tangent)[:, None]
    return np.concatenate(
        [_circle(start, wide, back), _circle(end, narrow, front)],
        axis=1,
    )


def disc(centre: np.ndarray, radius: np.ndarray, corners: int = 16) -> np.ndarray:
    """Outline (T, corners, 2) of circles around (T, 2)."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return _circle(centre, radius, np.broadcast_to(angle, (len(centre), corners)))


def ribbon(points: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Outline (T, 2 n, 2) of a band through points (T, n, 2), `radius` (T,) to either side."""
    along = unit(np.gradient(points, axis=1) + 1e-9)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) * radius[:, None, None]
    return np.concatenate([points + across, (points - across)[:, ::-1]], axis=1)


def _circle(centre: np.ndarray, radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    around = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return centre[:, None] + radius[:, None, None] * around


def limb(
    view: View,
    start: np.ndarray,
    end: np.ndarray,
    radii: tuple[float, float],
    colour: np.ndarray,
    layers: tuple[float, ...] = (1.0, 0.8, 0.5),
    flat: bool = False,
    steps: int = 7,
) -> list[Stroke]:
    """A tapered round limb from start to end (T, 3) in camera space, radii in metres.

    Roundness comes from ever narrower and brighter capsules that move towards the lamp; how bright
    they get tells how the limb is turned to it.
    """
    a, b = view.pixels(start), view.pixels(end)
    wide, narrow = view.length(start, radii[0]), view.length(end, radii[1])
    axis = unit(end - start + 1e-9)
    along = axis @ view.look.light
    brightest = np.sqrt(np.maximum(1 - along**2, 0.05))
    across = view.look.light - along[:, None] * axis
    towards = np.stack([across[:, 0], -across[:, 1]], axis=-1)
    strokes = []
    for factor in layers:
        move = (1 - factor) * 0.85 * towards
        outline = capsule(
            a + move * wide[:, None],
            b + move * narrow[:, None],
            wide * factor,
            narrow * factor,
            steps,
            flat,
        )
        light = 0.22 + (1 - factor**2) ** 0.7 * (0.9 * brightest - 0.22) * 1.2
        strokes.append(Stroke(outline, view.lit(colour, light)))
    return strokes
