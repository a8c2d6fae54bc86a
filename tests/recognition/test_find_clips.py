"""Files, manifests and folders become clips; what cannot be read says so by name."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.data.manifest import FolderWriter
from slr_keras.recognition import find_clips, match_layout
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def whole_body():
    return contract("coco_wholebody_133", image_size=(210, 260))


@pytest.fixture
def array():
    return np.full((9, 133, 3), 50.0, np.float32)


@pytest.fixture
def folder(tmp_path, whole_body, array):
    with FolderWriter(tmp_path / "data", whole_body) as writer:
        writer.add("train", id="t", glosses=["A"], keypoints=array)
        writer.add("test", id="b", glosses=["A", "B"], keypoints=array * 2, fps=50.0)
        writer.add("test", id="a", glosses=[], keypoints=array[:4])
    return tmp_path / "data"


def test_a_data_folder_gives_the_chosen_split_in_its_order(folder, whole_body):
    clips = find_clips([folder], whole_body)
    assert [clip.id for clip in clips] == ["b", "a"]
    assert [clip.reference for clip in clips] == [("A", "B"), ()]
    points = clips[0].read()
    assert points.values.shape == (9, 133, 3)
    assert points.values[0, 0, 0] == 100
    assert (points.fps, points.image_size) == (50.0, (210, 260))
    assert [clip.id for clip in find_clips([folder], whole_body, "train")] == ["t"]


def test_a_manifest_without_any_glosses_has_no_references(tmp_path, whole_body, array):
    with FolderWriter(tmp_path / "data", whole_body) as writer:
        writer.add("test", id="a", glosses=[], keypoints=array)
    (clip,) = find_clips([tmp_path / "data"], whole_body)
    assert clip.reference is None


def test_a_manifest_gives_the_same_as_its_folder(folder, whole_body):
    ids = [clip.id for clip in find_clips([folder / "test.jsonl"], whole_body)]
    assert ids == [clip.id for clip in find_clips([folder], whole_body)]


def test_a_split_that_is_not_there_names_those_that_are(folder, whole_body):
    with pytest.raises(UserError, match=r"no split 'dev'.*train, test"):
        find_clips([folder], whole_body, "dev")


def test_a_manifest_of_another_layout_is_refused_at_once_and_both_are_named(folder):
    with pytest.raises(UserError, match=r"test.jsonl.*'coco_wholebody_133'.*'kinect_20'"):
        find_clips([folder], contract("kinect_20"))


def test_a_manifest_whose_y_grows_the_other_way_is_refused(folder):
    upwards = contract("coco_wholebody_133", image_size=(210, 260), y_axis="up")
    with pytest.raises(UserError, match=r"keypoints.json: y grows down .* growing up"):
        find_clips([folder], upwards)


def test_a_manifest_without_its_contract_is_refused(folder, whole_body):
    (folder / "keypoints.json").unlink()
    with pytest.raises(UserError, match=r"keypoints.json"):
        find_clips([folder / "test.jsonl"], whole_body)


def test_a_manifest_with_a_broken_line_names_it(folder, whole_body):
    with open(folder / "test.jsonl", "a") as file:
        file.write("{broken\n")
    with pytest.raises(UserError, match=r"test.jsonl:3"):
        find_clips([folder], whole_body)


def test_an_empty_manifest_is_refused(folder, whole_body):
    (folder / "test.jsonl").write_text("")
    with pytest.raises(UserError, match=r"test.jsonl: .*no samples"):
        find_clips([folder], whole_body)


def test_a_damaged_sample_names_manifest_line_and_sample_when_it_is_read(folder, whole_body):
    (folder / "test.npy").write_bytes(b"")
    clips = find_clips([folder], whole_body)
    with pytest.raises(UserError, match=r"test.jsonl:2: sample 'a'.*test.npy"):
        clips[1].read()


def test_the_array_behind_a_manifest_is_not_taken_for_a_clip(folder, whole_body):
    with pytest.raises(UserError, match=r"test.npy: holds all clips of test.jsonl"):
        find_clips([folder / "test.npy"], whole_body)


def test_a_folder_of_files_is_searched_through_and_sorted(tmp_path, whole_body, array):
    (tmp_path / "week").mkdir()
    np.save(tmp_path / "week" / "b.npy", array)
    np.savez(tmp_path / "c.npz", keypoints=array[:3], fps=30.0)
    np.save(tmp_path / "a.npy", array[:2])
    (tmp_path / "notes.txt").write_text("not a clip")
    clips = find_clips([tmp_path], whole_body)
    assert [clip.id for clip in clips] == ["a", "c", "week/b"]
    assert [len(clip.read().values) for clip in clips] == [2, 3, 9]
    assert [clip.read().fps for clip in clips] == [None, 30.0, None]


def test_files_of_a_folder_come_by_name_however_the_disk_lists_them(
    tmp_path, whole_body, array, monkeypatch
):
    for name in ("a", "b", "c"):
        np.save(tmp_path / f"{name}.npy", array)
    listed = list(tmp_path.iterdir())
    for order in (listed, listed[::-1]):
        monkeypatch.setattr(Path, "rglob", lambda *_, order=order: iter(order))
        assert [clip.id for clip in find_clips([tmp_path], whole_body)] == ["a", "b", "c"]


def test_several_inputs_keep_their_order(tmp_path, folder, whole_body, array):
    np.save(tmp_path / "z.npy", array)
    clips = find_clips([tmp_path / "z.npy", folder], whole_body)
    assert [clip.id for clip in clips] == ["z", "b", "a"]


def test_what_is_not_there_or_not_readable_is_named(tmp_path, whole_body):
    with pytest.raises(UserError, match=r"nowhere.npy: no such file"):
        find_clips([tmp_path / "nowhere.npy"], whole_body)
    with pytest.raises(UserError, match="no keypoint file"):
        find_clips([tmp_path], whole_body)
    (tmp_path / "notes.txt").write_bytes(b"0")
    with pytest.raises(UserError, match=r"notes.txt: not a clip"):
        find_clips([tmp_path / "notes.txt"], whole_body)


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def archived(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("keypoints.npy", content)
    return file.getvalue()


ARRAY = np.full((9, 133, 3), 50.0, np.float32)
OBJECTS = npy(np.array([{"keypoints": 1}], dtype=object))
# A header that promises far more than the file holds.
BOASTING = npy(ARRAY).replace(b"(9, 133, 3), }        ", b"(999999999, 133, 3), }")
DAMAGED = {
    "empty.npy": b"",
    "empty.npz": b"",
    "text.npy": b"x, y, score",
    "text.npz": b"x, y, score",
    "truncated.npy": npy(ARRAY)[:-5000],
    "truncated.npz": archived(npy(ARRAY))[:-5000],
    "truncated_within.npz": archived(npy(ARRAY)[:-5000]),
    "objects.npy": OBJECTS,
    "objects.npz": archived(OBJECTS),
    "boasting.npy": BOASTING,
    "boasting.npz": archived(BOASTING),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, whole_body, name):
    assert len(BOASTING) == len(npy(ARRAY))
    path = tmp_path / name
    path.write_bytes(DAMAGED[name])
    (clip,) = find_clips([path], whole_body)
    with pytest.raises(UserError, match=rf"{name}: truncated, or not"):
        clip.read()


def test_a_pickle_is_never_executed(tmp_path, whole_body):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    objects = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", keypoints=objects)
    for clip in find_clips([tmp_path], whole_body):
        with pytest.raises(UserError):
            clip.read()
    assert not (tmp_path / "exploded").exists()


def test_an_npz_without_keypoints_names_what_it_has(tmp_path, whole_body, array):
    np.savez(tmp_path / "clip.npz", poses=array)
    (clip,) = find_clips([tmp_path / "clip.npz"], whole_body)
    with pytest.raises(UserError, match=r"clip.npz: has no array 'keypoints', only poses"):
        clip.read()


@pytest.mark.shared_data
def test_a_pose_file_says_its_layout_and_frame_rate(shared_data, tmp_path):
    path = shared_data / "pose_samples" / "mediapipe.pose"
    holistic = contract("mediapipe_holistic_543", image_size=(1, 1), normalisation="image")
    (clip,) = find_clips([path], holistic)
    points = clip.read()
    assert points.layout == layout("mediapipe_holistic_543")
    assert (points.fps, points.image_size) == (24, (1250, 1250))
    values, _ = match_layout(points, holistic, "a")
    # Pixels in the file, fractions in the run: scaled, and a person fills part of the image.
    seen = values[np.isfinite(values).all(-1) & (values[..., -1] > 0)]
    assert 0 < np.quantile(seen[:, 0], 0.1) < np.quantile(seen[:, 0], 0.9) < 1


def test_a_data_folder_may_hold_files_of_their_own(tmp_path, whole_body, array):
    np.save(tmp_path / "clip.npy", array)
    whole_body.write(tmp_path / "keypoints.json")
    line = {"id": "x", "glosses": ["A"], "frames": 9, "keypoints": "clip.npy", "fps": 25.0}
    (tmp_path / "test.jsonl").write_text(json.dumps(line) + "\n")
    (clip,) = find_clips([tmp_path], whole_body)
    assert clip.read().values.shape == (9, 133, 3)
