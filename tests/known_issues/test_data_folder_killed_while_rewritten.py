"""A process killed while it rewrote a data folder left new arrays under the old manifest.

The files were replaced one after another. The glosses of one data set then had the keypoints of
another one, and `validate` found nothing wrong. A temporary folder stayed inside.
"""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.utils.errors import UserError

KINECT = contract("kinect_20")
VALUES = {"SUN": 1.0, "RAIN": 2.0}
# Kills a forked writer before each of its renames, and prints which signs are read afterwards.
SCRIPT = """
import os, shutil, signal, sys
sys.path.insert(0, sys.argv[1])
import test_data_folder_killed_while_rewritten as test

def killed(folder, number):
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1] == signal.SIGKILL
    renames = iter(range(1, 10**6))

    def hear(event, arguments):
        if event == "os.rename" and next(renames) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
    test.write(folder, "RAIN")
    os._exit(0)

number = 1
while True:
    folder = f"{sys.argv[2]}/{number}/data"
    test.write(folder, "SUN")
    again = killed(folder, number)
    signs = test.signs(folder)
    test.write(folder, "RAIN")
    print(number, *sorted(signs), len(os.listdir(os.path.dirname(folder))), *os.listdir(folder))
    if not again:
        break
    number += 1
"""


def write(folder, gloss):
    with FolderWriter(folder, KINECT) as writer:
        for split in ("train", "dev"):
            points = np.full((9, 20, 4), VALUES[gloss], np.float32)
            writer.add(split, id=split, glosses=[gloss], keypoints=points)


def signs(folder):
    """Gloss and sign of the keypoints of every clip, if they are the same: that gloss."""
    pairs = set()
    for manifest in read_folder(folder).values():
        by_value = {value: gloss for gloss, value in VALUES.items()}
        pairs |= {f"{s.glosses[0]}-{by_value[float(manifest.load(s)[0, 0, 0])]}" for s in manifest}
    return pairs


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_every_gloss_keeps_its_keypoints_wherever_the_writer_is_killed(tmp_path, root):
    places = [str(root / "tests" / "known_issues"), str(tmp_path)]
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT, *places], capture_output=True, text=True, timeout=600
    )
    assert made.returncode == 0, made.stderr
    lines = [line.split() for line in made.stdout.splitlines()]
    assert len(lines) >= 2
    files = {"train.jsonl", "train.npy", "dev.jsonl", "dev.npy", "keypoints.json"}
    for number, sign, beside, *left in lines:
        assert sign in ("SUN-SUN", "RAIN-RAIN"), f"killed before rename {number}"
        assert (beside, set(left)) == ("1", files), f"killed before rename {number}"


@pytest.fixture
def folders(tmp_path):
    for gloss in VALUES:
        write(tmp_path / gloss, gloss)
    return tmp_path / "SUN", tmp_path / "RAIN"


def test_arrays_under_the_manifest_of_another_folder_are_refused(folders, capsys):
    from slr_keras.validate import main

    sun, rain = folders
    shutil.copyfile(rain / "train.npy", sun / "train.npy")
    with pytest.raises(UserError, match=r"train\.npy: is not the array .* mixture"):
        read_folder(sun)
    capsys.readouterr()
    assert main([str(sun)]) != 0
    assert "is not the array that was written with the manifest" in capsys.readouterr().out


def test_a_folder_that_is_replaced_while_it_is_read_gives_no_keypoints_of_the_new_one(folders):
    sun, _ = folders
    manifest = read_folder(sun)["train"]
    write(sun, "RAIN")
    with pytest.raises(UserError, match=r"was replaced while it was read"):
        manifest.load(0)


def test_manifests_without_fingerprints_and_with_other_labels_are_read(folders):
    sun, rain = folders
    path = sun / "train.jsonl"
    line = json.loads(path.read_text())
    path.write_text(json.dumps({**line, "glosses": ["SNOW"]}) + "\n")
    assert read_folder(sun)["train"][0].glosses == ("SNOW",)
    assert "published" not in read_folder(sun)["train"][0].extra
    del line["published"]
    path.write_text(json.dumps(line) + "\n")
    shutil.copyfile(rain / "train.npy", path.with_suffix(".npy"))
    assert read_folder(sun)["train"].load(0)[0, 0, 0] == VALUES["RAIN"]
