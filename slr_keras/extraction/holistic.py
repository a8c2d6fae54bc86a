"""MediaPipe Holistic with the timestamps of the pictures; imported in the worker only."""

import sys
from typing import Any

import numpy as np

from slr_keras.extraction.settings import CHANNELS, POINTS, Settings

#: Part → its first row and number of points in the layout.
PARTS = {"pose": (0, 33), "face": (33, 468), "left_hand": (501, 21), "right_hand": (522, 21)}
# Microseconds that the wrapper adds to its clock before every picture.
_STEP = 33_333


class Holistic:
    """Detects the 543 landmarks of one person in the consecutive pictures of one clip.

    Args:
        settings: confidences; `fps` is not used here.
    """

    def __init__(self, settings: Settings):
        # MediaPipe imports TensorFlow and JAX only for its documentation and to convert language
        # models; the imports take eight seconds.
        for unneeded in ("tensorflow", "jax"):
            sys.modules.setdefault(unneeded, None)
        from mediapipe.python.solutions.holistic import Holistic as Solution

        self._solution = Solution(
            min_detection_confidence=settings.detection,
            min_tracking_confidence=settings.tracking,
        )
        self._clock = 0

    def __call__(self, picture: np.ndarray, seconds: float) -> np.ndarray:
        """Landmarks of a picture.

        The wrapper assumes 30 pictures a second, and its smoothing filter measures speed by that
        clock. With the true timestamps it smooths equally at every frame rate.

        Args:
            picture: `(height, width, 3)` uint8, RGB.
            seconds: time from the clip's start; must not decrease.

        Returns:
            (543, 4) float32: x, y, z in pixels, score; zeros where nothing was found.
        """
        self._clock = max(round(seconds * 1e6), self._clock + 1)
        self._solution._simulated_timestamp = self._clock - _STEP
        results = self._solution.process(np.ascontiguousarray(picture))
        return assembled(results, *picture.shape[1::-1])


def assembled(results: Any, width: int, height: int) -> np.ndarray:
    """MediaPipe's results as one array.

    The score of a pose landmark is its visibility. Hands and face have no visibility: all points
    of a detected part have score 1, all points of a missing part have score 0.

    Args:
        results: has an attribute `<part>_landmarks` for each of `PARTS`, None if not detected.
        width, height: of the picture.

    Returns:
        (543, 4) float32: x, y, z in pixels (z in those of x), score.

    >>> from types import SimpleNamespace
    >>> from slr_keras.extraction.holistic import assembled
    >>> point = SimpleNamespace(x=0.5, y=0.25, z=-0.125, visibility=0.0)
    >>> hand = SimpleNamespace(landmark=[point] * 21)
    >>> points = assembled(
    ...     SimpleNamespace(
    ...         pose_landmarks=None, face_landmarks=None,
    ...         left_hand_landmarks=hand, right_hand_landmarks=None,
    ...     ), 640, 480,
    ... )
    >>> points[501].tolist(), points[522].tolist()
    ([320.0, 120.0, -80.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    """
    points = np.zeros((POINTS, CHANNELS), np.float32)
    for part, (first, number) in PARTS.items():
        landmarks = getattr(results, f"{part}_landmarks")
        if landmarks is None:
            continue
        values = [
            (point.x, point.y, point.z, point.visibility if part == "pose" else 1.0)
            for point in landmarks.landmark
        ]
        points[first : first + number] = values
    points[:, :3] *= np.array([width, height, width], np.float32)
    return points
