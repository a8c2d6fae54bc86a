"""Pictures of a camera: always the newest, so that what is shown is never late."""

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
    """The pictures of an OpenCV capture with the times at which they came.

    A thread reads the capture without pause; a picture that is not taken before the next one comes
    is dropped. What takes long thus sees fewer pictures, and never old ones.

    Args:
        capture: an open `cv2.VideoCapture`.
        where: what messages call it.

    Attributes:
        dropped: pictures that were not taken.
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
        """The camera of this computer with a number.

        Raises:
            UserError: there is none, or it is in use.
        """
        cv2 = library("cv2", "reading a camera")
        capture = cv2.VideoCapture(index)
        if not capture.isOpened():
            raise UserError(
                f"camera {index}: cannot be opened; is it there, free, and are you allowed to use "
                "it? Cameras are numbered from 0"
            )
        # Some drivers keep pictures back until they have several.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return cls(capture, f"camera {index}")

    def shown(self) -> Iterator[Shown]:
        """Its pictures, each from its time on; a picture's end is not known, and is its start.

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
            # OpenCV gives blue first.
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
    """Pictures that last until the next one comes; the last one, of unknown length, is left out.

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
