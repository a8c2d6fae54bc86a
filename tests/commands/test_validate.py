"""The command `python -m slr_keras.validate`: table, findings, exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.validate import main


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "data", contract("kinect_20")) as writer:
        for split in ("train", "dev"):
            for number in range(2):
                keypoints = rng.uniform(0.5, 1, (12, 20, 4))
                name = f"{split}{number}"
                writer.add(split, id=name, glosses=["A"], keypoints=keypoints, signer="s1")
    return tmp_path / "data"


def test_a_sound_folder_gives_a_table_and_0(folder, capsys):
    assert main([str(folder)]) == 0
    header, train, dev, shared, last = capsys.readouterr().out.splitlines()
    assert header.split()[:6] == ["split", "clips", "frames", "min", "mean", "max"]
    assert train.split()[:6] == ["train", "2", "24", "12", "12.0", "12"]
    assert dev.split()[-2:] == ["0.0%", "0"]
    assert len(header) == len(train) == len(dev)
    assert shared == "train/dev share 1 signers, 1 sentences"
    assert last == "0 errors, 0 warnings"


def test_forbidden_sharing_gives_findings_and_2(folder, capsys):
    assert main([str(folder), "--forbid-shared-signers"]) == 2
    assert "error: " in capsys.readouterr().out
    assert main([str(folder), "--forbid-shared-sentences"]) == 2
    assert "[shared-sentence]" in capsys.readouterr().out


def test_the_report_as_json_holds_all_findings(folder, capsys):
    (folder / "dev.npy").unlink()
    assert main([str(folder), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["errors"] == 2
    assert [f["sample"] for f in report["findings"]] == ["dev0", "dev1"]
    assert report["splits"]["train"]["frames_total"] == 24


def test_the_quick_form_does_not_read_keypoints(folder, capsys):
    (folder / "dev.npy").unlink()
    assert main([str(folder), "--quick"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-2:] == ["-", "-"]


def test_the_stride_is_that_of_the_model(folder, capsys):
    assert main([str(folder), "--temporal-stride", "4"]) == 0
    assert "[infeasible]" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([str(folder), "--temporal-stride", "0"])


def test_all_findings_are_printed_on_request(folder, capsys):
    with FolderWriter(folder, contract("kinect_20")) as writer:
        for number in range(8):
            writer.add("train", id=str(number), glosses=["A"], keypoints=np.ones((0, 20, 4)))
    assert main([str(folder)]) == 2
    assert "... and 3 more [empty-clip]" in capsys.readouterr().out
    assert main([str(folder), "--all"]) == 2
    assert capsys.readouterr().out.count("[empty-clip]") == 8


def test_an_absent_folder_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="no such data folder"):
        main([str(tmp_path / "absent")])


def test_the_command_tells_the_mistake_in_one_line_and_leaves_with_2(tmp_path):
    command = [sys.executable, "-m", "slr_keras.validate", str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'absent'}: no such data folder\n"
    assert done.stdout == ""


def test_validation_needs_no_tensorflow(folder):
    code = (
        "import sys; from slr_keras.validate import main; "
        f"assert main([{str(folder)!r}]) == 0; assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
