"""The command `python -m slr_keras.view`."""

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter
from slr_keras.data.simulator import Simulator
from slr_keras.utils.errors import UserError
from slr_keras.view import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("view") / "data"
    simulator = Simulator("demo")
    with FolderWriter(target, contract("coco_wholebody_133")) as writer:
        for split in ("train", "test"):
            for i in range(2):
                clip = simulator.sample(f"{split}-{i}", split)
                spans = [[start, min(end, 9)] for start, end in clip.scene.spans]
                writer.add(split, id=f"{split}-{i}", glosses=clip.glosses,
                           keypoints=clip.keypoints[: 9 + i], spans=spans)  # fmt: skip
    return target


def frames(path):
    with Image.open(path) as image:
        return getattr(image, "n_frames", 1)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 9),
        (["--sample", "1"], 10),
        (["--sample", "test-1"], 10),
        (["--split", "train", "--sample", "train-1", "--prepared"], 10),
    ],
)
def test_samples_are_found_by_number_and_by_id(folder, tmp_path, options, count, capsys):
    target = tmp_path / "a.gif"
    assert main([str(folder), *options, "--to", str(target), "--height", "60"]) == 0
    assert frames(target) == count
    assert f"{count} frames" in capsys.readouterr().out


def test_a_manifest_or_its_keypoint_file_will_do(folder, tmp_path):
    for name in ("train.jsonl", "train.npy"):
        target = tmp_path / f"{name}.png"
        assert main([str(folder / name), "--to", str(target), "--height", "60"]) == 0
        assert frames(target) == 1


def test_without_a_target_the_sample_names_the_file(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([str(folder), "--height", "60"]) == 0
    assert frames(tmp_path / "test-0.gif") == 9


def test_single_clips_are_recognised_by_their_points(tmp_path):
    clip = Simulator("demo").sample("a-1", "test").keypoints[:5]
    np.save(tmp_path / "clip.npy", clip)
    np.savez(tmp_path / "packed.npz", keypoints=clip)
    for name in ("clip.npy", "packed.npz"):
        target = tmp_path / f"{name}.gif"
        assert main([str(tmp_path / name), "--to", str(target), "--height", "60"]) == 0
        assert frames(target) == 5


@pytest.mark.shared_data
def test_pose_files_are_drawn(shared_data, tmp_path):
    target = tmp_path / "pose.png"
    source = shared_data / "pose_samples" / "mediapipe.pose"
    assert main([str(source), "--to", str(target), "--height", "60", "--frames", "4"]) == 0
    assert frames(target) == 1


def test_spans_that_are_not_pairs_of_numbers_are_ignored(tmp_path):
    with FolderWriter(tmp_path / "data", contract("coco_wholebody_133")) as writer:
        writer.add("test", id="a", glosses=["X"], keypoints=np.ones((3, 133, 3)) * 9, spans="?")
        writer.add("test", id="b", glosses=["X"], keypoints=np.ones((3, 133, 3)) * 9, spans=[[1]])
    for sample in "ab":
        target = tmp_path / f"{sample}.png"
        assert main([str(tmp_path / "data"), "--sample", sample, "--to", str(target)]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sample", "9"], "no sample '9'; give an id, for example 'test-0', or a number"),
        (["--sample", "nobody"], "no sample 'nobody'"),
        (["--split", "dev"], "no split 'dev'; it has train, test"),
        (["--to", "film.mp4"], "name a .gif or .png file"),
        (["--height", "0"], "--height 0"),
        (["--columns", "0"], "--columns 0"),
    ],
)
def test_mistakes_are_explained(folder, options, message):
    with pytest.raises(UserError, match=message):
        main([str(folder), *options])


def test_files_that_are_no_clips_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such folder or file"):
        main([str(tmp_path / "nothing.npy")])
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(UserError, match=r"give a data folder, a .jsonl manifest"):
        main([str(tmp_path / "text.txt")])
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(UserError, match=r"truncated, or not a \.npy file"):
        main([str(tmp_path / "torn.npy")])
    np.save(tmp_path / "flat.npy", np.zeros((4, 3)))
    with pytest.raises(UserError, match="has shape"):
        main([str(tmp_path / "flat.npy")])
    np.save(tmp_path / "strange.npy", np.zeros((4, 31, 3)))
    with pytest.raises(UserError, match="give one with --layout"):
        main([str(tmp_path / "strange.npy")])
    np.savez(tmp_path / "other.npz", points=np.zeros((4, 133, 3)))
    with pytest.raises(UserError, match="has no array 'keypoints', only points"):
        main([str(tmp_path / "other.npz")])
