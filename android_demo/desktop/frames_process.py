"""Decode a video for the desktop runner: `python frames_process.py VIDEO [--fps RATE]`.

Standard output, little-endian, has one record per picture: `F`, the time of the picture and the
time of its decoding in milliseconds (float64 each), width and height (uint32 each), and three bytes
per pixel (red, green, blue). `E` marks the end. `X`, a length (uint32) and a message mark an error.
The decoder and the resampling are those of `slr_keras`.
"""

import argparse
import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np


def main(arguments: list[str]) -> int:
    """Write all pictures, or an error message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--fps", type=float, help="pictures per second; default: all pictures")
    options = parser.parse_args(arguments)
    outgoing = sys.stdout.buffer
    from slr_keras.utils.errors import UserError

    try:
        _write(options.video, options.fps, outgoing)
        outgoing.write(b"E")
    except UserError as error:
        reason = str(error).encode()
        outgoing.write(b"X" + struct.pack("<I", len(reason)) + reason)
    outgoing.flush()
    return 0


def _write(video: Path, fps: float | None, outgoing: BinaryIO) -> None:
    from slr_keras.data.rates import at_rate
    from slr_keras.data.video.recordings import shown_in

    shown = shown_in(video, 25.0, None)
    if fps is None:
        timed = ((float(one.start), one.frame) for one in shown)
    else:
        timed = ((number / fps, frame) for number, frame in enumerate(at_rate(shown, fps)))
    begin = time.perf_counter()
    for seconds, frame in timed:
        picture = np.ascontiguousarray(frame() if callable(frame) else frame)
        took = time.perf_counter() - begin
        height, width = picture.shape[:2]
        outgoing.write(b"F" + struct.pack("<ddII", 1000 * seconds, 1000 * took, width, height))
        outgoing.write(picture.tobytes())
        begin = time.perf_counter()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
