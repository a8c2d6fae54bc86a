"""Clips that go with a bundle: representative ones for the quantiser, golden ones for tests.

Golden clips are simulated, whatever the run was trained on: a bundle holds nobody's recording.
"""

from collections.abc import Callable, Iterator

import numpy as np

from slr_keras.bundle.scorer import FRAMES, KEYPOINTS
from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import LARGEST
from slr_keras.data.layout import layout
from slr_keras.data.manifest import Manifest

SIMULATED = "coco_wholebody_133"
# Hundredths of a pixel, ten-thousandths of an image in fractions: short in JSON, exact in float32.
DIGITS, DIGITS_OF_FRACTIONS = 2, 5
LARGEST_FRACTION = 3.0


def inputs_of(raw: np.ndarray, frames: int) -> dict[str, np.ndarray]:
    """A clip as a file of a bucket takes it: padded with zeros, with its length.

    >>> import numpy as np
    >>> from export.common.clips import inputs_of
    >>> inputs_of(np.ones((3, 5, 3)), 8)["keypoints"].shape
    (1, 8, 5, 3)
    """
    padded = np.zeros((1, frames, *raw.shape[1:]), np.float32)
    padded[0, : len(raw)] = raw
    return {KEYPOINTS: padded, FRAMES: np.int32([len(raw)])}


def representative(
    manifest: Manifest, frames: int, clips: int, seed: int = 0
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """Inputs such as a bucket meets, for the ranges of activations.

    Args:
        manifest: of the training split.
        frames: T, of the bucket; longer clips give a part of that length.
        clips: how many at most.
        seed: of the choice.

    Returns:
        A function that gives them, finite: what was not seen is written so that it is still
        missing by the contract's rules.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(manifest))[:clips]
    starts = rng.random(len(rows))

    def inputs() -> Iterator[dict[str, np.ndarray]]:
        for row, start in zip(rows, starts):
            raw = manifest.load(int(row))
            first = int(start * max(len(raw) - frames + 1, 1))
            yield inputs_of(_finite(raw[first : first + frames], manifest.contract), frames)

    return inputs


def _finite(raw: np.ndarray, contract: KeypointContract) -> np.ndarray:
    broken = ~(np.abs(raw) < LARGEST).all(-1, keepdims=True)
    has_score = "score" in contract.source.channels
    return np.where(broken, 0 if has_score or contract.zero_is_missing else LARGEST, raw)


def golden_clips(contract: KeypointContract, buckets: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Name → raw clip `(frames, source points, source channels)`: whole sentences and the edges.

    Points that the simulator has by name move as in signing; where a layout has points of its
    own, all move smoothly about the image. Some are missing, for a while or throughout.
    """
    longest = buckets[-1]
    found = {
        "three_frames": _clip(contract, 0, 3),
        "short": _clip(contract, 1, min(longest, 18)),
        "sentence": _clip(contract, 2, min(longest, 90)),
        "full": _clip(contract, 3, longest),
    }
    found["gaps"] = found["short"].copy()
    first, second = contract.indices[0], contract.indices[-1]
    found["gaps"][:, first] = np.nan
    found["gaps"][4:9, second] = np.nan
    return found


def _clip(contract: KeypointContract, number: int, frames: int) -> np.ndarray:
    source = contract.source
    simulated = layout(SIMULATED)
    raw = np.full((frames, len(source.points), len(source.channels)), np.nan, np.float32)
    shared = [point for point in contract.points if point in simulated.points]
    if len(shared) == len(contract.points):
        values = _signing(number, frames)[:, list(simulated.indices(tuple(shared)))]
    else:
        values = _drifting(len(contract.points), number, frames)
    width, height = contract.image_size
    channels = {"x": values[..., 0] * width, "y": values[..., 1] * height, "score": values[..., 2]}
    if contract.y_axis == "up":
        channels["y"] = height - channels["y"]
    channels["z"] = 0.1 * (channels["x"] - width / 2)
    for channel, name in enumerate(source.channels):
        raw[:, list(contract.indices), channel] = channels[name]
    fractions = max(width, height) <= LARGEST_FRACTION
    return np.round(raw, DIGITS_OF_FRACTIONS if fractions else DIGITS)


def _signing(number: int, frames: int) -> np.ndarray:
    """Simulated sentences one after another, in fractions of the image."""
    from slr_keras.data.simulator import Simulator

    simulator = Simulator("demo", seed=1)
    parts, count = [], 0
    while count < frames:
        clip = simulator.sample(f"test-{10 * number + len(parts):05d}", "test").keypoints
        parts.append(clip)
        count += len(clip)
    values = np.concatenate(parts)[:frames].astype(np.float64)
    values[..., :2] /= simulator.image_size
    return values


def _drifting(points: int, number: int, frames: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    time = np.arange(frames)[:, None, None] / 25
    middle = rng.uniform(0.3, 0.7, (points, 2))
    rate, phase = rng.uniform(1, 6, (points, 2)), rng.uniform(0, 6, (points, 2))
    places = middle + 0.15 * np.sin(rate * time + phase)
    return np.concatenate([places, np.full((frames, points, 1), 0.9)], axis=-1)
