"""Keypoints relative to a wrist, whose own position is therefore (0, 0) and not "missing"."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slr_keras.data.layout import KeypointLayout


def contract_fields(layout: KeypointLayout, origins: Sequence[str]) -> dict[str, Any]:
    """Fields of the contract of such keypoints.

    The origin stays where it is: "image" normalisation would move it to a corner, and mirroring
    would then move the hand. The unit is the distance from the last origin to the middle one of the
    points that its edges lead to, such as from the wrist to the root of the middle finger.

    Args:
        layout: of the points.
        origins: the points that are (0, 0).

    >>> from slr_keras.data.datasets.hand_centred import contract_fields
    >>> from slr_keras.data.layout import layout
    >>> contract_fields(layout("mediapipe_75"), ["right_hand_wrist"])["scale"]
    ('right_hand_wrist', 'right_middle_1')

    Raises:
        UserError: the layout has no point of a name.
    """
    layout.indices(tuple(origins))
    near = _neighbours(layout, origins[-1])
    far = near[len(near) // 2] if near else next(p for p in layout.points[::-1] if p != origins[-1])
    return {
        "zero_is_missing": False,
        "normalisation": "body",
        "root": tuple(origins),
        "scale": (origins[-1], far),
    }


def mark_missing(
    keypoints: np.ndarray, layout: KeypointLayout, origins: Sequence[str]
) -> np.ndarray:
    """Mark the points that are missing: where (0, 0) is a position, it no longer says so.

    A point with x = y = 0 that is no origin was not found. An origin was found where most of the
    points that its edges lead to were; without edges, where any other point was.

    Args:
        keypoints: (frames, points, channels).
        layout: of the points.
        origins: the points that are (0, 0).

    Returns:
        A copy. Missing points have a score of 0 or, without scores, are NaN.

    >>> import numpy as np
    >>> from slr_keras.data.datasets.hand_centred import mark_missing
    >>> from slr_keras.data.layout import layout_from_json
    >>> hand = layout_from_json({"name": "hand", "points": ["wrist", "tip"], "channels": ["x", "y"],
    ...                          "edges": [["wrist", "tip"]]})
    >>> found, lost = [[0, 0], [0.5, 2]], [[0, 0], [0, 0]]
    >>> mark_missing(np.array([found, lost]), hand, ["wrist"]).tolist()
    [[[0.0, 0.0], [0.5, 2.0]], [[nan, nan], [nan, nan]]]
    """
    marked = np.array(keypoints, np.float32)
    if marked.ndim != 3 or marked.shape[1:] != (len(layout.points), len(layout.channels)):
        return marked
    lost = ~np.isfinite(marked[..., :2]).all(-1) | (marked[..., :2] == 0).all(-1)
    if "score" in layout.channels:
        lost |= ~(marked[..., -1] > 0)
    rows = layout.indices(tuple(origins))
    others = [row for row in range(len(layout.points)) if row not in rows]
    of_origins = {}
    for origin, row in zip(origins, rows):
        near = [n for n in layout.indices(_neighbours(layout, origin)) if n not in rows]
        of_origins[row] = lost[:, near].mean(1) > 0.5 if near else lost[:, others].all(1)
    for row, gone in of_origins.items():
        lost[:, row] = gone
    if "score" in layout.channels:
        marked[lost, -1] = 0
    else:
        marked[lost] = np.nan
    return marked


def _neighbours(layout: KeypointLayout, point: str) -> tuple[str, ...]:
    """The points that edges lead to."""
    return tuple(end for edge in layout.edges if point in edge for end in edge if end != point)
