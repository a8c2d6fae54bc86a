"""Run the commands of a tutorial on small recordings and with seconds of training."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.__main__ import INDEX
from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator import Simulator

SIGNS = ("SUN", "RAIN", "MOON")
SIGNERS = ("ann", "bob", "cleo")
CLIPS = 3
# What makes a command of the tutorial short.
_SHORT = {
    "fit": ["--set", "composition.sentences=8"],
    "tflite": ["--no-latency", "--clips", "2", "--precision", "fp32"],
}


@dataclass(frozen=True)
class Recordings:
    """What the two kinds of recordings need.

    Attributes:
        options: of `prepare npz`, which stands in for `extract`.
        epochs: of training.
    """

    options: tuple[str, ...]
    epochs: int


SIMULATED = Recordings(("--normalisation", "body"), epochs=1)
#: The gates of export compare glosses, which a model must have learnt where they are close.
REAL = Recordings(("--contract-file", "recordings/keypoints.json"), epochs=20)


def write_simulated(folder: Path) -> None:
    """Keypoints of single simulated signs, and the table of their glosses."""
    simulator = Simulator("demo")

    def clips() -> Iterable[tuple[str, str, np.ndarray]]:
        for number in range(len(SIGNS) * len(SIGNERS) * CLIPS):
            sign, person = SIGNS[number % len(SIGNS)], number // len(SIGNS) % len(SIGNERS)
            clip = simulator.sample(
                f"train-{number:05d}", "train", (sign,), simulator.signer("train", person)
            )
            yield sign, SIGNERS[person], clip.keypoints

    write_recordings(folder, clips())


def write_real(folder: Path, prepared: Path) -> None:
    """Keypoints of real signs from a data folder of single signs, every third clip by sign.

    The folder has one signer; thirds of the recordings of each sign, in order, stand for three.
    """
    by_sign: dict[str, list[np.ndarray]] = {}
    for split in read_folder(prepared).values():
        for sample in split:
            by_sign.setdefault(sample.glosses[0], []).append(split.load(sample))

    def clips() -> Iterable[tuple[str, str, np.ndarray]]:
        for sign, recordings in sorted(by_sign.items()):
            third = recordings[::3]
            for number, frames in enumerate(third):
                yield sign, SIGNERS[number * len(SIGNERS) // len(third)], frames

    write_recordings(folder, clips())
    (folder / "keypoints.json").write_bytes((prepared / "keypoints.json").read_bytes())


def write_recordings(folder: Path, clips: Iterable[tuple[str, str, np.ndarray]]) -> None:
    """Write a file for each clip, given as (gloss, signer, keypoints), and the table of glosses."""
    folder.mkdir()
    rows = []
    for number, (sign, signer, keypoints) in enumerate(clips):
        name = f"{sign.lower()}_{number}"
        np.save(folder / f"{name}.npy", keypoints)
        rows.append({"id": name, "glosses": sign, "signer": signer})
    with (folder / "glosses.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["id", "glosses", "signer"])
        table.writeheader()
        table.writerows(rows)


def run(name: str, arguments: list[str], recordings: Recordings) -> None:
    """Run a command; the recordings hold the points that `extract` would find in videos.

    Args:
        name: of the command.
        arguments: as in the tutorial.
        recordings: what they need.
    """
    if name == "extract":
        source, *options = arguments
        at = options.index("--glosses")
        del options[at : at + 2]
        name, arguments = "prepare", ["npz", "--from", source, *recordings.options, "--force"]
        arguments += options
    elif name == "prepare" and arguments[0] == "compose":
        arguments = [*arguments, "--sentences", "4"]
    elif name == "fit":
        arguments = [*arguments, "--set", f"training.epochs={recordings.epochs}"]
    code = INDEX.main([name, *arguments, *_SHORT.get(name, [])])
    assert not code, f"slr {name} {' '.join(arguments)} ended with {code}"
