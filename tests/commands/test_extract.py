"""`python -m slr_keras.extract`: from videos to data that the other commands read."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.contract import contract
from slr_keras.data.manifest import read_folder
from slr_keras.data.missing import Missing
from slr_keras.extract import main
from slr_keras.utils.errors import UserError

pytest.importorskip("mediapipe")
pytest.importorskip("av")

GLOSSES = "id,glosses,signer\nb,RAIN NORTH,s1\ndeep/one,SUN,s2\nbroken,WIND,s1\n"


@pytest.fixture(scope="module")
def videos(tmp_path_factory, portrait, film):
    """Three pictures, one picture, and two files that are no videos."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "deep").mkdir()
    film(folder / "b.mp4", [np.roll(portrait, 6 * number, axis=1) for number in range(3)])
    film(folder / "deep" / "one.mp4", [portrait[:200]])
    (folder / "broken.mp4").write_bytes((folder / "b.mp4").read_bytes()[:700])
    (folder / "empty.mp4").touch()
    (folder / "glosses.csv").write_text(GLOSSES)
    return folder


def extract(videos, data, *options):
    return main([str(videos), "--to", str(data), "--workers", "2", *options])


@pytest.fixture(scope="module")
def made(tmp_path_factory, videos):
    """The data folder of the videos."""
    data = tmp_path_factory.mktemp("made") / "data"
    assert extract(videos, data, "--glosses", str(videos / "glosses.csv"), "--contact-sheet") == 2
    return data


def stamps(data):
    return {path.name: path.stat().st_mtime_ns for path in (data / "clips").rglob("*.npz")}


def test_good_videos_become_a_data_folder_in_the_order_of_the_inputs(made):
    folder = read_folder(made)
    assert list(folder) == ["train"]
    b, one = folder["train"]
    assert (b.id, b.glosses, b.signer, b.fps) == ("b", ("RAIN", "NORTH"), "s1", 25.0)
    assert (one.id, one.glosses, one.frames) == ("deep/one", ("SUN",), 1)
    rules = folder["train"].contract
    assert (rules.source.name, rules.normalisation, rules.fps) == (
        "mediapipe_holistic_543", "body", 25.0,
    )  # fmt: skip
    points = folder["train"].load(0)
    nose = points[:, 0, 0]
    assert nose[0] < nose[1] < nose[2]
    assert not points[:, 501:].any()


def test_what_gave_nothing_is_told_with_the_reason(made):
    missing = Missing.read(made / "missing.json")
    assert missing.expected == {"train": 4}
    assert sorted(missing.clips["train"]) == ["broken", "empty"]
    assert "truncated, or not a video" in missing.clips["train"]["broken"]
    report = json.loads((made / "extraction.json").read_text())
    assert [clip["id"] for clip in report["clips"]] == ["b", "deep/one"]
    assert len(report["failures"]) == 2
    assert report["parts"]["face"]["frames"] == 1.0
    assert report["parts"]["left hand"]["never"] == 2
    assert report["settings"]["mediapipe"]


def test_contact_sheets_show_the_points_over_the_pictures(made):
    with Image.open(made / "sheets" / "b.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    assert sheet.width > sheet.height
    red = (np.abs(pixels - [205, 45, 40]) < 30).all(-1)
    blue = (np.abs(pixels - [31, 90, 200]) < 30).all(-1)
    # Unmirrored: the signer's right is at the left of every picture; three pictures in a row.
    first = slice(0, sheet.width // 3)
    assert red[:, first].sum() > 20
    assert blue[:, first].sum() > 20
    assert np.nonzero(red[:, first])[1].mean() < np.nonzero(blue[:, first])[1].mean()


def test_the_other_commands_read_the_folder_and_the_files(made, tmp_path, capsys):
    from slr_keras.prepare import main as prepare
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.factory import modality_for
    from slr_keras.validate import main as validate
    from slr_keras.view import main as view

    validate([str(made)])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert view([str(made), "--to", str(tmp_path / "a.png")]) == 0
    assert view([str(made / "clips" / "b.npz"), "--to", str(tmp_path / "b.png")]) == 0
    table = tmp_path / "glosses.csv"
    table.write_text("id,glosses,split\nb,RAIN NORTH,train\n")
    shutil.copy(made / "clips" / "b.npz", tmp_path)
    options = ["--layout", "mediapipe_holistic_543", "--image-size", "256x300"]
    assert prepare(["npz", "--from", str(tmp_path), "--to", str(tmp_path / "npz"), *options]) == 0
    rules = contract("mediapipe_holistic_543", image_size=(256, 300), normalisation="body")
    modality = modality_for(rules)
    in_folder, _ = find_clips([made], rules, "train")
    alone = find_clips([made / "clips" / "b.npz"], rules)[0]
    expected = rules.prepare(read_folder(made)["train"].load(0))
    for clip in (in_folder, alone):
        points = clip.read()
        assert (points.fps, points.image_size) == (25.0, (256.0, 300.0))
        assert points.layout.name == "mediapipe_holistic_543"
        np.testing.assert_allclose(rules.prepare(points.values), expected, atol=1e-6)
    assert modality.holds(made / "clips" / "b.npz")


def test_a_second_run_makes_only_what_has_changed(made, videos, tmp_path, film, portrait, capsys):
    data, changing = tmp_path / "data", tmp_path / "videos"
    shutil.copytree(made, data)
    shutil.copytree(videos, changing)
    before = stamps(data)
    (changing / "broken.mp4").unlink()
    (changing / "empty.mp4").unlink()
    assert extract(changing, data) == 0
    assert "keypoints of 0 clips found, of 2 there already" in capsys.readouterr().out
    assert stamps(data) == before
    # Unlabelled now: the folder is what the last command says, and nothing is missing.
    assert list(read_folder(data)) == ["test"]
    assert not (data / "missing.json").exists()
    film(changing / "deep" / "one.mp4", [portrait[:, 20:]])
    assert extract(changing, data) == 0
    assert "keypoints of 1 clips found, of 1 there already" in capsys.readouterr().out
    after = stamps(data)
    assert after["b.npz"] == before["b.npz"]
    assert after["one.npz"] != before["one.npz"]


def test_a_killed_run_goes_on_where_it_was(videos, tmp_path, capsys):
    several = tmp_path / "videos"
    several.mkdir()
    for name in ("1.mp4", "2.mp4"):
        shutil.copy(videos / "b.mp4", several / name)
    data = tmp_path / "data"
    command = [sys.executable, "-m", "slr_keras.extract", str(several), "--to", str(data)]
    process = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.PIPE)
    first = data / "clips" / "1.npz"
    until = time.monotonic() + 120
    while not first.exists():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    stamp = first.stat().st_mtime_ns
    assert not (data / "test.jsonl").exists()
    assert extract(several, data) == 0
    assert "keypoints of 1 clips found, of 1 there already" in capsys.readouterr().out
    assert first.stat().st_mtime_ns == stamp
    assert [sample.id for sample in read_folder(data)["test"]] == ["1", "2"]
    # What the killed run was just writing is gone or hidden, and no clip.
    assert sorted(path.name for path in data.rglob("*.npz") if path.name[0] != ".") == [
        "1.npz", "2.npz",
    ]  # fmt: skip


def test_another_commands_data_is_not_replaced(videos, tmp_path):
    (tmp_path / "train.jsonl").write_text("")
    with pytest.raises(UserError, match=r"holds train.jsonl, which was not made from video here"):
        extract(videos, tmp_path)
    assert (tmp_path / "train.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--fps", "0"], "give a rate of 1 to 1000"),
        (["--detection", "2"], "give a confidence of 0 to 1"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_read(
    videos, tmp_path, option, message
):
    with pytest.raises(UserError, match=message):
        extract(videos, tmp_path / "data", *option)
    assert not (tmp_path / "data").exists()


def test_a_patience_below_zero_is_refused_before_anything_is_read(videos, tmp_path, capsys):
    with pytest.raises(SystemExit):
        extract(videos, tmp_path / "data", "--patience", "-1")
    assert "--patience: '-1' is not a number from 0.1 to 86400 seconds" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_own_recordings_have_the_splits_that_fit_needs(videos, tmp_path, capsys):
    from slr_keras.validate import main as validate

    glosses = ("--glosses", str(videos / "glosses.csv"))
    extract(videos, tmp_path / "data", *glosses, "--dev-signers", "s2")
    folder = read_folder(tmp_path / "data")
    assert {name: [s.id for s in split] for name, split in folder.items()} == {
        "train": ["b"],
        "dev": ["deep/one"],
    }
    capsys.readouterr()
    validate([str(tmp_path / "data")])
    out = capsys.readouterr().out
    assert "the left hand was not found in 100 % of the frames of dev" in out
    assert "missing-split" not in out
    # What was found is not found again for other splits.
    extract(videos, tmp_path / "data", *glosses, "--dev-fraction", "0.4", "--seed", "2")
    assert "keypoints of 0 clips found, of 2 there already" in capsys.readouterr().out
    assert sorted(read_folder(tmp_path / "data")) == ["dev", "train"]
    with pytest.raises(UserError, match="omit it, or the options for dev and test"):
        extract(videos, tmp_path / "data", *glosses, "--split", "dev", "--dev-fraction", "0.4")
