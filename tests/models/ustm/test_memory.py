"""The memory of inference does not grow with a clip's length, but for its pixels and vectors."""

import json
import subprocess
import sys

import pytest

FRAMES = (100, 1000)
# Growth per frame of a clip: its pixels, as they are given and as a tensor; vectors, and the six
# streams of 128 numbers in the few tensors that hold them at a time.
PIXELS, STREAMS = 64 * 64 * 3, 6 * 128 * 4
BOUND = 2 * PIXELS + 8 * STREAMS

SCRIPT = """
import json, resource, sys
import numpy as np
from slr_keras.models.registry import create_model

model = create_model("ustm_tiny", 22, positions=1024, chunk=int(sys.argv[1]))
peaks = []
for frames in json.loads(sys.argv[2]):
    video = np.zeros((1, frames, 64, 64, 3), "uint8")
    model({"video": video, "mask": np.ones((1, frames), "float32")})
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(json.dumps(peaks))
"""


def growth(chunk: int) -> float:
    """Bytes by which the peak grows per frame, of the second clip over the first."""
    arguments = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(chunk), json.dumps(FRAMES)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600, check=True)
    short, long = json.loads(done.stdout.splitlines()[-1])
    return (long - short) / (FRAMES[1] - FRAMES[0])


@pytest.mark.long
def test_a_thousand_frames_need_little_more_than_a_hundred():
    assert growth(chunk=32) < BOUND
    # All at once it would be many times as much: the measurement sees maps.
    assert growth(chunk=0) > 2 * BOUND
