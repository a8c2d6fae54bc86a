"""Write video files with FFmpeg through PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from slr_keras.data.video.pixels import library
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path

#: Encoders in the order of preference, with their options: H.264 plays in every browser.
_ENCODERS = {
    "libx264": {"crf": "20", "preset": "veryfast"},
    "libopenh264": {"rc_mode": "bitrate"},
    "mpeg4": {},
}
_BITS_PER_PIXEL = 0.2
# The largest numerator of a frame rate in MPEG-4.
_MOST = 65535


def require_encoder() -> str:
    """The name of the encoder that this installation has.

    Raises:
        UserError: PyAV is not installed, or its FFmpeg has no encoder for H.264 or MPEG-4.
    """
    codec = library("av.codec.codec", "writing video files")
    for name in _ENCODERS:
        try:
            codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise UserError(
        "the FFmpeg of PyAV has no encoder for H.264 or MPEG-4; pip install --force-reinstall av "
        "installs one that has"
    )


def write_video(path: str | Path, pictures: Iterable[np.ndarray], fps: float | Fraction) -> int:
    """Write pictures as a video of a constant frame rate; the file appears when it is complete.

    Args:
        path: of the file; its suffix, such as .mp4, gives the container.
        pictures: `(height, width, 3)` uint8, RGB, all of one size. An odd height or width loses its
            last row or column.
        fps: frames per second.

    Returns:
        The number of pictures.

    Raises:
        UserError: PyAV is not installed, or there are no pictures.

    >>> import pathlib, tempfile, numpy as np
    >>> from slr_keras.data.video.encoding import write_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_video(pathlib.Path(folder, "a.mp4"), np.zeros((5, 48, 64, 3), np.uint8), 25)
    5
    """
    name = require_encoder()
    av = library("av", "writing video files")
    stream, count = None, 0
    # The path is absolute, so that no name is interpreted as a protocol of FFmpeg.
    with (
        atomic_path(Path(path).absolute()) as temporary,
        av.open(str(temporary), "w") as container,
    ):
        for picture in pictures:
            rows, columns = (side - side % 2 for side in picture.shape[:2])
            if stream is None:
                stream = container.add_stream(name, rate=exact_rate(fps))
                stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
                stream.options = _ENCODERS[name]
                if name != "libx264":
                    stream.bit_rate = int(_BITS_PER_PIXEL * rows * columns * fps)
            even = np.ascontiguousarray(picture[:rows, :columns])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, "rgb24")))
            count += 1
        if stream is None:
            raise UserError(f"{path}: there are no pictures to write")
        container.mux(stream.encode())
    return count


def exact_rate(fps: float | Fraction) -> Fraction:
    """A frame rate as a fraction of small numbers, as containers store it.

    >>> from slr_keras.data.video.encoding import exact_rate
    >>> exact_rate(25.0), exact_rate(29.97002997)
    (Fraction(25, 1), Fraction(30000, 1001))
    """
    rate = Fraction(fps).limit_denominator(1001)
    return rate if rate.numerator <= _MOST else rate.limit_denominator(50)
