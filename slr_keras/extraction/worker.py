"""Worker process of the extraction: `python -m slr_keras.extraction.worker FD`.

A crash or a hang of native code stays in this process. The process reads its request, a line of
JSON, from its standard input and sends messages through the file descriptor FD: a letter and its
payload.

| letter | payload |
| --- | --- |
| `S` | JSON: width and height of the pictures, before the first frame |
| `F` | seconds (float64), (543, 4) float32, both little-endian |
| `D` | JSON: how many pictures of a camera were dropped so far, where that changed |
| `E` | nothing: all frames were sent |
| `X` | text: a mistake of the user's, such as a damaged file |

The process ends when its standard input is closed, that is, when its parent has ended.
"""

import json
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.rates import Shown, at_rate, steady
from slr_keras.data.times import Times
from slr_keras.extraction.camera import Camera, until_the_next
from slr_keras.extraction.holistic import Holistic
from slr_keras.extraction.settings import Settings
from slr_keras.utils.errors import UserError


def main(arguments: list[str]) -> None:
    """Answer the request on standard input; the argument is the file descriptor."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.addaudithook(_offline)
    connection = Connection(int(arguments[0]), readable=False)
    try:
        _send_frames(connection, request)
        connection.send_bytes(b"E")
    except UserError as error:
        connection.send_bytes(b"X" + str(error).encode(errors="surrogateescape"))
    except BrokenPipeError:
        # The parent has stopped reading.
        pass


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)


def _offline(event: str, _: tuple) -> None:
    """Nothing that people film leaves their computer, and no model is fetched."""
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise PermissionError("keypoints are found offline")


def _send_frames(connection: Connection, request: dict[str, Any]) -> None:
    settings = Settings(**request["settings"])
    # Made for the first picture: that a file is damaged is known before MediaPipe is there.
    holistic = cache(partial(Holistic, settings))
    if request["camera"] is not None:
        camera = Camera.opened(request["camera"])
        # What the camera shows meanwhile would be late.
        holistic()
        shown = camera.shown()
        shown = until_the_next(shown) if settings.fps else shown
    else:
        camera, shown = None, _recorded(request)
    size, dropped = None, 0
    for seconds, find in _timed(shown, holistic, settings.fps):
        points, found_size = find()
        if size is None:
            size = found_size
            connection.send_bytes(b"S" + json.dumps(size).encode())
        # A recording may change its size on the way: what follows is measured as its beginning.
        points = points * np.append(np.divide(size, found_size)[[0, 1, 0]], 1)
        connection.send_bytes(b"F" + struct.pack("<d", seconds) + points.astype("<f4").tobytes())
        if camera is not None and camera.dropped != dropped:
            dropped = camera.dropped
            connection.send_bytes(b"D" + json.dumps(dropped).encode())


def _timed(
    shown: Iterator[Shown], holistic: Callable[[], Holistic], fps: float | None
) -> Iterator[tuple[float, Any]]:
    """Times of the frames, and what finds the landmarks of each and its picture's size.

    Landmarks are found when they are asked for: not in pictures that the rate drops, and once in
    those that it repeats.
    """

    def find(picture: np.ndarray, seconds: float) -> tuple[np.ndarray, tuple[int, int]]:
        return holistic()(picture, seconds), picture.shape[1::-1]

    lazy = (one._replace(frame=cache(partial(find, one.frame, float(one.start)))) for one in shown)
    if fps is None:
        for one in lazy:
            yield float(one.start), one.frame
    else:
        for number, frame in enumerate(at_rate(lazy, fps)):
            yield number / fps, frame


def _recorded(request: dict[str, Any]) -> Iterator[Shown]:
    """The pictures of a recording, or of a window of one."""
    from slr_keras.data.sample import Sample
    from slr_keras.data.video.reading import frames_of
    from slr_keras.data.video.recordings import shown_in

    path, rate = Path(request["path"]), request["rate"]
    if request["first"] is None:
        return shown_in(path, request["still_rate"], rate)
    window = Sample(
        "", (), request["frames"], video=str(path.absolute()), video_start=request["first"]
    )
    frames = frames_of(window, path.parent, None, {})
    if request["times"] is not None and rate is None:
        return Times.from_json(request["times"], request["frames"], str(path)).shown(frames)
    return steady(frames, rate or request["still_rate"])


if __name__ == "__main__":
    main(sys.argv[1:])
