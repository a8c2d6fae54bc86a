"""Thumbnails of clips: a few moments side by side, drawn from landmarks as SVG.

The signer's left is blue and its arm a full line; the right is orange and its arm a dashed line,
so that the sides differ without colours, too. Colours are CSS variables of the page.
"""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.dictionary.encoding import hand_rows

#: Width and height of one moment in the units of the drawing.
PANEL = 100.0
_MARGIN = 6.0
# Extent in body units (shoulder widths) below which a drawing is not enlarged further.
_LEAST_EXTENT = 0.5


def side(name: str) -> str:
    """The side of the body of a point: "left", "right" or "middle".

    >>> from slr_keras.dictionary.thumbnail import side
    >>> side("left_wrist"), side("nose")
    ('left', 'middle')
    """
    return "left" if "left" in name else "right" if "right" in name else "middle"


def thumbnail(postures: np.ndarray, contract: KeypointContract, title: str) -> str:
    """Draw moments of a clip side by side, from left to right.

    Args:
        postures: `(moments, points, 3)`: prepared x, y (up) and score; points of score 0 are not
            drawn.
        contract: names the points and their bones.
        title: text for readers who do not see the drawing.

    Returns:
        A `<div>` with one `<svg>` for each moment; `STYLE` has the styles of its classes.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.dictionary.thumbnail import thumbnail
    >>> rules = contract("mediapipe_75", normalisation="body")
    >>> thumbnail(np.ones((4, len(rules.points), 3)), rules, "hello")[:52]
    '<div class="moments" role="img" aria-label="hello"><'
    """
    postures = np.asarray(postures, np.float64)
    seen = postures[..., -1] > 0
    places = _placed(postures[..., :2], seen)
    fingers = set(hand_rows(contract))
    classes = [
        f"{'finger' if row in fingers else 'limb'} {side(name)}"
        for row, name in enumerate(contract.points)
    ]
    panels = [_panel(place, found, classes, contract.edges) for place, found in zip(places, seen)]
    label = escape(title)
    return f'<div class="moments" role="img" aria-label="{label}">{"".join(panels)}</div>'


def _placed(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Points in the units of a panel, y down, at one scale for all moments."""
    if not seen.any():
        return np.zeros_like(points)
    low, high = points[seen].min(axis=0), points[seen].max(axis=0)
    extent = max(float((high - low).max()), _LEAST_EXTENT)
    scale = (PANEL - 2 * _MARGIN) / extent
    return PANEL / 2 + (points - (low + high) / 2) * [scale, -scale]


def _panel(
    places: np.ndarray,
    seen: np.ndarray,
    classes: Sequence[str],
    edges: Iterable[tuple[int, int]],
) -> str:
    bones: dict[str, list[str]] = {}
    dots: dict[str, list[str]] = {}
    texts = [f"{x:.1f} {y:.1f}" for x, y in places]
    for start, end in edges:
        if seen[start] and seen[end]:
            name = classes[start] if classes[start] == classes[end] else _bone(classes, start, end)
            bones.setdefault(name, []).append(f"M{texts[start]}L{texts[end]}")
    for point in np.flatnonzero(seen):
        # A line of no length with round ends is a dot.
        dots.setdefault(classes[point], []).append(f"M{texts[point]}h0")
    paths = [
        f'<path class="{kind} {name}" d="{"".join(parts)}"/>'
        for kind, drawn in (("bones", bones), ("dots", dots))
        for name, parts in drawn.items()
    ]
    return f'<svg viewBox="0 0 {PANEL:g} {PANEL:g}">{"".join(paths)}</svg>'


def _bone(classes: Sequence[str], start: int, end: int) -> str:
    """The classes of a bone between points of two kinds or sides."""
    sides = {classes[point].rpartition(" ")[2] for point in (start, end)}
    return f"limb {sides.pop() if len(sides) == 1 else 'middle'}"


STYLE = """\
.moments{display:grid;grid-template-columns:repeat(4,1fr);gap:.25rem}
.moments svg{display:block;width:100%;background:var(--paper);border-radius:.35rem}
svg path{fill:none;stroke-linecap:round;stroke-linejoin:round}
.bones.limb{stroke-width:1.7}.dots.limb{stroke-width:3}
.bones.finger{stroke-width:.9}.dots.finger{stroke-width:1.5}
.middle{stroke:var(--body)}.left{stroke:var(--left)}.right{stroke:var(--right)}
.bones.limb.right{stroke-dasharray:3 2.8}
@media(max-width:34rem){.moments{grid-template-columns:repeat(2,1fr)}}
"""
"""CSS of the drawings; the page defines the variables."""
