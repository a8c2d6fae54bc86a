"""Open and decode video files with FFmpeg through PyAV: the only place where a video is opened.

A file is opened as players open it: the stream that they show, turned and mirrored as the file
states, with square pixels. Formats are limited to those of recordings, because FFmpeg also reads
playlists, which name other files, and text; of protocols, only local files are read.
"""

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slr_keras.data.video.orientation import Orientation, orientation_of
from slr_keras.data.video.pixels import library
from slr_keras.data.video.scans import require_few_scans
from slr_keras.data.video.streams import video_stream
from slr_keras.utils.errors import UserError
from slr_keras.utils.limits import FRAMES, PIXELS, require_file

#: FFmpeg's names of the formats that are read.
FORMATS = (
    *("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "ogg", "flv", "gif", "asf"),
    *("mpegvideo", "m4v", "h264", "hevc", "ivf", "obu", "mjpeg", "mxf", "dv", "nut", "apng", "wav"),
)
SMALL_PICTURE = 640 * 480
# Largest relative difference between average and base rate of a constant rate.
_LITTLE = 0.05
# Largest ratio of a pixel's sides that is believed.
_THINNEST = 16
_READING = "reading video files"


class Video:
    """An open video file.

    Attributes:
        path: the file.
        container: of PyAV.
        stream: the video stream that players show.

    Raises:
        UserError: the file is missing, is no video in one of `FORMATS`, needs a decoder that FFmpeg
            lacks, or states larger pictures or more frames than the limits; names the file.
    """

    def __init__(self, path: Path):
        self.path = path
        self.container = _container(path)
        try:
            self.stream = _guarded(
                path, lambda: video_stream(self.container, path, lambda: _container(path))
            )
            context = self.stream.codec_context
            self._has_scans = context.name == "mjpeg"
            PIXELS.require(context.width * context.height, path)
            _require_small_canvas(path, self.container)
            # Pictures may be larger than the container states.
            context.options = {"max_pixels": str(PIXELS.value)}
        except BaseException:
            self.close()
            raise
        self._converter = library("av.video.reformatter", _READING).VideoReformatter()

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def frames(self, limited: bool = True) -> Iterator:
        """Yield the pictures as PyAV frames, in display order.

        Args:
            limited: refuse more frames than the limit; false for windows of a longer recording.

        Raises:
            UserError: a picture is damaged, or there are too many.
        """
        stream = self.stream
        if limited:
            FRAMES.require(stream.frames, self.path)
        # For small pictures, threads of a decoder cost more than they gain, and clips are read in
        # parallel anyway.
        small = stream.width * stream.height <= SMALL_PICTURE
        _guarded(self.path, lambda: setattr(stream, "thread_type", "NONE" if small else "AUTO"))
        pictures = self._pictures()
        count = 0
        while (frame := _guarded(self.path, lambda: next(pictures, None))) is not None:
            if frame.is_corrupt:
                raise UserError(
                    f"{self.path}: a picture is damaged; restore the file or drop the clip"
                )
            count += 1
            if limited and count > FRAMES.value:
                raise FRAMES.exceeded("its frames are", self.path)
            yield frame

    def _pictures(self) -> Iterator:
        if not self._has_scans:
            return self.container.decode(self.stream)
        return self._pictures_of_few_scans()

    def _pictures_of_few_scans(self) -> Iterator:
        for packet in self.container.demux(self.stream):
            # The last packet is empty and asks for the pictures that are left.
            if packet.size:
                require_few_scans(memoryview(packet), self.path)
            yield from packet.decode()

    def upright(self, frame) -> np.ndarray:
        """Convert a PyAV frame to `(height, width, 3)` uint8, RGB, as players show it.

        The picture is turned and mirrored as the file states. If its pixels are not square, it is
        made wider or narrower.

        Raises:
            UserError: the picture cannot be converted, or is too large.
        """
        width = max(round(frame.width * self.pixel_ratio), 1)
        PIXELS.require(width * frame.height, self.path)
        sides = {} if width == frame.width else {"width": width, "height": frame.height}

        def convert() -> np.ndarray:
            converted = self._converter.reformat(frame, format="rgb24", **sides)
            return orientation_of(frame).shown(converted.to_ndarray())

        return _guarded(self.path, convert)

    @property
    def pixel_ratio(self) -> Fraction:
        """Width of a pixel for a height of 1."""
        ratio = self.stream.sample_aspect_ratio
        believed = ratio is not None and 1 <= max(ratio, 1 / (ratio or 1)) <= _THINNEST
        return ratio if believed and ratio > 0 else Fraction(1)

    def packets(self) -> Iterator:
        """Yield the packets of the stream, in the order of the file; nothing is decoded."""
        packets = self.container.demux(self.stream)
        while (packet := _guarded(self.path, lambda: next(packets, None))) is not None:
            if packet.size:
                yield packet

    def seek(self, time: int) -> None:
        """Go to the last key frame at or before a time, in units of the stream's time base."""
        _guarded(self.path, lambda: self.container.seek(time, stream=self.stream))


class Stated(NamedTuple):
    """What a video file states of itself.

    Attributes:
        frames: number of pictures; 0 if unknown.
        fps: frames per second; None if unknown. The average, or the base rate of the file where the
            two differ little, as for a last picture that is shown longer.
    """

    frames: int
    fps: Fraction | None


def stated(path: Path) -> Stated:
    """Number and rate of a video file's pictures as the file states them; nothing is decoded.

    Raises:
        UserError: the file is missing or not a video.
    """
    with Video(path) as video:
        stream = video.stream
        fps, base = stream.average_rate or stream.guessed_rate or None, stream.base_rate
        if fps and base and abs(base / fps - 1) < _LITTLE:
            fps = base
        frames = max(stream.frames, 0)
        if not frames and fps and video.container.duration:
            # The duration of a container is in microseconds.
            frames = max(round(video.container.duration * fps / 1_000_000), 0)
        return Stated(frames, fps)


def reading_mark(path: Path) -> str:
    """What makes the pictures of a file differ from its stored ones, for records of derived files.

    Returns:
        "" for a file whose first stream is shown as it is stored, or only turned. Files that were
        derived from such files by earlier versions are sound.
    """
    with contextlib.suppress(UserError), Video(path) as video:
        frame = next(video.frames(limited=False), None)
        seen = orientation_of(frame) if frame is not None else Orientation()
        number = video.stream.index
        marks = {
            f"stream {number}": number != video.container.streams.video[0].index,
            # A turn has no or two of a transposition and reflections.
            f"mirrored {seen}": sum(seen) % 2 == 1,
            f"pixel ratio {video.pixel_ratio}": video.pixel_ratio != 1,
        }
        return ", ".join(mark for mark, present in marks.items() if present)
    return ""


def is_video(path: Path) -> bool:
    """Whether a file opens as a video in one of `FORMATS`, whatever its name."""
    with contextlib.suppress(UserError), Video(path):
        return True
    return False


def _container(path: Path):
    av = library("av", _READING)
    require_file(path)
    if not path.exists():
        raise UserError(f"{path}: cannot be read (no such file or folder)")
    options = {
        "format_whitelist": ",".join(FORMATS),
        "protocol_whitelist": "file",
        # Opening decodes a picture where the container does not describe it.
        "max_pixels": str(PIXELS.value),
    }
    # Absolute, so that no name is interpreted as a protocol of FFmpeg ("concat:...").
    return _guarded(path, lambda: av.open(str(path.absolute()), options=options), _REFUSED)


# FFmpeg's error number for a format that is not on the list, and for a picture that is too large.
_REFUSED = 22


def _guarded(path: Path, read: Callable, refused: int | None = None):
    try:
        return read()
    except UserError:
        raise
    # PyAV's errors have no common base class and depend on the damage.
    except Exception as error:
        if refused is not None and getattr(error, "errno", None) == refused:
            what = "not a video in a format that is read (mp4, mov, mkv, webm, avi, mpg, ts, ..."
            raise UserError(f"{path}: {what}); convert it") from error
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        if getattr(error, "errno", None) == _REFUSED:
            reason += f"; pictures of more than {PIXELS.value:,} pixels are not read, a limit that "
            reason += f"the environment variable {PIXELS.variable} raises"
        what = f"truncated, or not a video ({reason})"
        raise UserError(f"{path}: {what}; restore it or drop the clip") from error


def _require_small_canvas(path: Path, container) -> None:
    """Refuse a GIF of too many pixels, which the container of FFmpeg does not state."""
    if container.format.name != "gif":
        return
    with open(path, "rb") as file:
        head = file.read(10)
    PIXELS.require(int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little"), path)
