"""Run the commands of a tutorial on simulated clips and with seconds of training."""

import csv
from pathlib import Path

import numpy as np

from slr_keras.__main__ import INDEX
from slr_keras.data.simulator import Simulator

SIGNS = ("SUN", "RAIN", "MOON")
SIGNERS = ("ann", "bob", "cleo")
CLIPS = 3
# What makes a command of the tutorial short.
_SHORT = {
    "fit": ["--set", "training.epochs=1", "--set", "composition.sentences=8"],
    "tflite": ["--no-latency", "--clips", "2", "--precision", "fp32"],
}


def write_recordings(folder: Path) -> None:
    """Keypoints of single signs, and the table of their glosses."""
    folder.mkdir()
    simulator = Simulator("demo")
    rows = []
    for number in range(len(SIGNS) * len(SIGNERS) * CLIPS):
        sign, person = SIGNS[number % len(SIGNS)], number // len(SIGNS) % len(SIGNERS)
        clip = simulator.sample(
            f"train-{number:05d}", "train", (sign,), simulator.signer("train", person)
        )
        name = f"{sign.lower()}_{number}"
        np.save(folder / f"{name}.npy", clip.keypoints)
        rows.append({"id": name, "glosses": sign, "signer": SIGNERS[person]})
    with (folder / "glosses.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["id", "glosses", "signer"])
        table.writeheader()
        table.writerows(rows)


def run(name: str, arguments: list[str]) -> None:
    """Run a command; MediaPipe would find nothing in simulated clips, so they hold the points."""
    if name == "extract":
        source, *options = arguments
        at = options.index("--glosses")
        del options[at : at + 2]
        name, arguments = "prepare", ["npz", "--from", source, "--normalisation", "body"]
        arguments += ["--force", *options]
    elif name == "prepare" and arguments[0] == "compose":
        arguments = [*arguments, "--sentences", "4"]
    code = INDEX.main([name, *arguments, *_SHORT.get(name, [])])
    assert not code, f"slr {name} {' '.join(arguments)} ended with {code}"
