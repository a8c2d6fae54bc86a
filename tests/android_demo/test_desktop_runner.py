"""The desktop runner: its timing table, and the comparison of its glosses with `predict`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from slr_keras.simulate import main as simulate

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
BUNDLE = DEMO / "core/src/test/resources/golden/bundle"


@pytest.fixture(scope="module")
def comparing() -> ModuleType:
    import compare_glosses

    return compare_glosses


STEPS = ("predict", "file", "gaps", "rest", "keypoints", "desktop")


def steps(*values: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value.split()) for name, value in zip(STEPS, values, strict=True)}


@pytest.mark.parametrize(
    ("glosses", "expected"),
    [
        (steps("A B", "A B", "A B", "A B", "A B", "A B"), ""),
        (steps("A B", "A", "A", "A", "A", "A"), "file"),
        (steps("A B", "A B", "A", "A", "A", "A"), "gaps"),
        (steps("A B", "A B", "A B", "A", "A", "A"), "rest"),
        (steps("A B", "A B", "A B", "A B", "", ""), "keypoints"),
        (steps("A B", "A B", "B", "B", "C", "C"), "gaps, keypoints"),
        # What one step takes another gives back.
        (steps("A B", "A B", "B", "B", "A B", "A B"), ""),
    ],
)
def test_a_difference_is_attributed_to_the_steps_that_change_the_glosses(
    comparing, glosses, expected
):
    assert comparing.STEPS == STEPS
    assert comparing.reasons(glosses) == expected


def test_the_table_shows_glosses_where_they_change(comparing):
    table = comparing.table({"clip": steps("A B", "A B", "B", "B", "", "")})
    assert "| clip | A B | = | B | = | (nothing) | = | gaps, keypoints |" in table
    assert "0 of 1" in table


def test_a_runner_that_differs_from_its_own_stream_is_an_error(
    comparing, monkeypatch, tmp_path, capsys
):
    glosses = steps("A", "A", "A", "A", "A", "B")
    assert comparing.reasons(glosses).startswith("ERROR")
    monkeypatch.setattr(comparing, "glosses_of", lambda *_: glosses)
    (tmp_path / "clip.mp4").touch()
    assert comparing.main([str(tmp_path), str(BUNDLE), str(tmp_path / "clip.mp4")]) == 1
    assert "| clip | A | = | = | = | = | B | ERROR" in capsys.readouterr().out


def test_a_missing_file_is_named_before_anything_runs(comparing, tmp_path, capsys):
    assert comparing.main([str(tmp_path), str(BUNDLE), str(tmp_path / "no.mp4")]) == 2
    assert "there is no" in (said := capsys.readouterr().err)
    assert "no.mp4" in said


@pytest.mark.long
def test_the_stages_of_the_desktop_runner_add_up_to_its_real_time_factor(tmp_path):
    pytest.importorskip("ai_edge_litert")
    pytest.importorskip("av")
    if shutil.which("java") is None:
        pytest.skip("needs a JDK")
    options = ["--train", "6", "--dev", "1", "--test", "1", "--frames", "240", "--video", "mp4"]
    assert simulate(["--lexicon", "demo", "--to", str(tmp_path), *options]) == 0
    (video,) = (tmp_path / "videos/test").glob("*.mp4")
    command = [DEMO / "run_on_jvm.sh", video, "--bundle", BUNDLE]
    environment = {**os.environ, "SLR_PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|.* (-?\d+) % \|$", done.stderr, re.MULTILINE)
    shares = {name: int(share) for name, _, share in rows}
    pictures = {name: int(count) for name, count, _ in rows}
    everything = int(re.search(r"(\d+) pictures: keypoints", done.stderr)[1])
    always = {"pose landmarks", "hand landmarks", "pipe to the models"}
    always |= {"(beside) decoding the video", "(beside) waiting for the picture"}
    assert {*always, "smoothing", "hand regions", "face: detection and landmarks"} <= set(shares)
    # A person who is followed is not looked for again; the stream's model waits for its frames.
    assert pictures["pose detection"] < everything
    assert pictures["recognition: model"] < everything
    assert all(pictures[name] == everything for name in always)
    factor = float(re.search(r"real-time factor ([\d.]+)", done.stderr)[1])
    reading = sum(share for name, share in shares.items() if not name.startswith("(beside)"))
    # Each share is rounded to a hundredth of real time.
    assert reading / 100 == pytest.approx(factor, abs=0.005 * len(shares) + 0.005)
    assert all(share >= 0 for share in shares.values())
