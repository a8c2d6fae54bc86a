"""Render heads: skull, hair, and a face that follows its 68 points."""

import numpy as np

from slr_keras.data.simulator.render_shapes import Part, Stroke, View, disc, ribbon
from slr_keras.data.simulator.rotations import unit
from slr_keras.data.simulator.signer import Signer

#: Face points within the 133, and parts of them.
FACE = slice(23, 91)
_JAW, _BROWS = slice(0, 17), (slice(17, 22), slice(22, 27))
_EYES = (slice(36, 42), slice(42, 48))
_LIPS, _OPENING = slice(48, 60), slice(60, 68)

#: Of each haircut: how far hair stands off the skull, how low it hangs at the sides (head
#: coordinates, metres, None: not at all), and the height of the hairline above the eyes.
_CUTS = {
    "bald": (0.0, None, 0.0),
    "short": (0.006, -0.010, 0.068),
    "full": (0.018, -0.035, 0.060),
    "bob": (0.016, -0.125, 0.062),
    "long": (0.014, -0.250, 0.066),
    "bun": (0.008, -0.012, 0.070),
}
_ARC = np.linspace(0, np.pi, 13)


def head_parts(view: View, points: np.ndarray, signer: Signer) -> list[Part]:
    """Hair behind the head, and the head, of the 133 points (T, 133, 3) in camera space."""
    head = _Head(points, signer)
    key = points[:, 3:5, 2].mean(1)
    return [
        Part(np.full(len(points), -9.0), _hair_behind(view, head)),
        Part(
            key, _skull(view, head, points) + _features(view, points[:, FACE]) + _hair(view, head)
        ),
    ]


class _Head:
    """The axes of the head, computed from ears and bridge of the nose."""

    def __init__(self, points: np.ndarray, signer: Signer):
        size = signer.body.head
        self.size = np.array([signer.body.face_width, 1.0, 1.0]) * size
        ears = points[:, 3:5].mean(1)
        self.x = unit(points[:, 3] - points[:, 4])
        # At rest the bridge is 0.095 m before and 0.015 m above the middle of the ears.
        forward = unit(points[:, 50] - ears)
        upward = np.cross(forward, self.x)
        tilt = np.arctan2(0.015, 0.095)
        self.z = unit(np.cos(tilt) * forward - np.sin(tilt) * upward)
        self.y = np.cross(self.z, self.x)
        self.origin = ears + size * (0.012 * self.y + 0.085 * self.z)

    def place(self, *spots: tuple[float, float, float]) -> np.ndarray:
        """Camera space (T, n, 3) of spots in the head: metres from between the eyes."""
        axes = np.stack([self.x, self.y, self.z], axis=1)
        return self.origin[:, None] + (np.array(spots) * self.size) @ axes


def _arch(width: float, low: float, high: float, depth: float) -> list[tuple[float, float, float]]:
    """Spots on a half ellipse from the signer's left temple over the head to the right one."""
    return [
        (width * np.cos(angle), low + (high - low) * np.sin(angle) ** 0.85, depth) for angle in _ARC
    ]


def _hair_behind(view: View, head: _Head) -> list[Stroke]:
    off, low, _ = _CUTS[view.look.haircut]
    if low is None:
        return []
    dark = view.lit(view.look.hair, 0.05)
    spots = _arch(0.084 + off, 0.0, 0.118 + off, -0.095)
    spots += [(-0.088 - off, low, -0.09), (-0.05, low - 0.02, -0.1)]
    spots += [(0.05, low - 0.02, -0.1), (0.088 + off, low, -0.09)]
    strokes = [Stroke(view.pixels(head.place(*spots)), dark)]
    if view.look.haircut == "bun":
        knot = head.place((0.0, 0.135, -0.10))[:, 0]
        strokes.append(Stroke(disc(view.pixels(knot), view.length(knot, 0.042)), dark))
    return strokes


def _skull(view: View, head: _Head, points: np.ndarray) -> list[Stroke]:
    """Ears and the face's skin, brighter towards the lamp."""
    skin = view.look.skin
    strokes = []
    for side, ear in ((1, 3), (-1, 4)):
        lobe = head.place((side * 0.079, -0.012, -0.083))[:, 0]
        light = 0.35 + 0.4 * side * view.look.light[0]
        outline = disc(view.pixels(lobe), view.length(points[:, ear], 0.019), 10)
        strokes.append(Stroke(outline, view.lit(skin * 0.95, light)))
    jaw = view.pixels(points[:, FACE][:, _JAW])
    arch = view.pixels(head.place(*_arch(0.074, 0.004, 0.112, -0.06)))
    outline = np.concatenate([jaw, arch], axis=1)
    middle = view.pixels(head.place((0.0, -0.012, 0.0)))
    light = view.look.light
    move = view.length(head.origin, 0.016)[:, None, None] * np.array([light[0], -light[1]])
    for factor, level in ((1.0, 0.25), (0.86, 0.5), (0.66, 0.72)):
        inner = middle + (outline - middle) * factor + move * (1 - factor) * 2
        strokes.append(Stroke(inner, view.lit(skin, level)))
    return strokes


def _features(view: View, face: np.ndarray) -> list[Stroke]:
    """Eyes, brows, nose and mouth."""
    look, xy = view.look, view.pixels(face)
    pixel = view.length(face[:, 27], 0.001)
    brow_colour = view.lit(0.75 * look.hair * 0.8 + 0.25 * look.skin * 0.5, 0.3)
    strokes = [Stroke(ribbon(xy[:, brow], 3.2 * pixel), brow_colour) for brow in _BROWS]
    for eye in _EYES:
        lids = xy[:, eye]
        middle = lids.mean(1, keepdims=True)
        opening = middle + (lids - middle) * [1.05, 1.15]
        strokes.append(Stroke(opening, view.lit(np.array([236, 232, 228]), 0.6)))
        # Squeezed between the lids, the iris shuts with them.
        iris = middle + (lids - middle) * [0.46, 1.15]
        strokes.append(Stroke(iris, view.lit(look.iris, 0.5)))
        line = np.maximum(1.1 * pixel, 0.12)
        strokes.append(Stroke(ribbon(lids[:, :4], line), view.lit(look.skin * 0.3, 0.2)))
    strokes += _nose(view, xy, pixel)
    lips, opening = xy[:, _LIPS], xy[:, _OPENING]
    middle = lips.mean(1, keepdims=True)
    strokes.append(Stroke(middle + (lips - middle) * 1.1, view.lit(look.lips, 0.55)))
    strokes.append(Stroke(opening, view.lit(np.array([52, 18, 22]), 0.3)))
    # Teeth show at the top of an open mouth.
    upper, lower = opening[:, :5], opening[:, [4, 5, 6, 7, 0]][:, ::-1]
    gap = (lower - upper)[:, 2, 1]
    edge = upper + np.minimum(0.3, 4.0 * pixel / np.maximum(gap, 1e-6))[:, None, None] * (
        lower - upper
    )
    teeth = np.concatenate([upper[:, 1:4], edge[:, 1:4][:, ::-1]], axis=1)
    strokes.append(Stroke(teeth, view.lit(np.array([222, 216, 206]), 0.5), gap > 6 * pixel))
    return strokes


def _nose(view: View, xy: np.ndarray, pixel: np.ndarray) -> list[Stroke]:
    """The side of the nose away from the lamp, its ridge and the shade below its tip."""
    skin, away = view.look.skin, 35 if view.look.light[0] < 0 else 31
    side = np.stack([xy[:, 27], xy[:, 30], xy[:, away]], axis=1)
    below = np.concatenate([xy[:, 31:36], xy[:, 33:34] + [0, 0.4] * pixel[:, None, None]], axis=1)
    ridge = ribbon(xy[:, 27:31], 2.2 * pixel)
    return [
        Stroke(side, view.lit(skin * 0.93, 0.25)),
        Stroke(ridge, view.lit(skin, 0.95)),
        Stroke(below, view.lit(skin * 0.7, 0.1)),
    ]


def _hair(view: View, head: _Head) -> list[Stroke]:
    """Hair over forehead and temples."""
    off, low, line = _CUTS[view.look.haircut]
    if low is None:
        return []
    burns = max(low, -0.03) if view.look.haircut in ("short", "full", "bun") else -0.05
    outer = _arch(0.079 + off, 0.0, 0.118 + off, -0.05)
    hairline = [(-0.071, burns, -0.06), (-0.068, 0.02, -0.035), (-0.052, line - 0.012, -0.012)]
    hairline += [(0.0, line, 0.0), (0.052, line - 0.012, -0.012), (0.068, 0.02, -0.035)]
    hairline += [(0.071, burns, -0.06)]
    hair = view.look.hair
    strokes = [Stroke(view.pixels(head.place(*outer, *hairline)), view.lit(hair, 0.3))]
    shine = [(x * 0.72, 0.045 + (y - 0.0) * 0.55, 0.0) for x, y, _ in outer[2:-2]]
    shine += [(x * 0.5, 0.05 + y * 0.42, 0.0) for x, y, _ in outer[2:-2][::-1]]
    strokes.append(Stroke(view.pixels(head.place(*shine)), view.lit(hair * 1.15 + 6, 0.75)))
    return strokes
