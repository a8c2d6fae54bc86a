"""Validation of keypoints: every finding, triggered once, with its place and what to do."""

import numpy as np
import pytest
from validation_data import clip, only, sound, write

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter
from slr_keras.data.validation.folder import validate_folder


@pytest.mark.parametrize(
    ("channel", "value"), [(0, np.inf), (1, -np.inf), (0, np.nan), (2, np.nan), (3, np.inf)]
)
def test_a_number_that_is_not_finite_is_found_by_frame_and_point(tmp_path, channel, value):
    keypoints = clip()
    keypoints[7, 4, channel] = value
    write(tmp_path, **sound(keypoints=keypoints))
    report = validate_folder(tmp_path)
    finding = only(report, "non-finite")
    assert "1 points are not finite, the first in frame 7, 'elbow_left'" in finding.what
    assert report.splits["train"].non_finite == 1
    assert report.splits["train"].missing_share == pytest.approx(1 / (40 * 14))


def test_a_point_without_place_but_with_a_score_is_found(tmp_path):
    keypoints = clip()
    keypoints[7, 4, :3] = np.nan
    write(tmp_path, **sound(keypoints=keypoints))
    assert "frame 7, 'elbow_left'" in only(validate_folder(tmp_path), "non-finite").what


@pytest.mark.parametrize("score", [0.0, 0.05, np.nan])
def test_nan_as_the_mark_of_a_missing_point_is_no_finding(tmp_path, score):
    keypoints = clip()
    keypoints[7, 4] = [np.nan, np.nan, np.nan, score]
    write(tmp_path, **sound(keypoints=keypoints))
    report = validate_folder(tmp_path)
    assert report.findings == ()
    assert report.splits["train"].missing_share > 0


@pytest.mark.parametrize(
    ("factor", "text"), [(20, "far outside an image of 200 x 200"), (1 / 200, "in one spot")]
)
def test_coordinates_in_other_units_than_the_contract_says_are_found(tmp_path, factor, text):
    write(tmp_path, **sound(keypoints=clip() * np.float32([factor, factor, 1, 1])))
    assert text in only(validate_folder(tmp_path), "units").what


def test_copies_between_splits_are_errors_and_within_a_split_warnings(tmp_path):
    splits = sound(keypoints=clip(seed=50))
    splits["dev"][0]["keypoints"] = clip(seed=50)
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), "leak")
    assert (finding.severity, finding.sample) == ("error", "d1")
    assert f"sample 't1' at {tmp_path / 'train.jsonl'}:1" in finding.what
    splits = sound(keypoints=clip(seed=50))
    splits["train"][1]["keypoints"] = clip(seed=50)
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), "copy")
    assert (finding.severity, finding.sample) == ("warning", "t2")


@pytest.mark.parametrize("damage", ["absent", "truncated", "points"])
def test_keypoints_that_cannot_be_read_are_an_error(tmp_path, damage):
    write(tmp_path, **sound())
    path = tmp_path / "dev.npy"
    if damage == "absent":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-8])
    else:
        np.save(path, np.ones((20, 19, 4), np.float32))
    finding = only(validate_folder(tmp_path), "keypoints")
    assert (finding.severity, finding.sample) == ("error", "d1")
    assert str(path) in finding.what


def test_the_quick_form_reads_no_keypoints(tmp_path):
    write(tmp_path, **sound())
    (tmp_path / "train.npy").unlink()
    report = validate_folder(tmp_path, deep=False)
    assert report.findings == ()
    assert report.splits["train"].missing_share is None


@pytest.mark.shared_data
def test_real_skeletons_validate(tmp_path, shared_data):
    data = np.load(shared_data / "phoenix14t_skeletons" / "skels.npz")
    starts = np.r_[0, np.cumsum(data["lengths"])]
    with FolderWriter(tmp_path / "data", contract("openpose_50")) as writer:
        for i, (name, glosses) in enumerate(zip(data["ids"], data["glosses"])):
            frames = data["frames"][starts[i] : starts[i + 1]]
            writer.add("train", id=str(name), glosses=str(glosses).split(), keypoints=frames)
    report = validate_folder(tmp_path / "data")
    assert report.errors == ()
    assert report.splits["train"].frames_total == 1172
    assert report.splits["train"].missing_share == 0
