"""Points of the hands of a `.pose` file were placed by their order, not by their names.

In a file whose hands are reduced to wrist and finger tips, INDEX_FINGER_TIP became left_thumb_2.
"""

import numpy as np
import pytest
from pose_file import write_pose

from slr_keras.data.layout import layout
from slr_keras.data.pose_file import read_pose_clip
from slr_keras.utils.errors import UserError

pytest.importorskip("pose_format")
TIPS = {
    "WRIST": "hand_wrist",
    "PINKY_TIP": "little_4",
    "THUMB_TIP": "thumb_4",
    "INDEX_FINGER_TIP": "index_4",
}
OPENPOSE_TIPS = {"BASE": "hand_wrist", "P_DIP": "little_4", "T_IP": "thumb_4", "I_DIP": "index_4"}
BODY = ["LEFT_SHOULDER", "RIGHT_SHOULDER"]
MEDIAPIPE = {
    "POSE_LANDMARKS": BODY,
    "RIGHT_HAND_LANDMARKS": list(TIPS),
    "LEFT_HAND_LANDMARKS": list(TIPS),
    "POSE_WORLD_LANDMARKS": BODY,
}
OPENPOSE = {
    "hand_left_keypoints_2d": list(OPENPOSE_TIPS),
    "hand_right_keypoints_2d": list(OPENPOSE_TIPS),
    "face_keypoints_2d": ["FP_68", "FLI_67", "FB_3"],
    "pose_keypoints_2d": ["Neck", "LWrist", "Nose"],
}


def x_by_point(path):
    clip = read_pose_clip(path)
    rows = np.flatnonzero(clip.keypoints[0, :, -1])
    points = layout(clip.layout).points
    return {points[row]: float(clip.keypoints[0, row, 0]) for row in rows}


def test_points_of_reduced_mediapipe_hands_go_by_their_names(tmp_path):
    x = x_by_point(write_pose(tmp_path / "a.pose", MEDIAPIPE))
    expected = {"left_shoulder": 0, "right_shoulder": 1}
    expected |= {f"right_{point}": 2 + n for n, point in enumerate(TIPS.values())}
    expected |= {f"left_{point}": 6 + n for n, point in enumerate(TIPS.values())}
    assert x == expected


def test_points_of_reduced_openpose_files_go_by_their_names(tmp_path):
    x = x_by_point(write_pose(tmp_path / "a.pose", OPENPOSE, axes="XYC"))
    expected = {f"left_{point}": n for n, point in enumerate(OPENPOSE_TIPS.values())}
    expected |= {f"right_{point}": 4 + n for n, point in enumerate(OPENPOSE_TIPS.values())}
    expected |= {"face_67": 9, "face_3": 10, "left_wrist": 12, "nose": 13}
    assert x == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"LEFT_HAND_LANDMARKS": ["WRIST", "THUMB"]}, "LEFT_HAND_LANDMARKS: unknown point 'THUMB'"),
        ({"POSE_LANDMARKS": ["NOSE", "TAIL"]}, "POSE_LANDMARKS: unknown point 'TAIL'"),
        ({"FACE_LANDMARKS": ["0", "478"]}, "FACE_LANDMARKS: unknown point '478'"),
        ({"FACE_LANDMARKS": ["7", "7"]}, "FACE_LANDMARKS: two points are '7'"),
        ({"HAT": ["BRIM"]}, "unknown component 'HAT'"),
    ],
)
def test_unknown_names_are_refused_by_name(tmp_path, change, message):
    path = write_pose(tmp_path / "a.pose", MEDIAPIPE | change)
    with pytest.raises(UserError, match=rf"a\.pose: {message}"):
        read_pose_clip(path)
