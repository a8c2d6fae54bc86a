"""A window with the points of a camera, where there is a display."""

import contextlib
import os
import sys
from typing import Any

import numpy as np

from slr_keras.data.contract import KeypointContract

_SIDE = 480
_TITLE = "slr enrol"
_LINE, _POINT = (200, 160, 60), (240, 240, 240)


class Preview:
    """Draws points in a window, mirrored for the eye; the picture of the camera is not shown.

    Args:
        contract: of the points; body coordinates are made of them.
        library: the module `cv2`.
    """

    def __init__(self, contract: KeypointContract, library: Any):
        self._contract = contract
        self._library = library
        library.namedWindow(_TITLE)

    @classmethod
    def opened(cls, contract: KeypointContract) -> "Preview | None":
        """A window; None without a display, without OpenCV, or with an OpenCV without windows."""
        if sys.platform.startswith("linux") and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            return None
        # An OpenCV without windows raises an error of its own.
        try:
            import cv2

            return cls(contract, cv2)
        except Exception:
            return None

    def show(self, points: np.ndarray, text: str) -> None:
        """Draw one frame of selected raw points `(points, channels)` and a text."""
        picture = drawn(self._contract, points, self._library)
        self._library.putText(picture, text, (16, 48), 0, 1.2, _POINT, 2)
        self._library.imshow(_TITLE, picture)
        self._library.waitKey(1)

    def close(self) -> None:
        """Close the window."""
        with contextlib.suppress(Exception):
            self._library.destroyWindow(_TITLE)


def drawn(contract: KeypointContract, points: np.ndarray, library: Any) -> np.ndarray:
    """A picture `(480, 480, 3)` uint8 of the points, left and right exchanged as in a mirror.

    Args:
        contract: of the points.
        points: `(points, channels)`, selected and raw.
        library: the module `cv2`.
    """
    picture = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    placed = contract.normalise(contract.fill_gaps(points[None]))[0]
    across, up = placed[:, 0], placed[:, 1]
    if contract.normalisation == "body":
        # Shoulder widths: two to each side, one above and three below the shoulders.
        across, up = across / 2, (up + 1) / 2
    # Mirrored for the eye; y grows upward in the contract's coordinates.
    places = np.stack([(1 - across) / 2, (1 - up) / 2], axis=1) * _SIDE
    places = np.clip(places, -_SIDE, 2 * _SIDE).astype(int)
    seen = placed[:, -1] > 0
    for start, end in contract.edges:
        if seen[start] and seen[end]:
            library.line(picture, places[start].tolist(), places[end].tolist(), _LINE, 2)
    for row in np.flatnonzero(seen):
        library.circle(picture, places[row].tolist(), 3, _POINT, -1)
    return picture
