"""How much was found, counted over the points that a model sees."""

import json

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.contract import contract
from slr_keras.extraction.folder import fitted
from slr_keras.extraction.parts import longest_run, part_of, parts_found, summarised
from slr_keras.extraction.report import ClipReport, Report, table

RULES = contract("mediapipe_holistic_543")


@pytest.fixture
def clip():
    """Ten frames: the left hand is lost in three of them, the face always; pose scores 0.8."""
    points = np.full((10, 543, 4), 0.5, np.float32)
    points[..., 3] = 1
    points[:, :33, 3] = 0.8
    points[:, 33:501] = 0
    points[4:7, 501:522] = 0
    return points


def test_the_79_points_are_eleven_of_the_pose_two_hands_and_26_of_the_face():
    count = {}
    for name in RULES.points:
        count[part_of(name)] = count.get(part_of(name), 0) + 1
    assert count == {"pose": 11, "left hand": 21, "right hand": 21, "face": 26}


def test_frames_points_and_gaps_are_counted_for_each_part(clip):
    found = parts_found(clip, RULES)
    assert {part: (f.seen, f.gap) for part, f in found.items()} == {
        "pose": (10, 0),
        "left hand": (7, 3),
        "right hand": (10, 0),
        "face": (0, 10),
    }
    assert found["left hand"].points == pytest.approx(0.7)
    # Half of the hand's points in half of the frames.
    clip[:5, 522:532] = 0
    assert parts_found(clip, RULES)["right hand"].points == pytest.approx(1 - 10 / 21 / 2)


def test_a_score_below_the_contracts_threshold_counts_as_missing(clip):
    clip[:2, 15, 3] = 0.05  # left wrist
    assert parts_found(clip, RULES)["pose"].points == pytest.approx(1 - 2 / 110)


def test_clips_are_weighed_by_their_frames(clip):
    summary = summarised([parts_found(clip, RULES), parts_found(clip[4:6], RULES)])
    assert summary["left hand"].frames == pytest.approx(7 / 12)
    assert (summary["left hand"].never, summary["face"].never) == (1, 2)
    assert summary["pose"].score == pytest.approx(0.8)
    # MediaPipe gives hands no score: 1 would be made up.
    assert summary["left hand"].score is None


def test_runs_are_measured_to_both_ends():
    assert longest_run(np.array([True, True, False, True])) == 2
    assert longest_run(np.array([False, True, True, True])) == 3
    assert longest_run(np.zeros(4, bool)) == longest_run(np.zeros(0, bool)) == 0


def test_the_report_is_a_table_json_and_a_picture(clip, tmp_path):
    clips = [
        ClipReport("a", "test", "a.mp4", 10, 25.0, parts_found(clip, RULES)),
        ClipReport("b", "test", "b.mp4", 4, 25.0, parts_found(clip[:4], RULES)),
    ]
    report = Report({"fps": 25.0}, clips, {"c.mp4": "c.mp4: truncated"})
    report.write(tmp_path)
    value = json.loads((tmp_path / "extraction.json").read_text())
    assert value["parts"]["left hand"]["frames"] == pytest.approx(11 / 14)
    assert [c["parts"]["left hand"]["gap"] for c in value["clips"]] == [3, 0]
    assert value["failures"] == {"c.mp4": "c.mp4: truncated"}
    with Image.open(tmp_path / "extraction.png") as picture:
        assert picture.width > 600
        assert len(np.unique(np.asarray(picture).reshape(-1, 4), axis=0)) > 50
    lines = table(report.summary()).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["part", "pose", "left hand", "right hand",
                                                      "face"]  # fmt: skip
    assert "78.6 %" in lines[2]


def test_a_report_without_clips_has_no_picture(tmp_path):
    Report({}, [], {"c.mp4": "c.mp4: truncated"}).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["extraction.json"]


def test_points_of_another_picture_size_are_fitted_without_distortion():
    raw = np.random.default_rng(0).uniform(1, 480, (3, 543, 4)).astype(np.float32)
    raw[:, 501:] = 0
    moved = fitted(raw, (640, 480), (1280, 720))
    assert not moved[:, 501:].any()
    np.testing.assert_allclose(np.diff(moved[:, :9, :2], axis=1) / np.diff(raw[:, :9, :2], axis=1),
                               1.5, rtol=1e-3)  # fmt: skip
    np.testing.assert_array_equal(moved[..., 3], raw[..., 3])
    assert fitted(raw, (640, 480), (640, 480)) is raw
