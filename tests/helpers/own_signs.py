"""What the guide on own signs needs: recordings, clips, and an encoder."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
from plain_encoder import PlainEncoder

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.data.simulator import Simulator
from slr_keras.utils.errors import UserError

SIGNS = {"hello": "RAIN", "thank-you": "WORK", "good": "MOTHER"}
POINTS = "mediapipe_75"

Recorded = Callable[[str, int], np.ndarray]
"""From a sign and a number to points `(frames, 75, 4)` of a recording."""


def simulated() -> Recorded:
    """Recordings of a simulated signer as MediaPipe's points."""
    simulator = Simulator("demo")
    source, target = layout("coco_wholebody_133"), layout(POINTS)
    rows = {name: row for row, name in enumerate(source.points)}
    shared = [(row, rows[name]) for row, name in enumerate(target.points) if name in rows]

    def recorded(sign: str, number: int) -> np.ndarray:
        clip = simulator.sample(
            f"train-{number:05d}", "train", (SIGNS.get(sign, sign),), simulator.signer("train", 0)
        ).keypoints
        points = np.zeros((len(clip), len(target.points), 4), np.float32)
        for row, other in shared:
            points[:, row, :2], points[:, row, 3] = clip[:, other, :2], clip[:, other, 2]
        return points

    return recorded


def real(words: Path, signs: list[str]) -> Recorded:
    """Recordings of a set of `shared/data` in the form of ksl13, one sign after another."""
    with np.load(words) as arrays:
        pose, left, right, labels = (
            arrays[name] for name in ("pose", "left_hand", "right_hand", "labels")
        )

        def recorded(sign: str, number: int) -> np.ndarray:
            row = np.flatnonzero(labels == signs[sorted(SIGNS).index(sign)] if sign in SIGNS else
                                 labels == sign)[number]  # fmt: skip
            points = np.zeros((pose.shape[1], 75, 4), np.float32)
            points[:, :33] = pose[row]
            for start, hand in ((33, left[row]), (54, right[row])):
                points[:, start : start + 21, :3] = hand
                points[:, start : start + 21, 3] = np.abs(hand).sum(axis=(1, 2))[:, None] > 0
            return points

        return recorded


def write(folder: Path, recorded: Recorded) -> None:
    """Write the folders and files that the guide names."""
    for name, first, count in (("recordings", 0, 3), ("more", 3, 1), ("queries", 6, 2)):
        for sign in SIGNS:
            place = folder / name / sign
            place.mkdir(parents=True)
            for number in range(first, first + count):
                np.save(place / f"{number}.npy", recorded(sign, number))
    still = np.repeat(recorded("hello", 0)[:1], 30, axis=0)
    (folder / "queries/-").mkdir()
    np.save(folder / "queries/-/1.npy", still)
    (folder / "clips").mkdir()
    np.save(folder / "clips/a.npy", recorded("hello", 8))
    np.save(folder / "clip.npy", recorded("good", 8))
    film = [still]
    for number in range(12):
        film += [recorded("hello", number), still]
    np.save(folder / "film.npy", np.concatenate(film))


def use_an_encoder(monkeypatch) -> None:
    """The installed encoder; a plain one where none is installed."""
    from slr_keras.enrolment.encoding import open_encoder

    try:
        open_encoder()
    except (ImportError, UserError):
        plain = PlainEncoder(contract(POINTS, normalisation="body"))
        names = types.SimpleNamespace(from_preset=lambda name="": plain)
        module = types.SimpleNamespace(SignEncoder=names)
        monkeypatch.setitem(sys.modules, "slr_keras.enrolment.encoder", module)
