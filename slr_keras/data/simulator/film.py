"""Write rendered frames: one array per split, or one mp4 per clip."""

import contextlib
import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from slr_keras.data.writer import npy_header
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

VIDEOS = ("npy", "mp4")
SMALLEST, LARGEST = 16, 1024


class Film(Protocol):
    """Writer of clips; a context manager that closes its files."""

    def add(self, split: str, sample_id: str, frames: Iterable[np.ndarray]) -> str:
        """Write a clip of (height, width, 3) uint8 frames; return the name of its file."""
        ...

    def __enter__(self) -> "Film": ...

    def __exit__(self, kind: object, error: object, trace: object) -> None: ...


def open_film(
    kind: str, path: Callable[[str], Path], size: tuple[int, int], fps: float = 25.0
) -> Film:
    """A film of one kind.

    Args:
        kind: "npy" (`<split>.frames.npy`, (frames, height, width, 3) uint8 RGB, clips one after
            another) or "mp4" (`videos/<split>/<id>.mp4`).
        path: gives the place to write a file of a name.
        size: width and height in pixels.
        fps: frames a second of mp4 files.

    Raises:
        UserError: an unknown kind, a size that cannot be, or no library to write mp4 with.

    >>> import tempfile, pathlib, numpy as np
    >>> from slr_keras.data.simulator.film import open_film
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     with open_film("npy", folder.joinpath, (32, 16)) as film:
    ...         name = film.add("dev", "a", np.zeros((5, 16, 32, 3), np.uint8))
    ...     name, np.load(folder / name, mmap_mode="r").shape
    ('dev.frames.npy', (5, 16, 32, 3))
    """
    if kind not in VIDEOS:
        raise UserError(f"video {kind!r} is not known; choose one of {', '.join(VIDEOS)}")
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise UserError(
            f"frames of {size[0]}x{size[1]}: width and height must be {SMALLEST} to {LARGEST}"
        )
    return ArrayFilm(path, size) if kind == "npy" else Mp4Film(path, size, fps)


class ArrayFilm:
    """One `.npy` file a split, written as the frames come; see `open_film`."""

    def __init__(self, path: Callable[[str], Path], size: tuple[int, int]):
        self.path = path
        self.size = size
        self._files: dict[str, IO[bytes]] = {}
        self._frames: dict[str, int] = {}

    def __enter__(self) -> "ArrayFilm":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            for split, file in self._files.items():
                if kind is None:
                    file.seek(0)
                    file.write(self._header(self._frames[split]))
                    file.flush()
                    os.fsync(file.fileno())
        finally:
            for file in self._files.values():
                # On a full disk closing fails as well; the first error is the one to see.
                with contextlib.suppress(OSError):
                    file.close()

    def add(self, split: str, sample_id: str, frames: Iterable[np.ndarray]) -> str:
        """Append a clip to the split's file."""
        name = f"{split}.frames.npy"
        if split not in self._files:
            # Open until the last clip: closed by __exit__.
            self._files[split] = open(self.path(name), "wb")  # noqa: SIM115
            self._files[split].write(self._header(0))
            self._frames[split] = 0
        for frame in frames:
            self._files[split].write(_checked(frame, self.size).tobytes())
            self._frames[split] += 1
        return name

    def _header(self, frames: int) -> bytes:
        return npy_header((frames, self.size[1], self.size[0], 3), "|u1")


class Mp4Film:
    """One mp4 a clip (H.264, MPEG-4 where that is missing); see `open_film`."""

    def __init__(self, path: Callable[[str], Path], size: tuple[int, int], fps: float):
        try:
            import av
        except ImportError as error:
            raise UserError(
                f"writing mp4 needs PyAV: {install('video')}, or write arrays (--video npy)"
            ) from error
        if size[0] % 2 or size[1] % 2:
            raise UserError(f"frames of {size[0]}x{size[1]}: mp4 needs an even width and height")
        self.path = path
        self.size = size
        self.fps = fps
        self._codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"

    def __enter__(self) -> "Mp4Film":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Every clip's file is closed by `add`."""

    def add(self, split: str, sample_id: str, frames: Iterable[np.ndarray]) -> str:
        """Write a clip to a file of its own."""
        import av

        name = f"videos/{split}/{sample_id}.mp4"
        quality = {"crf": "16", "preset": "veryfast"} if self._codec == "libx264" else {}
        with av.open(str(self.path(name)), "w") as container:
            stream = container.add_stream(
                self._codec, Fraction(self.fps).limit_denominator(1001), options=quality
            )
            stream.width, stream.height = self.size
            stream.pix_fmt = "yuv420p"
            # The bytes must not depend on the number of cores.
            stream.codec_context.thread_count = 1
            if self._codec == "mpeg4":
                stream.bit_rate = 8 * self.size[0] * self.size[1] * 25
            for frame in frames:
                picture = av.VideoFrame.from_ndarray(_checked(frame, self.size), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return name


def _checked(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape != (size[1], size[0], 3) or frame.dtype != np.uint8:
        raise UserError(
            f"a frame has shape {frame.shape} and type {frame.dtype}; the film is of uint8 "
            f"({size[1]}, {size[0]}, 3)"
        )
    return np.ascontiguousarray(frame)
