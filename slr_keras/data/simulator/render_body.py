"""Render torso, neck, sleeves and arms."""

import itertools

import numpy as np

from slr_keras.data.simulator.render_shapes import Part, Stroke, View, limb
from slr_keras.data.simulator.rotations import unit
from slr_keras.data.simulator.signer import Signer

_STRIPS = np.linspace(-1, 1, 8)
_BANDS = 14


def body_parts(view: View, points: np.ndarray, signer: Signer) -> list[Part]:
    """Trunk, neck and both arms of the 133 points (T, 133, 3) in camera space."""
    trunk = _Trunk(points, signer)
    depth = trunk.top[:, 2] - 0.08
    chin = points[:, [28, 34]].mean(1)
    parts = [
        Part(depth, _neck(view, trunk, chin)),
        Part(depth + 1e-4, trunk.strokes(view)),
    ]
    for shoulder, elbow, wrist in ((5, 7, 9), (6, 8, 10)):
        parts += _arm(view, points[:, shoulder], points[:, elbow], points[:, wrist])
    return parts


class _Trunk:
    """The trunk's outline: rows from the neck down, each with its middle and half width."""

    def __init__(self, points: np.ndarray, signer: Signer):
        body = signer.body
        self.top = points[:, 5:7].mean(1)
        hip = points[:, 11:13].mean(1)
        self.across = unit(points[:, 5] - points[:, 6])
        self.up = unit(self.top - hip)
        self.front = np.cross(self.across, self.up)
        half, hips = body.shoulder_width / 2, body.hip_width / 2
        # Height above the shoulder line and half width of each row, in metres.
        self.rows = [
            (0.075, 0.055),
            (0.060, 0.068),
            (0.040, 0.5 * half + 0.02),
            (0.026, half + 0.005),
            (-0.010, half + 0.034),
            (-0.070, half + 0.030),
            (-0.150, half + 0.004),
            (-0.55 * body.torso, 0.45 * half + 0.55 * hips + 0.025),
            (-0.85 * body.torso, hips + 0.045),
            (-1.05 * body.torso, hips + 0.062),
            (-1.60 * body.torso, hips + 0.062),
        ]

    def at(self, height: float, side: float, out: float = 0.0) -> np.ndarray:
        """Camera space (T, 3) of a spot: metres above the shoulders, to the left, to the front."""
        return self.top + height * self.up + side * self.across + out * self.front

    def strokes(self, view: View) -> list[Stroke]:
        """Shirt in vertical strips shaded as a cylinder, stripes, and the neckline."""
        left = view.pixels(np.stack([self.at(h, w) for h, w in self.rows], axis=1))
        right = view.pixels(np.stack([self.at(h, -w) for h, w in self.rows], axis=1))
        strokes = []
        for a, b in itertools.pairwise(_STRIPS):
            band = [(left + right) / 2 + u * (left - right) / 2 for u in (a, b)]
            angle = np.arcsin((a + b) / 2)
            normal = np.sin(angle) * self.across + np.cos(angle) * self.front
            outline = np.concatenate([band[0], band[1][:, ::-1]], axis=1)
            shirt = view.lit(view.look.shirt, view.facing(normal) ** 1.5)
            strokes.append(Stroke(outline, shirt))
        if not np.array_equal(view.look.stripe, view.look.shirt):
            strokes += self._stripes(view)
        return strokes + self._neckline(view)

    def _stripes(self, view: View) -> list[Stroke]:
        strokes = []
        heights = [height for height, _ in self.rows][::-1]
        widths = [width for _, width in self.rows][::-1]
        light = view.facing(self.front) ** 1.5
        for top in np.linspace(-0.04, self.rows[-1][0], _BANDS):
            corners = []
            for height, sides in ((top, (-1, 1)), (top - 0.022, (1, -1))):
                width = np.interp(height, heights, widths) - 0.004
                corners += [self.at(height, side * width) for side in sides]
            outline = view.pixels(np.stack(corners, axis=1))
            strokes.append(Stroke(outline, view.lit(view.look.stripe, light)))
        return strokes

    def _neckline(self, view: View) -> list[Stroke]:
        shapes = {
            "round": [(0.088, 0.056), (0.025, 0.052), (0.0, 0.025)],
            "vee": [(0.088, 0.056), (0.020, 0.034), (-0.060, 0.003)],
        }
        if view.look.neckline not in shapes:
            return []
        half = shapes[view.look.neckline]
        corners = [self.at(h, w, 0.03) for h, w in half]
        corners += [self.at(h, -w, 0.03) for h, w in half[::-1]]
        skin = view.lit(view.look.skin, 0.45 * view.facing(self.front))
        return [Stroke(view.pixels(np.stack(corners, axis=1)), skin)]


def _neck(view: View, trunk: _Trunk, chin: np.ndarray) -> list[Stroke]:
    """From between the shoulders to under the jaw; darker than the face that shades it."""
    base = trunk.at(0.0, 0.0)
    return limb(view, base, chin + 0.02 * trunk.up, (0.062, 0.052), view.look.skin * 0.86)


def _arm(view: View, shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray) -> list[Part]:
    """Upper arm and forearm; the sleeve is a wider limb around either."""
    parts = []
    for number, (start, end, radii) in enumerate(
        ((shoulder, elbow, (0.046, 0.040)), (elbow, wrist, (0.039, 0.0245)))
    ):
        covered = float(np.clip(view.look.sleeve - number, 0, 1))
        strokes = [] if covered == 1 else limb(view, start, end, radii, view.look.skin)
        if covered:
            hem = start + covered * (end - start)
            inside = radii[0] + covered * (radii[1] - radii[0])
            strokes += limb(
                view,
                start,
                hem,
                (radii[0] + 0.010, inside + 0.010),
                view.look.shirt,
                flat=covered < 1,
            )
        parts.append(Part((start[:, 2] + end[:, 2]) / 2, strokes))
    return parts
