"""`.pose` files: every point lands in its row, damage is reported."""

import json

import numpy as np
import pytest
from pose_file import write_pose

from slr_keras.data import pose_file
from slr_keras.data.contract import contract
from slr_keras.data.datasets import pose_files
from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder, read_manifest
from slr_keras.utils.errors import UserError

pose_format = pytest.importorskip("pose_format")
POSE_NAMES = [name.upper() for name in layout("mediapipe_75").points[:33]]
HAND = [f"P{i}" for i in range(21)]
MEDIAPIPE = {
    "POSE_LANDMARKS": POSE_NAMES,
    "FACE_LANDMARKS": [str(i) for i in range(468)],
    "LEFT_HAND_LANDMARKS": HAND,
    "RIGHT_HAND_LANDMARKS": HAND,
    "POSE_WORLD_LANDMARKS": POSE_NAMES,
}
BODY_25 = "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel".split()  # noqa: E501, SIM905
OPENPOSE = {
    "pose_keypoints_2d": BODY_25,
    "face_keypoints_2d": [f"F{i}" for i in range(70)],
    "hand_left_keypoints_2d": HAND,
    "hand_right_keypoints_2d": HAND,
}


def row_of(clip: pose_file.PoseClip, name: str) -> list[float]:
    """x of the first frame, which tells the row in the file, and y."""
    return clip.keypoints[0, layout(clip.layout).points.index(name), :2].tolist()


def test_mediapipe_components_land_in_their_rows(tmp_path):
    clip = pose_file.read_pose_clip(write_pose(tmp_path / "a.pose", MEDIAPIPE))
    assert (clip.layout, clip.fps, clip.image_size) == ("mediapipe_holistic_543", 25, (200, 100))
    assert clip.keypoints.shape == (4, 543, 4)
    np.testing.assert_allclose(clip.keypoints[0, 1:, 0], np.arange(1, 543))
    np.testing.assert_allclose(clip.keypoints[3, :, 0] - clip.keypoints[0, :, 0], 0.3, rtol=1e-3)
    np.testing.assert_allclose(clip.keypoints[0, 1:, 3], 0.9)


def test_mediapipe_without_a_face_is_the_layout_of_75(tmp_path):
    parts = {name: points for name, points in MEDIAPIPE.items() if "FACE" not in name}
    array, name, fps = pose_file.read_pose(write_pose(tmp_path / "a.pose", parts))
    assert (name, fps, array.shape) == ("mediapipe_75", 25, (4, 75, 4))
    np.testing.assert_allclose(array[0, 1:, 0], np.arange(1, 75))


def test_reduced_components_are_placed_by_name_and_the_rest_is_missing(tmp_path):
    parts = MEDIAPIPE | {"POSE_LANDMARKS": ["LEFT_SHOULDER", "NOSE"], "FACE_LANDMARKS": ["0", "17"]}
    clip = pose_file.read_pose_clip(write_pose(tmp_path / "a.pose", parts))
    assert row_of(clip, "nose") == [1, 2]
    assert row_of(clip, "left_hand_wrist") == [4, 8]
    points = layout("mediapipe_holistic_543").points
    found = {points[row] for row in np.flatnonzero(clip.keypoints[1, :, 3])}
    assert {points[33], points[33 + 17], "left_shoulder", "nose"} == found - set(points[501:])
    assert (clip.keypoints[:, points.index("right_shoulder")] == 0).all()


def test_spans_of_the_table_are_written_and_have_to_fit_the_file(tmp_path):
    write_pose(tmp_path / "a.pose", MEDIAPIPE)
    table = "id,glosses,split,spans\na,RAIN SUN,train,0:2 2:{}\n"
    (tmp_path / "glosses.csv").write_text(table.format(4))
    pose_files.prepare(tmp_path, tmp_path / "out")
    train = read_folder(tmp_path / "out")["train"]
    assert train[0].extra["spans"] == [[0, 2], [2, 4]]
    (tmp_path / "glosses.csv").write_text(table.format(5))
    with pytest.raises(UserError, match=r"a\.pose: .*span \[2, 5\).*outside the 4 frames"):
        pose_files.prepare(tmp_path, tmp_path / "other")


def test_openpose_points_land_under_the_names_of_coco(tmp_path):
    clip = pose_file.read_pose_clip(write_pose(tmp_path / "a.pose", OPENPOSE, axes="XYC"))
    assert (clip.layout, clip.keypoints.shape) == ("coco_wholebody_133", (4, 133, 3))
    assert row_of(clip, "left_shoulder") == [5, 10]
    assert row_of(clip, "right_wrist") == [4, 8]
    assert row_of(clip, "right_heel") == [24, 48]
    assert row_of(clip, "face_0") == [25, 50]
    assert row_of(clip, "face_67") == [92, 184]
    assert row_of(clip, "left_hand_wrist") == [95, 190]
    assert row_of(clip, "right_little_4") == [136, 272]
    assert (clip.keypoints[1, :, 2] > 0).all()


def test_of_several_people_the_one_seen_best_is_taken(tmp_path):
    clip = pose_file.read_pose_clip(write_pose(tmp_path / "a.pose", OPENPOSE, "XYC", people=2))
    np.testing.assert_allclose(clip.keypoints[..., 2], 0.9)


def test_an_unknown_layout_lists_its_components(tmp_path):
    path = write_pose(tmp_path / "a.pose", {"THORAX": ["A", "B"]})
    with pytest.raises(UserError, match=r"a\.pose: unknown keypoint layout.*THORAX"):
        pose_file.read_pose(path)


def test_damaged_pose_files_are_reported_whatever_is_cut(tmp_path):
    path = write_pose(tmp_path / "a.pose", OPENPOSE, axes="XYC")
    data = path.read_bytes()
    for length in (0, 1, 10, 100, 500, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match=r"a\.pose: (truncated|damaged|holds no)"):
            pose_file.read_pose(path)
    path.write_text("hello, world, this is no pose file at all")
    with pytest.raises(UserError, match=r"a\.pose: truncated"):
        pose_file.read_pose(path)
    with pytest.raises(UserError, match=r"none\.pose: cannot be read"):
        pose_file.read_pose(tmp_path / "none.pose")


def test_a_folder_of_pose_files_becomes_a_data_folder(tmp_path):
    write_pose(tmp_path / "one.pose", MEDIAPIPE, frames=6)
    write_pose(tmp_path / "two.pose", MEDIAPIPE, size=(640, 480), fps=50)
    (tmp_path / "glosses.csv").write_text("id,glosses,split,fps\none,A,train,30\ntwo,B,dev,\n")
    pose_files.prepare(tmp_path, tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert [(s.id, s.frames, s.fps) for m in splits.values() for s in m] == [
        ("one", 6, 30), ("two", 4, 50),
    ]  # fmt: skip
    assert splits["train"].contract.image_size == (200, 100)
    with pytest.raises(UserError, match=r"two\.pose: .*prepare them apart"):
        pose_files.prepare(tmp_path, tmp_path / "image", normalisation="image")
    write_pose(tmp_path / "two.pose", OPENPOSE, axes="XYC")
    with pytest.raises(UserError, match=r"two\.pose: coco_wholebody_133.*prepare them apart"):
        pose_files.prepare(tmp_path, tmp_path / "mixed")


def test_a_manifest_may_name_a_pose_file_itself(tmp_path):
    write_pose(tmp_path / "one.pose", OPENPOSE, axes="XYC")
    contract("coco_wholebody_133").write(tmp_path / "keypoints.json")
    line = {"id": "one", "glosses": ["A"], "frames": 4, "keypoints": "one.pose"}
    (tmp_path / "train.jsonl").write_text(json.dumps(line))
    manifest = read_manifest(tmp_path / "train.jsonl")
    assert manifest.load(0).shape == (4, 133, 3)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "expected", "frames"),
    [
        ("mediapipe", "mediapipe_holistic_543", 170),
        ("mediapipe_long", "mediapipe_holistic_543", 278),
        ("openpose", "coco_wholebody_133", 93),
    ],
)
def test_the_library_s_own_samples_put_hands_at_the_end_of_arms(
    shared_data, name, expected, frames
):
    clip = pose_file.read_pose_clip(shared_data / "pose_samples" / f"{name}.pose")
    assert (clip.layout, len(clip.keypoints)) == (expected, frames)
    points = layout(expected).points
    hand, wrist, other = (
        clip.keypoints[:, points.index(point)]
        for point in ("right_hand_wrist", "right_wrist", "left_wrist")
    )
    seen = (hand[:, -1] > 0) & (wrist[:, -1] > 0) & (other[:, -1] > 0)
    assert seen.sum() > 40
    near = np.linalg.norm(hand[seen, :2] - wrist[seen, :2], axis=-1)
    far = np.linalg.norm(hand[seen, :2] - other[seen, :2], axis=-1)
    assert np.median(near) < 0.3 * np.median(far)
