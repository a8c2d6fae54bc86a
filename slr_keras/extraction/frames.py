"""Stream of landmarks, frame by frame, from the worker process."""

import contextlib
import dataclasses
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

import slr_keras
from slr_keras.data.times import Times
from slr_keras.extraction.settings import CHANNELS, POINTS, Settings, mediapipe_version
from slr_keras.utils.errors import UserError

#: Seconds without a frame after which the worker is stopped.
PATIENCE = 120.0
_LAST_WORDS = 300


class LandmarkFrame(NamedTuple):
    """Landmarks of one frame.

    Attributes:
        seconds: from the start of the recording, or from the camera's first picture.
        points: (543, 4) float32, layout `mediapipe_holistic_543`: x, y, z in pixels, y down;
            score; zeros where nothing was detected. Read-only.
    """

    seconds: float
    points: np.ndarray


@dataclass(frozen=True)
class Window:
    """A clip inside a longer recording.

    Attributes:
        first: number of its first picture.
        frames: its number of pictures.
        times: when each picture is shown; None if the rate is constant.
    """

    first: int
    frames: int
    times: Times | None = None


class LandmarkFrames(Iterator[LandmarkFrame]):
    """Frames of a recording or a camera; made by `landmark_frames`.

    The worker process ends when all frames are taken, at `close`, or at the end of a `with` block.

    Attributes:
        image_size: (width, height) of the pictures in pixels; None before the first frame.
        patience: seconds without a frame after which the process is stopped.
        dropped: number of pictures of a camera that were replaced by newer ones.
    """

    def __init__(self, request: dict, where: str, patience: float):
        self.image_size: tuple[int, int] | None = None
        self.dropped = 0
        self._where = where
        self.patience = patience
        self._finished = self._stopped = self._begun = False
        self._noise: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process, self._connection = _started(request, self._noise)

    def __next__(self) -> LandmarkFrame:
        while not self._finished:
            kind, content = self._message()
            if kind == b"F":
                self._begun = True
                points = np.frombuffer(content, "<f4", offset=8).reshape(POINTS, CHANNELS)
                return LandmarkFrame(struct.unpack_from("<d", content)[0], points)
            if kind == b"S":
                self.image_size = tuple(json.loads(content))
            elif kind == b"D":
                self.dropped = json.loads(content)
            else:
                self._finish()
                if kind == b"X":
                    raise UserError(content.decode(errors="surrogateescape"))
                if not self._begun:
                    raise UserError(f"{self._where}: has no pictures in it; restore it or drop it")
        raise StopIteration

    def __enter__(self) -> "LandmarkFrames":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The attribute is absent where the process could not be started.
        if hasattr(self, "_process"):
            self.close()

    def stop(self) -> None:
        """Kill the process; a thread that waits for a frame gets an `InterruptedError`."""
        self._stopped = True
        self._process.kill()

    def close(self) -> None:
        """Stop the process and release its resources."""
        self.stop()
        self._finish()

    def _message(self) -> tuple[bytes, bytes]:
        try:
            if not self._connection.poll(self.patience):
                self._process.kill()
                self._finish()
                raise UserError(
                    f"{self._where}: MediaPipe gave no frame for {self.patience:g} seconds and "
                    f"was stopped{self._last_words()}"
                )
            message = self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            if self._stopped:
                raise InterruptedError("stopped") from None
            self._finish()
            code = self._process.returncode
            raise UserError(
                f"{self._where}: the process of MediaPipe ended with {_named(code)}"
                f"{self._last_words()}"
            ) from error
        return message[:1], message[1:]

    def _finish(self) -> None:
        """Wait for the end of the process."""
        if self._finished:
            return
        self._finished = True
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connection.close()

    def _last_words(self) -> str:
        """The end of what the process wrote to its standard error."""
        self._noise.seek(0)
        lines = self._noise.read().decode(errors="replace").splitlines()
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f" ({words[-_LAST_WORDS:]})" if words else ""


def landmark_frames(
    source: str | Path | int,
    settings: Settings | None = None,
    *,
    rate: float | None = None,
    still_rate: float = 25.0,
    window: Window | None = None,
    patience: float = PATIENCE,
) -> LandmarkFrames:
    """Run MediaPipe Holistic on a recording or a camera, frame by frame.

    MediaPipe runs in a separate process: a crash or a hang there becomes a `UserError` here.
    Nothing is downloaded or sent. A few frames are buffered between the processes. When the buffer
    is full, a recording waits; a camera drops all pictures but the newest, so that a slow consumer
    sees fewer frames but never old ones.

    Args:
        source: a video file, a folder of pictures, a `.npy` of uint8 pictures, or the number of a
            camera.
        settings: with `fps`, frames are resampled to that constant rate: by the timestamps of a
            recording, or by the clock of a camera with one picture of delay. Without `fps`, every
            picture gives a frame at its own time.
        rate: frames a second that replace the timestamps of the file.
        still_rate: frames a second of sources without timestamps.
        window: a clip inside the recording, at its own times or the constant rate `rate`.
        patience: seconds without a frame after which the process is stopped.

    Returns:
        An iterator of `(seconds, points)`; see `LandmarkFrames` and `LandmarkFrame`.

    Raises:
        UserError: MediaPipe is not installed; while iterating: the source cannot be read or has no
            pictures, or the process crashed or hung.

    >>> from slr_keras.extraction import Settings, landmark_frames
    >>> def count(path):
    ...     with landmark_frames(path, Settings(fps=25.0)) as frames:
    ...         return sum(points[0, 3] > 0 for seconds, points in frames)
    """
    mediapipe_version()
    camera = source if isinstance(source, int) else None
    request = {
        "camera": camera,
        "path": None if camera is not None else str(source),
        "settings": dataclasses.asdict(settings or Settings()),
        "rate": rate,
        "still_rate": still_rate,
        "first": window.first if window else None,
        "frames": window.frames if window else None,
        "times": window.times.to_json() if window and window.times else None,
    }
    where = str(source) if camera is None else f"camera {camera}"
    return LandmarkFrames(request, where, patience)


def _started(request: dict, noise: IO[bytes]) -> tuple[subprocess.Popen, Connection]:
    """The worker process of a request, and the connection for its messages."""
    # The worker must import the same package as this process.
    path = [str(Path(slr_keras.__file__).parents[1]), os.environ.get("PYTHONPATH")]
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "slr_keras.extraction.worker", str(writing)],
            stdin=subprocess.PIPE,
            stdout=noise,
            stderr=noise,
            pass_fds=[writing],
            # Only this process handles Ctrl-C; it then stops the worker.
            start_new_session=True,
            env=os.environ | _QUIET | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    with contextlib.suppress(BrokenPipeError):
        # Not an argument: the times of a long window are longer than arguments may be.
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    return process, Connection(reading, writable=False)


# Only errors are logged; MediaPipe runs on the CPU.
_QUIET = {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _named(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {-code} ({signal.Signals(-code).name})"
