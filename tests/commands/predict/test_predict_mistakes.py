"""Bad files, bad options and full disks: named, and never in the way of the rest."""

import json
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.predict import main
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_missing_points_and_noticed(
    predict, recognised, data, tmp_path, bad, same
):
    clip = np.array(read_folder(data)["test"].load(0))
    clip[3:9, 100:110] = 0
    np.save(tmp_path / "zeros.npy", clip)
    clip[3:9, 100:110] = bad
    np.save(tmp_path / "bad.npy", clip)
    code, out, err = predict(tmp_path / "bad.npy", "--format", "json")
    assert code == 0
    assert err.splitlines() == [
        f"notice: {tmp_path / 'bad.npy'}: 60 points in 6 frames with NaN or infinite values, "
        "taken as missing"
    ]
    found = json.loads(out)["clips"]
    assert "60 points in 6 frames" in found[0]["notices"][0]
    same(recognised(tmp_path / "zeros.npy"), found)


def test_one_bad_file_does_not_stop_the_others_and_is_reported_at_the_end(
    predict, tmp_path, moving
):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "a.npy", moving(20, rng))
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY truncated")
    np.save(tmp_path / "c.npy", moving(20, rng)[:0])
    np.save(tmp_path / "d.npy", moving(20, rng, points=20))
    np.savez(tmp_path / "e.npz", keypoints=moving(20, rng), fps=0.0)
    np.save(tmp_path / "f.npy", moving(30, rng))
    code, _, err = predict(tmp_path, "--format", "json", "--to", tmp_path / "out.json")
    assert code == 2
    assert "Traceback" not in err
    found = json.loads((tmp_path / "out.json").read_text())
    assert [clip["id"] for clip in found["clips"]] == ["a", "f"]
    assert [error["id"] for error in found["errors"]] == ["b", "c", "d", "e"]
    lines = err.splitlines()
    assert [line for line in lines if not line.startswith("error: ")] == []
    for line, (name, reason) in zip(
        lines,
        [("b.npy", "truncated"), ("c.npy", "no frames"), ("d.npy", "20"), ("e.npz", "rate")],
        strict=True,
    ):
        assert f"{tmp_path / name}: " in line
        assert reason in line


def test_many_failures_are_counted_and_not_all_listed(predict, tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.npy").write_bytes(b"")
    code, _, err = predict(tmp_path)
    assert code == 2
    assert len(err.splitlines()) <= 12
    assert "20 more" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "vtt"], "8 clips make 8 .vtt files: name a folder"),
        (["--split", "nowhere"], "no split 'nowhere'.*train, dev, test"),
        (["--layout", "nowhere"], "unknown keypoint layout 'nowhere'"),
        (["--to", "."], "is a folder; name the file"),
        (["--layout", "stark_79"], "'coco_wholebody_133', not in 'stark_79'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_recognised(
    predict, data, arguments, message, monkeypatch
):
    monkeypatch.setattr(
        "slr_keras.recognition.recogniser.Recogniser", lambda *_: pytest.fail("too late")
    )
    with pytest.raises(UserError, match=message):
        predict(data, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--beam", "0"],
        ["--limit", "-1"],
        ["--fps", "0"],
        ["--fps", "nan"],
        ["--image-size", "0x5"],
        ["--image-size", "wide"],
        ["--format", "xml"],
    ],
)
def test_an_option_out_of_range_is_refused(trained, data, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(trained), str(data), *arguments])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_full_disk_leaves_the_file_that_was_there(predict, data, tmp_path, monkeypatch):
    import errno

    predict(data, "--limit", 1, "--to", tmp_path / "out.txt")
    before = (tmp_path / "out.txt").read_text()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out.txt"))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        predict(data, "--to", tmp_path / "out.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert (tmp_path / "out.txt").read_text() == before


def test_the_command_says_errors_in_one_line_and_ends_with_2(trained, tmp_path):
    for arguments in (
        [str(trained), str(tmp_path / "nowhere.npy")],
        [str(tmp_path / "no_run"), str(tmp_path)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "slr_keras.predict", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("error: ")
