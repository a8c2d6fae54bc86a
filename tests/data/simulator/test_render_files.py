"""Rendered frames in a data folder: arrays, mp4, and what remains after an error."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.simulator import Simulator, simulate_folder
from slr_keras.data.simulator.film import open_film
from slr_keras.utils.errors import UserError

FEW = {"train": 9, "dev": 1, "test": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("frames") / "demo"
    return simulate_folder(target, sentences=FEW, frames=(16, 18))


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_frames_start_where_the_keypoints_do(folder):
    assert json.loads((folder / "frames.json").read_text()) == {
        "size": [16, 18],
        "fps": 25.0,
        "format": "rgb24",
    }
    simulator = Simulator("demo")
    for split, manifest in read_folder(folder).items():
        frames = np.load(folder / f"{split}.frames.npy", mmap_mode="r")
        assert frames.dtype == np.uint8
        assert frames.shape == (manifest.lengths.sum(), 18, 16, 3)
        lines = (folder / f"{split}.jsonl").read_text().splitlines()
        assert {json.loads(line)["video"] for line in lines} == {f"{split}.frames.npy"}
        sample = manifest[-1]
        scene = simulator.scene(sample.id, split)
        np.testing.assert_array_equal(
            frames[sample.start : sample.start + sample.frames],
            simulator.video(scene, sample.id, split, (16, 18)),
        )


def test_keypoints_are_the_same_with_and_without_frames(folder, tmp_path):
    plain = contents(simulate_folder(tmp_path / "plain", sentences=FEW))
    both = contents(folder)
    assert {name for name in both if name not in plain} == {
        "train.frames.npy",
        "dev.frames.npy",
        "frames.json",
    }
    for name in ("train.npy", "dev.npy", "keypoints.json"):
        assert plain[name] == both[name]


def test_mp4_has_the_same_number_of_frames_and_nearly_the_same_pictures(tmp_path):
    av = pytest.importorskip("av")
    simulator = Simulator("demo")
    scene = simulator.scene("dev-00000", "dev")
    video = simulator.video(scene, "dev-00000", "dev", (64, 48))

    def path(name):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        return tmp_path / name

    with open_film("mp4", path, (64, 48)) as film:
        name = film.add("dev", "dev-00000", video)
    assert name == "videos/dev/dev-00000.mp4"
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].average_rate == 25
        decoded = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    assert decoded.shape == video.shape
    error = np.abs(decoded.astype(int) - video)
    assert error.mean() < 8
    # Frames keep their order: each is nearer to itself than to one a third of a second off.
    apart = np.abs(decoded[8:].astype(int) - video[:-8]).mean()
    assert error.mean() < apart


def test_an_error_leaves_the_folder_as_it_was(folder, monkeypatch):
    before = contents(folder)
    calls = []

    def fail(self, scene, sample_id, split, size):
        calls.append(sample_id)
        if len(calls) > 2:
            raise OSError("no space left on device")
        return np.zeros((len(scene.points), size[1], size[0], 3), np.uint8)

    monkeypatch.setattr(Simulator, "frames", fail)
    with pytest.raises(OSError, match="no space"):
        simulate_folder(folder, sentences=FEW, frames=(16, 18))
    assert contents(folder) == before
    with pytest.raises(OSError, match="no space"):
        simulate_folder(folder.parent / "new", sentences=FEW, frames=(16, 18))
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]


def test_further_files_appear_with_the_folder_only(tmp_path):
    for _ in range(2):
        with FolderWriter(tmp_path / "data", contract("kinect_20")) as writer:
            writer.path("videos/dev/a.mp4").write_bytes(b"new")
            writer.add("dev", id="a", glosses=["RAIN"], keypoints=np.ones((3, 20, 4)))
        assert (tmp_path / "data" / "videos" / "dev" / "a.mp4").read_bytes() == b"new"
        assert sorted(p.name for p in (tmp_path / "data").iterdir()) == [
            "dev.jsonl",
            "dev.npy",
            "keypoints.json",
            "videos",
        ]


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("avi", (64, 64), "npy, mp4"),
        ("npy", (8, 64), "16 to 1024"),
        ("npy", (64, 4096), "16 to 1024"),
        ("mp4", (33, 64), "even"),
    ],
)
def test_impossible_films_are_refused(tmp_path, kind, size, message):
    if kind == "mp4":
        pytest.importorskip("av")
    with pytest.raises(UserError, match=message):
        open_film(kind, tmp_path.joinpath, size)


def test_a_frame_of_another_size_is_refused(tmp_path):
    with (
        open_film("npy", tmp_path.joinpath, (32, 16)) as film,
        pytest.raises(UserError, match=r"\(16, 32, 3\)"),
    ):
        film.add("dev", "a", np.zeros((2, 32, 32, 3), np.uint8))
