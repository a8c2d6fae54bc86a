"""Thumbnails of clips: a few moments side by side, drawn from landmarks as SVG.

The signer's left is blue and drawn with full lines; the right is orange and drawn with dashed
lines, so that the sides differ without colours, too. Colours are CSS variables of the page.
"""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from slr_keras.data.contract import KeypointContract

#: Width and height of one moment in the units of the drawing.
PANEL = 100.0
_MARGIN = 6.0
# Extent in body units (shoulder widths) below which a drawing is not enlarged further.
_LEAST_EXTENT = 0.5
_SIDES = ("middle", "left", "right")


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
        An `<svg>` element; its classes have the styles of `STYLE`.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.dictionary.thumbnail import thumbnail
    >>> rules = contract("mediapipe_75", normalisation="body")
    >>> thumbnail(np.ones((4, len(rules.points), 3)), rules, "hello")[:38]
    '<svg class="moments" role="img" viewBo'
    """
    postures = np.asarray(postures, np.float64)
    seen = postures[..., -1] > 0
    places = _placed(postures[..., :2], seen)
    sides = [side(name) for name in contract.points]
    panels = [
        _panel(place, found, number, sides, contract.edges)
        for number, (place, found) in enumerate(zip(places, seen))
    ]
    return (
        f'<svg class="moments" role="img" viewBox="0 0 {PANEL * len(postures):g} {PANEL:g}">'
        f"<title>{escape(title)}</title>{''.join(panels)}</svg>"
    )


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
    number: int,
    sides: Sequence[str],
    edges: Iterable[tuple[int, int]],
) -> str:
    bones: dict[str, list[str]] = {name: [] for name in _SIDES}
    dots: dict[str, list[str]] = {name: [] for name in _SIDES}
    texts = [f"{x:.1f} {y:.1f}" for x, y in places]
    for start, end in edges:
        if seen[start] and seen[end]:
            name = sides[start] if sides[start] == sides[end] else "middle"
            bones[name].append(f"M{texts[start]}L{texts[end]}")
    for point in np.flatnonzero(seen):
        # A line of no length with round ends is a dot.
        dots[sides[point]].append(f"M{texts[point]}h0")
    paths = [
        f'<path class="{kind} {name}" d="{"".join(parts[name])}"/>'
        for kind, parts in (("bones", bones), ("dots", dots))
        for name in _SIDES
        if parts[name]
    ]
    line = f'<path class="rule" d="M0 8v{PANEL - 16:g}"/>' if number else ""
    return f'<g transform="translate({PANEL * number:g} 0)">{line}{"".join(paths)}</g>'


STYLE = """\
.moments{display:block;width:100%;height:auto}
.moments path{fill:none;stroke-linecap:round;stroke-linejoin:round}
.bones{stroke-width:1.6}.dots{stroke-width:2.6}
.rule{stroke:var(--line);stroke-width:.8}
.middle{stroke:var(--body)}.left{stroke:var(--left)}.right{stroke:var(--right)}
.bones.right{stroke-dasharray:2.6 2.4}"""
"""CSS of the drawings; the page defines the variables."""
