"""The simulated body: bones keep their length, joints their limits, points their place."""

import numpy as np
import pytest

from slr_keras.data.layout import layout
from slr_keras.data.simulator import Simulator
from slr_keras.data.simulator.camera import Camera
from slr_keras.data.simulator.face import VISEMES, face_in_motion
from slr_keras.data.simulator.handshapes import HANDSHAPES, LOWER, UPPER, within_limits
from slr_keras.data.simulator.kinematics import ELBOW_FLEXION, WRIST_BEND, hand_points, reach_limits

LAYOUT = layout("coco_wholebody_133")
ROW = {name: index for index, name in enumerate(LAYOUT.points)}
RIGID = [("shoulder", "elbow"), ("elbow", "wrist"), ("eye", "ear"), ("wrist", "hand_wrist")]
FINGERS = ("thumb", "index", "middle", "ring", "little")


@pytest.fixture(scope="module")
def scenes():
    simulator = Simulator("large", signers={"train": 10, "dev": 2, "test": 4})
    return [simulator.scene(f"train-{i:05d}", "train") for i in range(100, 112)]


def bone(points, a, b):
    return np.linalg.norm(points[:, ROW[a]] - points[:, ROW[b]], axis=-1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_bones_keep_their_length_through_a_clip(scenes, side):
    pairs = [(f"{side}_{a}", f"{side}_{b}") for a, b in RIGID[:2]]
    for finger in FINGERS:
        pairs += [(f"{side}_{finger}_{i}", f"{side}_{finger}_{i + 1}") for i in (1, 2, 3)]
        pairs.append((f"{side}_hand_wrist", f"{side}_{finger}_1"))
    pairs += [(f"{side}_ear", "nose"), ("face_36", "face_45"), ("face_0", "face_30")]
    for scene in scenes:
        for a, b in pairs:
            lengths = bone(scene.points, a, b)
            assert np.ptp(lengths) < 1e-6, (a, b)
            assert lengths[0] > 0.005


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_hand_hangs_on_its_wrist(scenes, side):
    for scene in scenes:
        assert bone(scene.points, f"{side}_wrist", f"{side}_hand_wrist").max() < 1e-9


@pytest.mark.parametrize("side", ["left", "right"])
def test_elbow_and_wrist_stay_within_their_limits(scenes, side):
    for scene in scenes:
        shoulder, elbow, wrist, knuckle = (
            scene.points[:, ROW[f"{side}_{part}"]]
            for part in ("shoulder", "elbow", "wrist", "middle_1")
        )
        upper, lower, hand = elbow - shoulder, wrist - elbow, knuckle - wrist

        def angle(a, b):
            cosine = np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
            return np.arccos(np.clip(cosine, -1, 1))

        flexion = angle(upper, lower)
        assert flexion.min() >= ELBOW_FLEXION[0] - 1e-6
        assert flexion.max() <= ELBOW_FLEXION[1] + 1e-6
        # The middle knuckle lies a few degrees off the hand's axis.
        assert angle(lower, hand).max() <= WRIST_BEND + np.deg2rad(4)


def test_out_of_reach_is_further_than_any_arm(scenes):
    for scene in scenes:
        near, far = reach_limits(scene.signer.body)
        arm = scene.signer.body.upper_arm + scene.signer.body.forearm
        assert 0 < near < far < arm


def test_handshapes_are_within_limits_and_differ():
    assert len(HANDSHAPES) >= 20
    for name, angles in HANDSHAPES.items():
        np.testing.assert_allclose(within_limits(angles), angles, err_msg=name)
    shapes = np.stack(list(HANDSHAPES.values()))
    distance = np.abs(shapes[:, None] - shapes[None]).max(-1) + 9 * np.eye(len(shapes))
    assert distance.min() > np.deg2rad(9)


def test_finger_angles_of_clips_are_within_limits(scenes):
    for scene in scenes:
        for track in (scene.controls.left, scene.controls.right):
            assert np.all(track.fingers >= LOWER - 1e-9)
            assert np.all(track.fingers <= UPPER + 1e-9)


def test_fingertips_go_where_the_handshape_says():
    points = {name: hand_points(angles[None])[0] for name, angles in HANDSHAPES.items()}
    reach = {name: p[[8, 12, 16, 20], 0] for name, p in points.items()}
    assert np.all(reach["flat"] > 0.14)
    assert np.all(reach["fist"] < 0.09)
    assert reach["index"][0] > 0.17 > 0.09 > reach["index"][1]
    assert reach["little"][3] > 0.14 > 0.09 > reach["little"][0]
    for name in ("ring", "beak", "pinch"):
        assert np.linalg.norm(points[name][4] - points[name][8]) < 0.03, name
    spread = [np.linalg.norm(points[name][8] - points[name][20]) for name in ("five", "flat")]
    assert spread[0] > 1.4 * spread[1]


def test_signers_stand_upright_facing_the_camera(scenes):
    for scene in scenes:
        median = np.median(scene.points, axis=0)
        height = {name: median[ROW[name], 1] for name in ROW}
        order = ["left_eye", "nose", "left_shoulder", "left_hip", "left_knee", "left_ankle"]
        assert [height[name] for name in order] == sorted((height[n] for n in order), reverse=True)
        for left in (name for name in ROW if name.startswith("left_") and name[5:] in
                     ("eye", "ear", "shoulder", "hip", "knee")):  # fmt: skip
            assert median[ROW[left], 0] > median[ROW[left.replace("left", "right")], 0]
        assert median[ROW["nose"], 2] > median[ROW["left_ear"], 2]


def test_mouth_shapes_differ_and_leave_the_rest_of_the_face_alone():
    faces = {
        name: face_in_motion(np.array([shape]), np.zeros((1, 2)), np.zeros(1))[0]
        for name, shape in VISEMES.items()
    }
    opening = {name: face[51, 1] - face[57, 1] for name, face in faces.items()}
    width = {name: face[54, 0] - face[48, 0] for name, face in faces.items()}
    assert opening["a"] > 1.7 * opening["rest"] > opening["m"]
    assert width["i"] > 1.15 * width["rest"] > 1.4 * width["u"]
    for face in faces.values():
        np.testing.assert_array_equal(face[17:48], faces["rest"][17:48])


def test_the_face_is_symmetric_as_the_layout_mirrors_it():
    face = face_in_motion(np.zeros((1, 5)), np.zeros((1, 2)), np.zeros(1))[0]
    partner = [int(LAYOUT.mirror[f"face_{i}"].removeprefix("face_")) for i in range(68)]
    np.testing.assert_allclose(face[partner] * [-1, 1, 1], face, atol=1e-9)


def test_brows_rise_and_lids_close():
    still = face_in_motion(np.zeros((1, 5)), np.zeros((1, 2)), np.zeros(1))[0]
    raised = face_in_motion(np.zeros((1, 5)), np.array([[1.0, 0.0]]), np.zeros(1))[0]
    shut = face_in_motion(np.zeros((1, 5)), np.zeros((1, 2)), np.ones(1))[0]
    assert np.all(raised[17:27, 1] > still[17:27, 1] + 0.005)
    gap = lambda face: face[37, 1] - face[41, 1]  # noqa: E731
    assert 0 <= gap(shut) < 0.2 * gap(still)


def test_the_camera_puts_the_signers_left_to_the_right_and_up_to_the_top():
    points = np.array([[[0.2, 1.5, 0.0], [-0.2, 1.1, 0.0], [0.0, 1.32, 0.5]]])
    pixels, depth = Camera().project(points)
    assert pixels[0, 0, 0] > 105 > pixels[0, 1, 0]
    assert pixels[0, 0, 1] < 130 < pixels[0, 1, 1]
    assert depth[0, 2] > depth[0, 0]


def test_nearer_things_look_larger():
    def width(z):
        pixels, _ = Camera().project(np.array([[[0.1, 1.3, z], [-0.1, 1.3, z]]]))
        return pixels[0, 0, 0] - pixels[0, 1, 0]

    assert width(0.4) > 1.1 * width(0.0)
