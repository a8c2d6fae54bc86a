"""Choose the video stream of a file as FFmpeg and players do."""

from collections.abc import Callable
from pathlib import Path

from slr_keras.utils.errors import UserError

# Packets that are read to see which streams have more than one picture.
_PACKETS = 5000


def video_stream(container, path: Path, reopened: Callable):
    """The stream of an open file that players show.

    Cover art and thumbnails are no video. Of several streams, one with more than one picture is
    preferred, then one that the file marks as default, then the one with the most pixels, then the
    first.

    Args:
        container: open container of PyAV.
        path: the file, for messages.
        reopened: opens the file a second time.

    Raises:
        UserError: the file has no video, or FFmpeg has no decoder for it.
    """
    streams = [stream for stream in container.streams.video if not _has(stream, *_COVERS)]
    if not streams:
        covers = " (only cover art)" if container.streams.video else ""
        raise UserError(f"{path}: has no video stream{covers}; give a video file")
    if len(streams) > 1:
        moving = _moving({stream.index for stream in streams}, reopened)
        streams = [stream for stream in streams if stream.index in moving] or streams
        # Without the audience of a stream for people with low vision, if there is another one.
        streams = [stream for stream in streams if not _has(stream, *_SPECIAL)] or streams
        streams.sort(key=lambda stream: (not _has(stream, "default"), -_pixels(stream)))
    stream = streams[0]
    if stream.codec_context is None:
        raise UserError(
            f"{path}: the FFmpeg of PyAV has no decoder for its video; convert it, for example "
            "with `ffmpeg -i IN -c:v libx264 OUT.mp4`"
        )
    return stream


_COVERS = ("attached_pic", "timed_thumbnails")
_SPECIAL = ("visual_impaired", "dependent")


def _has(stream, *names: str) -> bool:
    flags = type(stream.disposition)
    return any(stream.disposition & getattr(flags, name, 0) for name in names)


def _pixels(stream) -> int:
    context = stream.codec_context
    return context.width * context.height if context is not None else 0


def _moving(indices: set[int], reopened: Callable) -> set[int]:
    """Indices of the streams with more than one packet near the beginning of the file."""
    counts = dict.fromkeys(indices, 0)
    with reopened() as container:
        streams = [stream for stream in container.streams.video if stream.index in indices]
        for number, packet in enumerate(container.demux(streams)):
            if packet.size:
                counts[packet.stream.index] += 1
            if number > _PACKETS or min(counts.values()) > 1:
                break
    return {index for index, count in counts.items() if count > 1}
