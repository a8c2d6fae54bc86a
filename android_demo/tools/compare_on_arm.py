#!/usr/bin/env python3
"""Run the keypoint models on an emulated ARM64 processor and compare them with this machine.

Each model sees the same few pictures, drawn from seeds: soft blots of colour in the range that the
model takes. The exit code is 1 if the greatest element of an output is another one.

    python android_demo/tools/compare_on_arm.py android_demo/build/keypoint_models
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from export.lite.emulation import CPUS, arm_launcher
from slr_keras.bundle.interpreter import Interpreter
from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError
from slr_keras.utils.option_values import positive


def picture(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A picture `(1, height, width, 3)` of soft blots, from 0 to 1."""
    rng = np.random.default_rng(seed)
    _, height, width, channels = shape
    y, x = np.mgrid[:height, :width][..., None] / max(height, width)
    drawn = np.zeros((height, width, channels))
    for _ in range(12):
        middle, size = rng.random((2, 1)), rng.uniform(0.05, 0.3)
        near = np.exp(-((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / size**2)
        drawn += near * rng.random(channels)
    return np.clip(drawn, 0, 1).astype("float32")[None]


def results(path: Path, pictures: int, launcher=None) -> list[dict[str, np.ndarray]]:
    """Outputs of a model for each picture."""
    with Interpreter(path, launcher=launcher) as interpreter:
        ((name, described),) = interpreter.inputs.items()
        shape = tuple(described["shape"])
        return [interpreter.run(**{name: picture(shape, seed)}) for seed in range(pictures)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", help="folder that fetch_keypoint_models.py filled")
    parser.add_argument("--cpu", nargs="+", default=list(CPUS), help=f"({' '.join(CPUS)})")
    parser.add_argument("--pictures", type=positive, default=3, help="of each model (3)")
    options = parser.parse_args(arguments)
    files = sorted(Path(options.models).glob("*.tflite"))
    if not files:
        raise UserError(f"{options.models}: has no .tflite; run fetch_keypoint_models.py")
    different = 0
    print(f"{'cpu':12} {'model':34} outputs  best equal  largest difference, of the largest value")
    for path in files:
        here = results(path, options.pictures)
        for cpu in options.cpu:
            there = results(path, options.pictures, arm_launcher(cpu))
            pairs = [(a[name], b[name]) for a, b in zip(here, there, strict=True) for name in a]
            equal = sum(int(a.argmax() == b.argmax()) for a, b in pairs)
            error = max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-9)) for a, b in pairs)
            print(f"{cpu:12} {path.name:34} {len(pairs):7} {equal:11}  {error:.1e}", flush=True)
            different += len(pairs) - equal
    return int(different > 0)


if __name__ == "__main__":
    run(main)
