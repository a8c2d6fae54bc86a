"""Layouts: index lists and mirror map (docs/papers/stark.md §1.3), mapping (§1.4), user layouts."""

import copy
import json
import pickle

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout, layout_from_json, list_layouts, read_layout
from slr_keras.utils.errors import UserError


def span(first, last):
    return list(range(first, last + 1))


LEFT = [0, 1, 3, 5, 7, 9, *span(91, 111)]
RIGHT = [0, 2, 4, 6, 8, 10, *span(112, 132)]
FACE = [23, 26, 29, 33, 36, 39, 41, 43, 46, 48, 53, 56, 59, 62, 65, 68, *span(71, 77), 79, 80, 81]
BODY = LEFT + RIGHT[1:] + FACE
# Counterparts of docs/papers/stark.md §1.3; hands are 91 + i and 112 + i.
SWAPS = {1: 2, 3: 4, 5: 6, 7: 8, 9: 10, 23: 39, 26: 36, 29: 33, 41: 48, 43: 46, 59: 68, 62: 65}
SWAPS |= {71: 77, 72: 76, 73: 75, 79: 81} | {91 + i: 112 + i for i in range(21)}
FIXED = [0, 53, 56, 74, 80]
# COCO ← MediaPipe pose, and iBUG ← FaceMesh (docs/papers/stark.md §1.4).
POSE = dict(zip(span(0, 10), [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16]))
MESH = {
    0: 162, 3: 58, 6: 149, 10: 378, 13: 288, 16: 389, 18: 63, 20: 66, 23: 296, 25: 293, 30: 4,
    33: 2, 36: 33, 39: 133, 42: 362, 45: 263, 48: 61, 49: 39, 50: 37, 51: 0, 52: 267, 53: 269,
    54: 291, 56: 314, 57: 17, 58: 84,
}  # fmt: skip


def test_the_streams_of_wholebody_are_the_lists_of_the_specification():
    whole = layout("coco_wholebody_133")
    assert len(BODY) == 79
    assert set(BODY) == set(LEFT) | set(RIGHT) | set(FACE)
    for stream, expected in {"body": BODY, "left": LEFT, "right": RIGHT, "face": FACE}.items():
        assert list(whole.indices(whole.streams[stream])) == expected, stream


def test_streams_within_the_79_points_are_the_ranges_of_the_specification():
    for name in ("coco_wholebody_133", "mediapipe_holistic_543", "stark_79"):
        streams = contract(name).streams
        assert streams["body"] == tuple(range(79))
        assert streams["left"] == tuple(range(27))
        assert streams["right"] == (0, *range(27, 53))
        assert streams["face"] == tuple(range(53, 79))


def test_the_mirror_of_the_79_points_is_that_of_the_specification():
    whole = layout("coco_wholebody_133")
    expected = {**SWAPS, **{b: a for a, b in SWAPS.items()}, **{i: i for i in FIXED}}
    assert set(expected) == set(BODY)
    for point in BODY:
        name = whole.points[point]
        assert whole.mirror[name] == whole.points[expected[point]], name


def test_wholebody_points_stand_where_coco_puts_them():
    points = layout("coco_wholebody_133").points
    assert points[:5] == ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
    assert points[9:13] == ("left_wrist", "right_wrist", "left_hip", "right_hip")
    assert [points[i] for i in (17, 22, 23, 90)] == [
        "left_big_toe", "right_heel", "face_0", "face_67",
    ]  # fmt: skip
    assert [points[i] for i in (91, 92, 111, 112, 132)] == [
        "left_hand_wrist", "left_thumb_1", "left_little_4", "right_hand_wrist", "right_little_4",
    ]  # fmt: skip


def test_mediapipe_gives_the_79_points_through_the_mapping_of_the_specification():
    indices = contract("mediapipe_holistic_543").indices
    for row, point in enumerate(BODY):
        if point <= 10:
            expected = POSE[point]
        elif point >= 112:
            expected = 33 + 468 + 21 + point - 112
        elif point >= 91:
            expected = 33 + 468 + point - 91
        else:
            expected = 33 + MESH[point - 23]
        assert indices[row] == expected, point


def test_the_79_points_have_the_same_names_in_every_layout_that_has_them():
    names = {contract(n).points for n in ("coco_wholebody_133", "mediapipe_holistic_543")}
    assert names == {layout("stark_79").points}


@pytest.mark.parametrize("name", list_layouts())
def test_mirroring_twice_gives_every_point_back(name):
    chosen = layout(name)
    assert set(chosen.mirror) == set(chosen.points)
    assert all(chosen.mirror[chosen.mirror[point]] == point for point in chosen.points)
    # Left and right were not mixed up: a left point never mirrors onto itself.
    for point in chosen.points:
        if "left" in point:
            assert chosen.mirror[point] == point.replace("left", "right")


@pytest.mark.parametrize("name", list_layouts())
def test_the_left_stream_mirrors_onto_the_right_stream(name):
    chosen = layout(name)
    assert {chosen.mirror[p] for p in chosen.streams["left"]} == set(chosen.streams["right"])
    if "face" in chosen.streams:
        assert {chosen.mirror[p] for p in chosen.streams["face"]} == set(chosen.streams["face"])


@pytest.mark.parametrize(
    ("name", "points", "selected", "streams"),
    [
        ("coco_wholebody_133", 133, 79, "body left right face"),
        ("mediapipe_holistic_543", 543, 79, "body left right face"),
        ("mediapipe_75", 75, 55, "body left right"),
        ("kinect_20", 20, 14, "body left right"),
        ("boston_3", 3, 3, "body left right"),
        ("openpose_50", 50, 50, "body left right"),
        ("stark_79", 79, 79, "body left right face"),
    ],
)
def test_layouts_have_the_points_and_streams_they_promise(name, points, selected, streams):
    chosen = layout(name)
    assert (len(chosen.points), len(chosen.streams["body"])) == (points, selected)
    assert sorted(chosen.streams) == sorted(streams.split())
    assert next(iter(chosen.streams)) == "body"


@pytest.mark.shared_data
def test_the_kinect_layout_has_the_joints_of_the_data(shared_data):
    described = json.loads((shared_data / "kinect_isl30" / "layout.json").read_text())
    assert list(layout("kinect_20").points) == described["joints"]


@pytest.mark.shared_data
def test_the_hands_of_the_phoenix_skeletons_hang_at_the_wrists_of_their_side(shared_data):
    frames = np.load(shared_data / "phoenix14t_skeletons" / "skels.npz")["frames"]
    chosen = layout("openpose_50")
    for side, other in (("left", "right"), ("right", "left")):
        names = (f"{side}_wrist", f"{side}_hand_wrist", f"{other}_hand_wrist")
        wrist, near, far = (frames[:, i] for i in chosen.indices(names))
        own = np.linalg.norm(wrist - near, axis=-1)
        assert np.median(own) < 0.3 * np.median(np.linalg.norm(wrist - far, axis=-1))
    # Unmirrored video, y down: the signer's left is on the image's right.
    left, right = (frames[:, i] for i in chosen.indices(("left_shoulder", "right_shoulder")))
    assert (left[:, 0] > right[:, 0]).all()


@pytest.mark.shared_data
def test_mediapipe_face_points_mirror_onto_their_counterparts_in_real_faces(shared_data):
    data = np.load(shared_data / "holistic_full_sample" / "isl_3words.npz")
    clips, time = data["pose"].shape[:2]
    # The two arrays were cut at the wrong place: the face comes first (see the loader).
    flat = np.concatenate(
        [data["pose"].reshape(clips, time, -1), data["face"].reshape(clips, time, -1)], -1
    )
    face = flat[..., : 468 * 3].reshape(-1, 468, 3).astype(np.float64)
    face = face[np.abs(face).sum((1, 2)) > 0]
    mean = (face - face.mean(1, keepdims=True)).mean(0)
    chosen = layout("mediapipe_holistic_543")
    row = {point: index for index, point in enumerate(chosen.points)}
    mirror = np.array([row[chosen.mirror[p]] - 33 for p in chosen.points[33:501]])
    # The best reflection onto the mirrored points leaves little over.
    turn, _, back = np.linalg.svd(mean.T @ mean[mirror])
    error = np.linalg.norm(mean @ (turn @ back) - mean[mirror], axis=-1)
    width = np.ptp(mean[:, 0])
    assert np.median(error) < 0.02 * width
    # With landmark 107 for iBUG point 20, as some tables have it (docs/papers/stark.md §1.4), the
    # largest is near 0.2.
    assert error.max() < 0.1 * width, error.max() / width


def user_layout(**changes):
    value = {
        "name": "mine",
        "points": ["left", "right", "nose"],
        "channels": ["x", "y"],
        "mirror": {"left": "right"},
        "edges": [["left", "nose"]],
        "streams": {"left": ["left", "nose"]},
    }
    return {**value, **changes}


def test_a_user_layout_is_read_from_its_file_and_completed(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(user_layout()))
    mine = layout(str(path))
    assert mine == read_layout(path)
    assert dict(mine.mirror) == {"left": "right", "right": "left", "nose": "nose"}
    assert mine.streams["body"] == ("left", "right", "nose")
    ready = contract(str(path))
    assert ready.mirror == (1, 0, 2)
    assert ready.channels == ("x", "y", "score")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mirror": {"left": "ear"}}, "mirror: 'ear' is not one of the layout's points"),
        ({"mirror": {"left": "right", "right": "nose"}}, "mirrors onto both"),
        ({"edges": [["left", "ear"]]}, "edges: 'ear' is not one of"),
        ({"edges": [["left"]]}, "not a pair"),
        ({"edges": 3}, "edges: must be a list"),
        ({"points": ["left", "left"]}, "'left' appears twice"),
        ({"points": []}, "points: must be a list of names"),
        ({"points": [1]}, "1 is not a name"),
        ({"channels": ["y", "x"]}, "channels are y x; they must be x y |"),
        ({"streams": {"left": ["ear"]}}, "streams: left: 'ear'"),
        ({"streams": {"legs": ["left"]}}, "unknown stream 'legs'"),
        ({"streams": {"body": ["left", "nose"]}}, "not its mirror image 'right'"),
        ({"streams": {"body": ["nose"], "left": ["left"]}}, "outside the stream body"),
        ({"streams": []}, "streams: must be an object"),
        ({"mirror": ["left"]}, "mirror: must be an object"),
        ({"name": ""}, "needs a name"),
        ({"nmae": "mine"}, "unknown key 'nmae'"),
    ],
)
def test_a_faulty_user_layout_is_refused_by_file_and_fault(tmp_path, changes, message):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(user_layout(**changes)))
    with pytest.raises(UserError) as caught:
        read_layout(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_something_else_than_an_object_is_no_layout():
    with pytest.raises(UserError, match="must be a JSON object"):
        layout_from_json([1, 2])


def test_an_unknown_layout_is_refused_with_the_choices():
    with pytest.raises(UserError, match=r"unknown keypoint layout 'coco'.*coco_wholebody_133"):
        layout("coco")


def test_a_layout_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent.json"):
        layout(str(tmp_path / "absent.json"))


def test_an_unknown_point_is_named():
    with pytest.raises(UserError, match="'stark_79' has no point 'tail'"):
        layout("stark_79").indices(("nose", "tail"))


def test_layouts_can_be_copied_and_sent_to_other_processes():
    chosen = layout("kinect_20")
    assert pickle.loads(pickle.dumps(chosen)) == chosen == copy.deepcopy(chosen)
    assert len({chosen, copy.deepcopy(chosen)}) == 1
