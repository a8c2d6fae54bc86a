"""A disk that filled up while a folder was rewritten left half of it, or said nothing useful.

`simulate --force` had removed the record of the old data before; NumPy's error of a short write has
no number, so that the command ended with a traceback.
"""

import resource
import subprocess
import sys

import kills
import numpy as np
import pytest

from slr_keras.utils.files import atomic_path
from slr_keras.utils.working_folder import working_folder

DATA = ("--lexicon", "demo", "--train", "12", "--dev", "2", "--test", "2")
FILMS = ("--cues", "order", "--train", "12", "--dev", "6", "--test", "6")


@pytest.mark.parametrize("options", [DATA, FILMS], ids=["keypoints", "video"])
def test_the_old_folder_stays_and_the_message_names_it(tmp_path, options):
    from slr_keras.simulate import main

    folder = tmp_path / "data"
    assert main([*options, "--to", str(folder)]) == 0
    before = kills.snapshot(tmp_path, working=True)
    made = subprocess.run(
        [sys.executable, "-m", "slr_keras", "simulate", *options, "--to", str(folder), "--force"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
    )
    assert made.returncode == 2, made.stderr
    last = made.stderr.splitlines()[-1]
    assert last.startswith(f"error: {folder}: ")
    assert "and run the same command again" in last
    assert "Traceback" not in made.stderr
    assert kills.snapshot(tmp_path, working=True) == before


def test_a_short_write_of_numpy_is_a_full_disk_with_the_name_of_the_file(tmp_path):
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*a\.npy'"),
        atomic_path(tmp_path / "a.npy"),
    ):
        raise OSError("27792 requested and 12272 written")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing there"), working_folder(tmp_path, "a"):
        np.load(tmp_path / "nothing there")
