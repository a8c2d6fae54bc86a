"""A data folder with one clip per way of keeping pictures."""

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract

WIDTH, HEIGHT = 24, 20
LENGTHS = {"pictures": 13, "own": 6, "shared-1": 9, "shared-2": 40, "single": 1}


def pictures(name: str) -> np.ndarray:
    """The pictures of a clip, smooth enough for JPEG and mp4, different from one to the next."""
    seed = list(LENGTHS).index(name)
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (LENGTHS[name], 5, 6, 3), np.uint8)
    return np.repeat(np.repeat(small, 4, axis=1), 4, axis=2)


def save_pictures(folder, frames, name="images{:04d}.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(folder / name.format(number))


@pytest.fixture
def video_folder(tmp_path):
    """Path of a folder with the split train, all of RAIN, WIND and SUN."""
    save_pictures(tmp_path / "frames" / "pictures", pictures("pictures"))
    save_pictures(tmp_path / "frames" / "single", pictures("single"))
    np.save(tmp_path / "own.npy", pictures("own"))
    shared = np.concatenate([pictures("shared-1"), pictures("shared-2")])
    np.save(tmp_path / "train.frames.npy", shared)
    places = {
        "pictures": {"video": "frames/pictures"},
        "own": {"video": "own.npy"},
        "shared-1": {"video": "train.frames.npy", "start": 0},
        "shared-2": {"video": "train.frames.npy", "start": LENGTHS["shared-1"]},
        "single": {"video": "frames/single"},
    }
    glosses = [("RAIN",), ("WIND",), ("SUN", "RAIN"), ("RAIN", "WIND"), ("SUN",)]
    write_manifest(
        tmp_path / "train.jsonl",
        [
            Sample(name, words, LENGTHS[name], **places[name])
            for name, words in zip(LENGTHS, glosses)
        ],
    )
    FrameContract(size=(WIDTH, HEIGHT)).write(tmp_path / "frames.json")
    return tmp_path


@pytest.fixture
def train(video_folder):
    """The split of `video_folder`."""
    return read_folder(video_folder)["train"]


@pytest.fixture
def originals():
    """Name of every clip to its pictures."""
    return {name: pictures(name) for name in LENGTHS}
