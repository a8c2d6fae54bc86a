"""Videos whose pictures spell their numbers, for tests of the order and times of pictures."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

#: (width, height) of the pictures.
SIZE = (128, 32)
_DIGITS = 4


def picture(number: int) -> np.ndarray:
    """A picture `(32, 128, 3)` uint8 with four grey fields: the digits of `number`, base 4."""
    digits = number // 4 ** np.arange(_DIGITS) % 4
    row = np.repeat(30 + 60 * digits, SIZE[0] // _DIGITS)
    return np.repeat(np.repeat(row[None, :, None], SIZE[1], 0), 3, 2).astype(np.uint8)


def numbers(pictures: Iterable[np.ndarray]) -> list[int]:
    """The numbers that pictures of `picture`, of any size, spell."""
    spelled = []
    for one in pictures:
        height, width = one.shape[:2]
        columns = [int((digit + 0.5) * width / _DIGITS) for digit in range(_DIGITS)]
        grey = one[height // 4 : height - height // 4, columns, :].astype(float).mean((0, 2))
        spelled.append(int((np.rint((grey - 30) / 60).astype(int) * 4 ** np.arange(_DIGITS)).sum()))
    return spelled


def write_film(
    path: Path,
    moments: Sequence[int],
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    sound_from: int | None = None,
    per_second: int = 1000,
    colours: str = "yuv420p",
) -> Path:
    """Write the pictures 0, 1, ... at moments in units of `per_second`; returns the path.

    Args:
        path: of the file; its suffix gives the container.
        moments: time of every picture.
        codec, options: of the video.
        sound_from: moment at which a second of silence begins; None: no sound.
        per_second: number of units in a second.
        colours: pixel format of the video.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "30", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = *SIZE, colours
        stream.bit_rate = 2_000_000
        unit = Fraction(1, per_second)
        stream.time_base = stream.codec_context.time_base = unit
        if sound_from is not None:
            sound = container.add_stream("aac", rate=8000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            silence.sample_rate, silence.time_base = 8000, Fraction(1, 8000)
            silence.pts = int(sound_from * unit * 8000)
            container.mux(sound.encode(silence))
            container.mux(sound.encode())
        for number, moment in enumerate(moments):
            frame = av.VideoFrame.from_ndarray(picture(number), "rgb24")
            frame.pts, frame.time_base = moment, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
