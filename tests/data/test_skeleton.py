"""Skeletons of the layouts: bones, hands and mirror."""

import pytest

from slr_keras.data.contract import contract
from slr_keras.data.skeleton import Skeleton

LAYOUTS = ("mediapipe_75", "mediapipe_holistic_543", "coco_wholebody_133", "stark_79")


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_hand_has_twenty_finger_points_about_its_own_wrist(name):
    layout = contract(name)
    hands = Skeleton.of(layout).hands
    for side, hand in hands.items():
        assert layout.points[hand.wrist] == f"{side}_hand_wrist"
        assert len(hand.fingers) == 20
        assert all(layout.points[point].startswith(side) for point in hand.fingers)


@pytest.mark.parametrize("name", [*LAYOUTS, "kinect_20"])
def test_the_right_hand_is_the_mirror_image_of_the_left_one(name):
    skeleton = Skeleton.of(contract(name))
    left, right = skeleton.hands["left"], skeleton.hands["right"]
    assert skeleton.mirror[left.wrist] == right.wrist
    assert {skeleton.mirror[point] for point in left.fingers} == set(right.fingers)


@pytest.mark.parametrize("name", [*LAYOUTS, "kinect_20", "boston_3", "openpose_50"])
def test_each_point_comes_after_its_parent(name):
    skeleton = Skeleton.of(contract(name))
    done = {point for point, parent in enumerate(skeleton.parents) if parent < 0}
    for point in skeleton.order:
        assert skeleton.parents[point] in done
        done.add(point)
    assert done == set(range(len(skeleton.parents)))


def test_arms_hang_from_the_shoulders():
    layout = contract("mediapipe_75")
    skeleton = Skeleton.of(layout)
    parent = {
        layout.points[point]: layout.points[skeleton.parents[point]] for point in skeleton.order
    }
    assert parent["left_elbow"] == "left_shoulder"
    assert parent["right_wrist"] == "right_elbow"
    assert parent["left_hand_wrist"] == "left_wrist"
    assert parent["right_index_1"] == "right_hand_wrist"


def test_a_layout_without_fingers_has_hands_of_one_point():
    layout = contract("kinect_20")
    hands = Skeleton.of(layout).hands
    assert {side: layout.points[hand.wrist] for side, hand in hands.items()} == {
        "left": "hand_left",
        "right": "hand_right",
    }
    assert Skeleton.of(layout).fingers == ()
