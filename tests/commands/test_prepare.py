"""`python -m slr_keras.prepare`: from downloaded files to a data folder, or one clear line."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.datasets import list_datasets
from slr_keras.data.manifest import read_folder
from slr_keras.prepare import main
from slr_keras.utils.errors import UserError


@pytest.fixture
def source(tmp_path):
    """Two sentences in the form of the packed PHOENIX skeletons."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    np.savez(
        folder / "skels.npz",
        frames=np.random.default_rng(0).normal(0, 0.3, (9, 50, 3)).astype("f4"),
        lengths=np.array([4, 5]),
        ids=np.array(["train/a-1", "dev/b-2"]),
        glosses=np.array(["REGEN ORT", "WOLKE"]),
        texts=np.array(["", ""]),
    )
    return folder


def arguments(source, folder, *more: str) -> list[str]:
    return ["phoenix14t_skeletons", "--from", str(source), "--to", str(folder), *more]


def test_the_command_writes_a_data_folder_and_a_table(source, tmp_path, capsys):
    assert main(arguments(source, tmp_path / "deep" / "data")) == 0
    splits = read_folder(tmp_path / "deep" / "data")
    assert [sample.frames for sample in splits["train"]] == [4, 5]
    record = json.loads((tmp_path / "deep" / "data" / "prepared.json").read_text())
    assert record == {"dataset": "phoenix14t_skeletons", "options": {"dev": "same"}}
    printed = capsys.readouterr().out
    assert re.search(r"train +2 +3 +3 +\? +0\.0", printed)
    assert sorted(path.name for path in tmp_path.joinpath("deep").iterdir()) == ["data"]


def test_signs_that_only_dev_has_are_announced(tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "glosses.csv").write_text("id,glosses,split\na,RAIN,train\nb,RAIN SUN SUN,dev\n")
    for name in "ab":
        np.save(folder / f"{name}.npy", np.ones((5, 133, 3)))
    assert main(["npz", "--from", str(folder), "--to", str(tmp_path / "out")]) == 0
    assert "2 of the 3 signs of dev (1 glosses) are not in train" in capsys.readouterr().err


def test_an_occupied_folder_is_kept_unless_forced(source, tmp_path):
    folder = tmp_path / "data"
    main(arguments(source, folder))
    (folder / "train.jsonl").write_text("mine")
    with pytest.raises(UserError, match=r"data: the folder is not empty.*--force"):
        main(arguments(source, folder))
    assert (folder / "train.jsonl").read_text() == "mine"
    main(arguments(source, folder, "--force"))
    assert len(read_folder(folder)["train"]) == 2


def test_forcing_leaves_no_split_of_the_old_data_and_no_stranger_s_file_is_touched(
    source, tmp_path
):
    folder = tmp_path / "data"
    main(arguments(source, folder))
    for old in ("test.jsonl", "test.npy", "vocabulary.txt"):
        (folder / old).write_text("old")
    (folder / "notes.txt").write_text("mine")
    main(arguments(source, folder, "--force"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "dev.jsonl", "dev.npy", "keypoints.json", "notes.txt", "prepared.json", "train.jsonl",
        "train.npy",
    ]  # fmt: skip


def test_a_failure_keeps_the_old_data_and_leaves_nothing_behind(source, tmp_path):
    folder = tmp_path / "data"
    main(arguments(source, folder))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (source / "skels.npz").write_bytes((source / "skels.npz").read_bytes()[:500])
    with pytest.raises(UserError, match=r"skels\.npz: truncated"):
        main(arguments(source, folder, "--force"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "downloads"]


def test_data_folders_are_merged_by_a_subcommand(source, tmp_path, capsys):
    data, other = tmp_path / "a", tmp_path / "b"
    main(arguments(source, data))
    moved = dict(np.load(source / "skels.npz"))
    np.savez(source / "skels.npz", **(moved | {"frames": moved["frames"] + 1}))
    main(arguments(source, other))
    merged = tmp_path / "merged"
    assert main(["merge", str(data), str(other), "--to", str(merged)]) == 0
    assert [s.id for s in read_folder(merged)["train"]] == [
        "a/train/a-1", "a/dev/b-2", "b/train/a-1", "b/dev/b-2",
    ]  # fmt: skip
    assert "merged from" in capsys.readouterr().out


def test_missing_files_are_listed_with_where_to_obtain_them(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: missing Phoenix-2014T\.train.*MSKA"):
        main(["phoenix2014t", "--from", str(tmp_path / "empty"), "--to", str(tmp_path / "out")])
    with pytest.raises(UserError, match="no such folder"):
        main(["phoenix2014t", "--from", str(tmp_path / "none"), "--to", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_target_that_is_a_file_is_reported(source, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file: is a file"):
        main(arguments(source, tmp_path / "file", "--force"))


def test_options_reach_the_data_set_with_their_types(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "glosses.csv").write_text("id,glosses,signer\na,A,s1\nb,B,s2\nc,C,s3\n")
    for name in "abc":
        np.save(folder / f"{name}.npy", np.ones((5, 133, 3)))
    out = tmp_path / "out"
    main(
        ["npz", "--from", str(folder), "--to", str(out), "--dev-signers", "s2", "s3", "--fps", "50"]
    )
    splits = read_folder(out)
    assert [sample.id for sample in splits["dev"]] == ["b", "c"]
    assert splits["train"][0].fps == 50
    options = json.loads((out / "prepared.json").read_text())["options"]
    assert options["dev_signers"] == ["s2", "s3"]


def test_help_says_source_licence_and_files(capsys):
    with pytest.raises(SystemExit):
        main(["csl_daily", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "obtained from:" in printed
    assert "licence:" in printed
    assert "CSL-Daily.train" in printed


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "slr_keras.prepare", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_data_set_and_imports_no_tensorflow():
    code = (
        "import sys; from slr_keras.prepare import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n")
    for name in list_datasets():
        assert name in done.stdout


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    done = run("kinect_isl30", "--from", str(tmp_path), "--to", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"error: .*missing sequences\.npz.*\n", done.stderr)
