"""Clips that a SavedModel is compared with Keras on: simulated signing, nobody's recording."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from export.common.clips import golden_clips

if TYPE_CHECKING:
    from slr_keras.data.video.contract import FrameContract
    from slr_keras.training.run import Run

# Long enough for every way through the graph, short enough for large models on a CPU.
LONGEST_KEYPOINTS, LONGEST_VIDEO = 64, 18


def clips_for(run: "Run", longest: int) -> dict[str, np.ndarray]:
    """Name → raw clip as a client sends it, whole sentences and the edges.

    Args:
        run: gives the contract.
        longest: frames of a clip.
    """
    if run.modality == "keypoints":
        return golden_clips(run.contract, (min(longest, LONGEST_KEYPOINTS),))
    return _videos(run.contract, min(longest, LONGEST_VIDEO))


def example_frame(run: "Run") -> np.ndarray:
    """A frame as warm-up requests have it."""
    if run.modality == "keypoints":
        return golden_clips(run.contract, (4,))["three_frames"][0]
    width, height = run.contract.size or run.contract.resize
    return np.full((height, width, 3), 127, np.uint8)


def _videos(contract: "FrameContract", longest: int) -> dict[str, np.ndarray]:
    """Pictures of the size that the data had, and of one that has to be resized."""
    from slr_keras.data.simulator.film import LARGEST, SMALLEST

    own = contract.size or contract.resize
    larger = [min(max(side * 5 // 4 + 1, SMALLEST), LARGEST) for side in own]
    own = [min(max(side, SMALLEST), LARGEST) for side in own]
    found = {
        "one_frame": _signing(own, 1, 0),
        "five_frames": _signing(own, 5, 1),
        "sentence": _signing(own, longest, 2),
        "another_size": _signing(larger, min(longest, 9), 3),
    }
    return {name: clip for name, clip in found.items() if len(clip) <= longest}


def _signing(size: Sequence[int], frames: int, number: int) -> np.ndarray:
    from itertools import islice

    from slr_keras.data.simulator import Simulator

    simulator = Simulator("demo", seed=1)
    name = f"test-{number:05d}"
    scene = simulator.sample(name, "test").scene
    # From where hands have begun to move.
    shown = islice(simulator.frames(scene, name, "test", tuple(size)), 8, 8 + frames)
    return np.stack(list(shown))
