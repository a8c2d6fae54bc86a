"""Pictures of a video for the desktop runner: `python frames_process.py VIDEO [--fps RATE]`.

Written to standard output, little-endian, for each picture: `F`, its time and what decoding it
took, in milliseconds (float64 each), its width and height (uint32), and its bytes, red, green,
blue. At the end `E`; if the video cannot be read `X`, a length (uint32) and why. The decoder, and
what pictures there are at a steady rate, are those of `slr_keras`.
"""

import argparse
import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np


def main(arguments: list[str]) -> int:
    """Write the pictures, or why there are none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--fps", type=float, help="pictures a second; all, at their times, without")
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
