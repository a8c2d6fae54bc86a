"""The command `python -m slr_keras.simulate`."""

import subprocess
import sys

import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.errors import UserError
from slr_keras.simulate import main

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
