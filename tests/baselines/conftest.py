"""A tiny world of signs: each gloss is a path of the right hand, made by a few signers."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter

GLOSSES = ("UP", "SIDE", "RING", "ZIGZAG")
RULES = contract("kinect_20")
POINTS = RULES.source.points
BODY = {
    "head": (0, 0.6),
    "shoulder_center": (0, 0.4),
    "shoulder_left": (0.2, 0.4),
    "shoulder_right": (-0.2, 0.4),
    "elbow_left": (0.3, 0.1),
    "elbow_right": (-0.3, 0.1),
    "wrist_left": (0.3, -0.2),
    "wrist_right": (-0.3, -0.2),
    "hand_left": (0.3, -0.25),
    "hand_right": (-0.3, -0.25),
}


def hand_path(gloss: str, frames: int) -> np.ndarray:
    t = np.linspace(0, 1, frames)
    return {
        "UP": np.stack([-0.3 + 0 * t, 0.7 * t], axis=1),
        "SIDE": np.stack([0.7 * t, 0.1 + 0 * t], axis=1),
        "RING": 0.15 * np.stack([np.sin(6.3 * t), 7 + np.cos(6.3 * t)], axis=1),
        "ZIGZAG": np.stack([0.5 + 0.2 * t, 0.3 + 0.4 * np.abs((4 * t) % 2 - 1)], axis=1),
    }[gloss]


def make_clip(glosses, rng, left_handed=False):
    """Raw keypoints `(frames, 20, 4)` and the span of every sign."""
    pieces, spans, at = [np.zeros((4, 2))], [], 4
    pieces[0] += rng.normal(0, 0.02, 2)
    for gloss in glosses:
        path = hand_path(gloss, int(rng.integers(12, 18)))
        spans.append([at, at + len(path)])
        gap = np.linspace(path[-1], [0, 0], 4)
        pieces += [path, gap]
        at += len(path) + 4
    path = np.concatenate(pieces)
    clip = np.zeros((len(path), 20, 4), np.float32)
    clip[..., 3] = 1
    for name, place in BODY.items():
        clip[:, POINTS.index(name), :2] = place
    for name in ("wrist_right", "hand_right"):
        clip[:, POINTS.index(name), :2] += path * rng.uniform(0.9, 1.1)
    clip[..., :2] += rng.normal(0, 0.01, clip[..., :2].shape)
    clip[..., :3] *= rng.uniform(0.8, 1.2)
    clip[..., :2] += rng.normal(0, 0.5, 2)
    if left_handed:
        order = [POINTS.index(RULES.source.mirror[name]) for name in POINTS]
        clip = clip[:, order]
        clip[..., 0] *= -1
    return clip, spans


def write_world(folder, seed=0, longest=3, sizes=None, spans=True, left_handed=()):
    """Write a data folder; `left_handed` names the splits whose signers are."""
    rng = np.random.default_rng(seed)
    sizes = {"train": 24, "dev": 8, "test": 10} if sizes is None else sizes
    with FolderWriter(folder, RULES) as writer:
        for split, count in sizes.items():
            for k in range(count):
                glosses = rng.choice(GLOSSES, size=rng.integers(1, longest + 1)).tolist()
                if longest > 1 and len(glosses) == 1:
                    glosses.append("UP")
                clip, where = make_clip(glosses, rng, split in left_handed)
                extra = {"spans": where} if spans else {}
                writer.add(
                    split,
                    id=f"{split}{k}",
                    glosses=glosses,
                    signer=f"{split}-s{k % 3}",
                    keypoints=clip,
                    **extra,
                )
    return folder


@pytest.fixture(scope="session")
def world():
    """The function that writes a tiny world."""
    return write_world


@pytest.fixture(scope="session")
def sentences(tmp_path_factory):
    """A data folder of sentences with spans."""
    return write_world(tmp_path_factory.mktemp("worlds") / "sentences")


@pytest.fixture(scope="session")
def signs(tmp_path_factory):
    """A data folder of single signs."""
    return write_world(tmp_path_factory.mktemp("worlds") / "signs", longest=1, spans=False)
