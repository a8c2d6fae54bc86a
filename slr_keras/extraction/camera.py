"""Frames of a live camera: always the newest one, so that latency does not grow."""

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from slr_keras.data.rates import Shown
from slr_keras.data.video.pixels import library
from slr_keras.utils.errors import UserError


class Camera:
    """Frames of an OpenCV capture with their arrival times.

    A thread reads the capture without pause and drops each picture that the consumer has not taken
    when the next one arrives. A slow consumer gets fewer pictures, never old ones.

    Args:
        capture: an open `cv2.VideoCapture`.
        where: name of the camera in messages.

    Attributes:
        dropped: number of pictures that the consumer did not take.
    """

    def __init__(self, capture: Any, where: str):
        self.dropped = 0
        self._capture = capture
        self._where = where
        self._newest: tuple[np.ndarray, float] | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)

    @classmethod
    def opened(cls, index: int) -> "Camera":
        """Open the camera with a number, from 0.

        Raises:
            UserError: no camera has this number, or another program uses it.
        """
        cv2 = library("cv2", "reading a camera")
        capture = cv2.VideoCapture(index)
        if not capture.isOpened():
            raise UserError(
                f"camera {index}: cannot be opened; is it there, free, and are you allowed to use "
                "it? Cameras are numbered from 0"
            )
        # Some drivers buffer several pictures.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return cls(capture, f"camera {index}")

    def shown(self) -> Iterator[Shown]:
        """Pictures with their start times; the end is not known yet and equals the start.

        Yields:
            `(height, width, 3)` uint8, RGB, with seconds from the first picture.
        """
        self._thread.start()
        first = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                if self._newest is None:
                    return
                (picture, came), self._newest = self._newest, None
            first = came if first is None else first
            seconds = Fraction(came - first)
            # OpenCV delivers BGR.
            yield Shown(picture[..., ::-1], seconds, seconds)

    def _read(self) -> None:
        while True:
            there, picture = self._capture.read()
            now = time.monotonic()
            with self._changed:
                if there:
                    self.dropped += self._newest is not None
                    self._newest = picture, now
                else:
                    self._ended = True
                self._changed.notify()
            if not there:
                self._capture.release()
                return


def until_the_next(shown: Iterator[Shown]) -> Iterator[Shown]:
    """Let each picture end where the next one starts; the last one has no end and is left out.

    >>> from slr_keras.data.rates import Shown
    >>> from slr_keras.extraction.camera import until_the_next
    >>> [s.end for s in until_the_next(iter([Shown("a", 0, 0), Shown("b", 2, 2)]))]
    [2]
    """
    previous = None
    for one in shown:
        if previous is not None:
            yield previous._replace(end=one.start)
        previous = one
