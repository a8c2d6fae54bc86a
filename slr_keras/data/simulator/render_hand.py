"""Render hands: palms and fingers with occlusion."""

import numpy as np

from slr_keras.data.simulator.body import HAND_LENGTH
from slr_keras.data.simulator.render_shapes import Part, Stroke, View, capsule, ribbon
from slr_keras.data.simulator.rotations import unit

#: Radii in metres at the four points of thumb, index, middle, ring and little finger.
_RADII = np.array(
    [
        [0.0135, 0.0115, 0.0100, 0.0080],
        [0.0105, 0.0092, 0.0082, 0.0070],
        [0.0108, 0.0095, 0.0085, 0.0072],
        [0.0102, 0.0090, 0.0080, 0.0068],
        [0.0092, 0.0080, 0.0072, 0.0060],
    ]
)
_OUTLINE = 0.0022  # metres; a dark rim separates neighbouring fingers
_LEAST_OUTLINE = 0.28  # pixels of the finished picture
_GAP = 1e-4
_COARSE = 110.0  # pixels per metre below which a finger is too thin for a highlight


def hand_parts(view: View, hand: np.ndarray, side: float, size: float) -> list[Part]:
    """The parts of a hand.

    Args:
        hand: its 21 points (T, 21, 3) in camera space.
        side: 1 for a right hand, -1 for a left one.
        size: length of the hand in metres.
    """
    scale = size / HAND_LENGTH
    normal = side * unit(
        np.cross(hand[:, 5] - hand[:, 17], hand[:, [5, 9, 13, 17]].mean(1) - hand[:, 0])
    )
    palm_seen = normal[:, 2] > 0
    skin = np.where(palm_seen[:, None], view.look.palm, view.look.skin)
    centre = hand[:, [0, 5, 9, 13, 17]].mean(1)
    depth = centre[:, 2]
    parts = [Part(depth, _palm(view, hand, normal, skin, scale))]
    for finger in range(5):
        points = hand[:, 1 + 4 * finger : 5 + 4 * finger]
        for bone in range(3):
            start, end = points[:, bone], points[:, bone + 1]
            radii = _RADII[finger, bone : bone + 2] * scale
            middle = (start + end) / 2
            key = _order(depth, middle[:, 2], np.sum((middle - centre) * normal, -1), normal[:, 2])
            strokes = _bone(view, start, end, radii, skin, tip=bone == 2)
            parts.append(Part(key, strokes))
    return parts


def _order(palm: np.ndarray, own: np.ndarray, height: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Depth (T,) at which a bone is drawn: bones bent over the palm hide it or are hidden.

    The bone's own depth alone would be wrong on a tilted palm.
    """
    clear = (np.abs(height) > 0.008) & (np.abs(facing) > 0.15)
    before = np.maximum(own, palm + _GAP)
    behind = np.minimum(own, palm - _GAP)
    return np.where(clear, np.where(height * facing > 0, before, behind), own)


def _bone(
    view: View,
    start: np.ndarray,
    end: np.ndarray,
    radii: np.ndarray,
    skin: np.ndarray,
    tip: bool,
) -> list[Stroke]:
    """Rim, body and highlight of one bone of a finger; only the last has a rim around its end."""
    a, b = view.pixels(start), view.pixels(end)
    wide, narrow = view.length(start, radii[0]), view.length(end, radii[1])
    rim = np.maximum(view.length(start, _OUTLINE), _LEAST_OUTLINE)
    axis = unit(end - start + 1e-9)
    along = axis @ view.look.light
    light = np.sqrt(np.maximum(1 - along**2, 0.0))
    across = view.look.light - along[:, None] * axis
    move = 0.3 * np.stack([across[:, 0], -across[:, 1]], axis=-1)
    if tip:
        dark = capsule(a, b, wide + rim, narrow + rim, 3)
    else:
        dark = ribbon(np.stack([a, b], axis=1), (wide + narrow) / 2 + rim)
    strokes = [Stroke(dark, skin * view.lit(np.full(3, 0.5), 0.0))]
    if view.camera.zoom < _COARSE:
        body = skin * view.lit(np.ones(3), 0.1 + 0.75 * light)
        return [*strokes, Stroke(capsule(a, b, wide, narrow, 3), body)]
    highlight = capsule(
        a + move * wide[:, None], b + move * narrow[:, None], wide * 0.6, narrow * 0.6, 2
    )
    return [
        *strokes,
        Stroke(capsule(a, b, wide, narrow, 3), skin * view.lit(np.ones(3), 0.55 * light)),
        Stroke(highlight, skin * view.lit(np.ones(3), 0.2 + 0.8 * light)),
    ]


def _palm(
    view: View, hand: np.ndarray, normal: np.ndarray, skin: np.ndarray, scale: float
) -> list[Stroke]:
    """The middle hand: four bones and the ball of the thumb, and what marks palm and back."""
    wrist = hand[:, 0]
    knuckles = hand[:, [5, 9, 13, 17]]
    rays = [
        (wrist + 0.12 * (knuckles[:, i] - wrist), knuckles[:, i], 0.0150 * scale, 0.0118 * scale)
        for i in range(4)
    ]
    rays.append((wrist + 0.1 * (hand[:, 1] - wrist), hand[:, 2], 0.0165 * scale, 0.0125 * scale))
    outlines = []
    rim = np.maximum(view.length(wrist, _OUTLINE), _LEAST_OUTLINE)
    for grow in (rim, 0.0):
        for start, end, wide, narrow in rays:
            outlines.append(
                capsule(
                    view.pixels(start),
                    view.pixels(end),
                    view.length(start, wide) + grow,
                    view.length(end, narrow) + grow,
                    3,
                )
            )
    towards = np.where(normal[:, 2:] > 0, normal, -normal)
    light = view.facing(towards) ** 1.5
    dark = skin * view.lit(np.full(3, 0.5), 0.0)
    body = skin * view.lit(np.ones(3), 0.85 * light)
    strokes = [Stroke(outline, dark if i < 5 else body) for i, outline in enumerate(outlines)]

    palm_seen = normal[:, 2] > 0.25
    hollow = np.stack(
        [
            wrist + 0.30 * (knuckles[:, 3] - wrist),
            wrist + 0.72 * (knuckles[:, 3] - wrist),
            wrist + 0.78 * (knuckles[:, 1] - wrist),
            wrist + 0.66 * (knuckles[:, 0] - wrist),
            wrist + 0.42 * (knuckles[:, 1] - wrist),
        ],
        axis=1,
    )
    shade = skin * view.lit(np.full(3, 0.84), 0.75 * light)
    strokes.append(Stroke(view.pixels(hollow), shade, palm_seen))
    for i in (0, 1, 2):
        groove = knuckles[:, i : i + 2].mean(1)
        line = view.pixels(np.stack([wrist + 0.45 * (groove - wrist), groove], axis=1))
        width = np.maximum(view.length(wrist, 0.0016), 0.2)
        strokes.append(
            Stroke(
                ribbon(line, width),
                skin * view.lit(np.full(3, 0.7), 0.5 * light),
                normal[:, 2] < -0.25,
            )
        )
    return strokes
