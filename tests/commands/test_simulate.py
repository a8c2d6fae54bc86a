"""The command `python -m slr_keras.simulate`."""

import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.data.rates import frames_at_rate
from slr_keras.simulate import main
from slr_keras.utils.errors import UserError

FEW = ["--train", "10", "--dev", "2", "--test", "3", "--signers", "2", "1", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("simulate") / "demo"
    assert main(["--to", str(target), *FEW]) == 0
    return target


def contents(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_it_writes_a_data_folder_with_times_and_signers(folder):
    manifests = read_folder(folder)
    assert {split: len(manifest) for split, manifest in manifests.items()} == {
        "train": 10,
        "dev": 2,
        "test": 3,
    }
    sample = manifests["test"][0]
    assert sample.signer == "test01"
    assert len(sample.extra["spans"]) == len(sample.glosses)
    assert {s.signer for s in manifests["train"]} == {"train01", "train02"}
    assert manifests["test"].load(0).shape == (sample.frames, 133, 3)


def test_the_same_request_returns_at_once_and_changes_nothing(folder, capsys):
    before = contents(folder)
    assert main(["--to", str(folder), *FEW]) == 0
    assert "already simulated" in capsys.readouterr().out
    assert contents(folder) == before


def test_a_lower_frame_rate_halves_what_models_read_and_leaves_the_clips(folder, tmp_path):
    slow = tmp_path / "slow"
    assert main(["--to", str(slow), "--fps", "12.5", *FEW]) == 0
    ours, theirs = read_folder(slow)["test"], read_folder(folder)["test"]
    assert (ours.contract.fps, theirs.contract.fps) == (12.5, 25.0)
    np.testing.assert_array_equal(ours.load(0), theirs.load(0))
    read = frames_at_rate(ours[0].frames, ours.rate(ours[0]), ours.contract.fps)
    assert abs(2 * read - theirs[0].frames) <= 2


def test_a_frame_rate_and_pictures_are_refused(tmp_path):
    with pytest.raises(UserError, match="--fps 10: is for keypoints alone"):
        main(["--to", str(tmp_path / "a"), "--fps", "10", "--frames", "64", *FEW])


def test_another_request_for_a_full_folder_is_refused(folder):
    before = contents(folder)
    with pytest.raises(UserError, match=r"not empty.*--force"):
        main(["--to", str(folder), *FEW, "--seed", "1"])
    assert contents(folder) == before


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not empty"):
        main(["--to", str(tmp_path), *FEW])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_force_replaces_the_data_and_nothing_else(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "vocabulary.txt").write_text("of other data")
    assert main(["--to", str(tmp_path), *FEW, "--force"]) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "vocabulary.txt").exists()
    first = (tmp_path / "test.jsonl").read_text()
    assert main(["--to", str(tmp_path), *FEW, "--seed", "1", "--test", "0", "--force"]) == 0
    assert "test" not in read_folder(tmp_path)
    assert main(["--to", str(tmp_path), *FEW, "--force"]) == 0
    assert (tmp_path / "test.jsonl").read_text() == first


def test_an_incomplete_folder_is_not_taken_for_the_request(tmp_path):
    assert main(["--to", str(tmp_path / "a"), *FEW]) == 0
    (tmp_path / "a" / "dev.npy").unlink()
    with pytest.raises(UserError, match="not empty"):
        main(["--to", str(tmp_path / "a"), *FEW])


def test_a_file_as_target_and_too_few_sentences_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        main(["--to", str(tmp_path / "file"), *FEW])
    with pytest.raises(UserError, match="ask for at least"):
        main(["--to", str(tmp_path / "b"), *FEW, "--train", "1"])
    assert not (tmp_path / "b").exists()


def test_mistakes_are_one_line_and_exit_code_2(tmp_path):
    command = [sys.executable, "-m", "slr_keras.simulate", "--to", str(tmp_path / "c")]
    done = subprocess.run([*command, "--train", "1"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: 1 training sentences")


def test_frames_come_beside_the_same_keypoints_and_their_speed_is_told(folder, tmp_path, capsys):
    target = tmp_path / "demo16"
    assert main(["--to", str(target), *FEW, "--frames", "16"]) == 0
    assert "frames/s" in capsys.readouterr().out
    for split, manifest in read_folder(target).items():
        assert (target / f"{split}.npy").read_bytes() == (folder / f"{split}.npy").read_bytes()
        assert np.load(target / f"{split}.frames.npy").shape == (manifest.lengths.sum(), 16, 16, 3)
    before = contents(target)
    assert main(["--to", str(target), *FEW, "--frames", "16x16"]) == 0
    assert "already simulated" in capsys.readouterr().out
    with pytest.raises(UserError, match="not empty"):
        main(["--to", str(target), *FEW])
    assert contents(target) == before
    (target / "dev.frames.npy").unlink()
    with pytest.raises(UserError, match="not empty"):
        main(["--to", str(target), *FEW, "--frames", "16"])


def test_force_removes_the_frames_of_the_earlier_data(tmp_path):
    pytest.importorskip("av")
    few = ["--train", "9", "--dev", "2", "--test", "0", "--signers", "2", "1", "1", "--force"]
    (tmp_path / "videos" / "dev").mkdir(parents=True)
    (tmp_path / "videos" / "dev" / "holiday.mp4").write_bytes(b"mine")
    videos = [*few, "--frames", "16", "--video", "mp4"]
    assert main(["--to", str(tmp_path), *videos]) == 0
    assert main(["--to", str(tmp_path), *videos, "--dev", "1"]) == 0
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.mp4")}
    assert names == {f"videos/train/train-{i:05d}.mp4" for i in range(9)} | {
        "videos/dev/dev-00000.mp4",
        "videos/dev/holiday.mp4",
    }
    assert {
        s.extra.get("video", getattr(s, "video", "")) for s in read_folder(tmp_path)["dev"]
    } == {"videos/dev/dev-00000.mp4"}
    assert main(["--to", str(tmp_path), *few]) == 0
    assert not (tmp_path / "frames.json").exists()
    assert [path.name for path in tmp_path.rglob("*.mp4")] == ["holiday.mp4"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--video", "mp4"], "add --frames"),
        (["--frames", "big"], "96x64"),
        (["--frames", "4"], "16 to 1024"),
    ],
)
def test_impossible_frames_are_refused_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        main(["--to", str(tmp_path / "a"), *FEW, *options])
    assert not list(tmp_path.iterdir())
