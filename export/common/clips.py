"""Clips of an export: representative clips for calibration, golden clips for tests.

Golden clips are simulated, whatever the training data: a bundle contains no recording of a person.
"""

from collections.abc import Callable, Iterator

import numpy as np

from slr_keras.bundle.scorer import padded_inputs
from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import LARGEST
from slr_keras.data.layout import layout
from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import raw_clip

SIMULATED = "coco_wholebody_133"
# Rounding keeps the JSON short: 0.01 pixels, or 0.00001 of the image if places are fractions of it.
DIGITS, DIGITS_OF_FRACTIONS = 2, 5
LARGEST_FRACTION = 3.0


def representative(
    manifest: Manifest, frames: int, clips: int, seed: int = 0
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """Typical inputs of a bucket, from which the ranges of activations are calibrated.

    Args:
        manifest: of the training split.
        frames: T, of the bucket; a random part of that length is taken from longer clips.
        clips: largest number of clips.
        seed: of the random choice.

    Returns:
        A function that yields the inputs. All values are finite: missing points get finite values
        that the rules of the contract still read as missing.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(manifest))[:clips]
    starts = rng.random(len(rows))

    def inputs() -> Iterator[dict[str, np.ndarray]]:
        for row, start in zip(rows, starts):
            raw = raw_clip(manifest, int(row))
            first = int(start * max(len(raw) - frames + 1, 1))
            yield padded_inputs(_finite(raw[first : first + frames], manifest.contract), frames)

    return inputs


def _finite(raw: np.ndarray, contract: KeypointContract) -> np.ndarray:
    broken = ~(np.abs(raw) < LARGEST).all(-1, keepdims=True)
    has_score = "score" in contract.source.channels
    return np.where(broken, 0 if has_score or contract.zero_is_missing else LARGEST, raw)


def golden_clips(contract: KeypointContract, buckets: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Simulated sentences and edge cases: name → raw clip `(frames, source points, channels)`.

    If the simulator knows all point names of the layout, the points move as in signing; otherwise
    they move smoothly through the image. Some points are missing for some or all frames.

    Args:
        contract: format of the clips.
        buckets: lengths of the files, ascending; no clip is longer than the last.
    """
    longest = buckets[-1]
    clips = {
        "three_frames": _clip(contract, 0, 3),
        "short": _clip(contract, 1, min(longest, 18)),
        "sentence": _clip(contract, 2, min(longest, 90)),
        "full": _clip(contract, 3, longest),
    }
    clips["gaps"] = clips["short"].copy()
    first, second = contract.indices[0], contract.indices[-1]
    clips["gaps"][:, first] = np.nan
    clips["gaps"][4:9, second] = np.nan
    return clips


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
    """A sequence of simulated sentences, in fractions of the image."""
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
