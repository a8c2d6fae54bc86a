"""Augmentation of many clips at once."""

import dataclasses

import numpy as np
import pytest

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.contract import contract
from slr_keras.data.distortion import distort, read_at, warped_places
from slr_keras.data.draws import Draws
from slr_keras.data.skeleton import Skeleton
from slr_keras.utils.errors import UserError

LAYOUT = contract("mediapipe_75")
SKELETON = Skeleton.of(LAYOUT)
POINTS, FRAMES = len(LAYOUT.points), 16
NONE = AugmentationConfig.none()
EVERYTHING = AugmentationConfig(
    rotation=12.0,
    scale=(0.9, 1.1),
    translation=(0.1, 0.1),
    jitter=0.01,
    mirror=0.5,
    lose_hand=0.3,
    ends=0.15,
    time_warp=0.25,
    hold=0.5,
    yaw=15.0,
    pitch=15.0,
    stretch=0.1,
    shear=0.1,
    limbs=0.1,
    hand_rotation=10.0,
    hand_scale=0.15,
    drift=0.02,
)


def only(**changes) -> AugmentationConfig:
    return dataclasses.replace(NONE, rotation_probability=1.0, **changes)


def body(clips=4, channels=3, missing=0.0, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(clips, FRAMES, POINTS, channels)).astype(np.float32)
    points[..., -1] = rng.uniform(0.3, 1, points.shape[:-1])
    points[rng.random(points.shape[:-1]) < missing] = 0
    return points


def distorted(clips: np.ndarray, config: AugmentationConfig, seed: int = 0) -> np.ndarray:
    generators = [np.random.default_rng([seed, row]) for row in range(len(clips))]
    draws = Draws(generators, FRAMES, POINTS, clips.shape[-1] - 1, config)
    return distort(clips.copy(), draws, config, SKELETON)


def sizes(clips: np.ndarray, ends: tuple[str, str]) -> np.ndarray:
    first, second = (LAYOUT.points.index(name) for name in ends)
    return np.linalg.norm(clips[:, :, first, :-1] - clips[:, :, second, :-1], axis=-1)


def test_nothing_changes_without_augmentation():
    clips = body(missing=0.2)
    np.testing.assert_allclose(distorted(clips, NONE), clips, atol=1e-6)


@pytest.mark.parametrize("channels", [3, 4])
def test_missing_points_stay_exactly_zero(channels):
    clips = body(channels=channels, missing=0.3)
    config = dataclasses.replace(EVERYTHING, mirror=0.0, hold=0.0)
    found = distorted(clips, config)
    assert (found[(clips == 0).all(-1)] == 0).all()


def test_a_clip_does_not_depend_on_the_others_of_its_batch():
    clips = body(missing=0.1)
    together = distorted(clips, EVERYTHING)
    for row in range(len(clips)):
        generator = [np.random.default_rng([0, row])]
        draws = Draws(generator, FRAMES, POINTS, 2, EVERYTHING)
        alone = distort(clips[row : row + 1].copy(), draws, EVERYTHING, SKELETON)
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)


def test_limbs_change_their_length_and_keep_their_direction():
    clips = body()
    found = distorted(clips, only(limbs=0.3))
    for ends in (("left_shoulder", "left_elbow"), ("right_elbow", "right_wrist")):
        ratio = sizes(found, ends) / sizes(clips, ends)
        np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(FRAMES), rtol=1e-3)
        assert (np.abs(np.log(ratio)) <= 0.3 + 1e-4).all()
        assert ratio.std() > 0.01
    shoulder, elbow = (LAYOUT.points.index(f"left_{name}") for name in ("shoulder", "elbow"))
    bones = [x[:, :, elbow, :2] - x[:, :, shoulder, :2] for x in (clips, found)]
    cosine = (bones[0] * bones[1]).sum(-1) / np.prod([np.linalg.norm(b, axis=-1) for b in bones], 0)
    np.testing.assert_allclose(cosine, 1, atol=1e-4)


def test_a_hand_moves_with_its_arm_and_keeps_its_shape():
    clips = body()
    found = distorted(clips, only(limbs=0.3))
    hand = SKELETON.hands["left"]
    shapes = [x[:, :, hand.fingers] - x[:, :, [hand.wrist]] for x in (clips, found)]
    np.testing.assert_allclose(shapes[1][..., :2], shapes[0][..., :2], atol=1e-4)
    assert np.abs(found[:, :, hand.wrist] - clips[:, :, hand.wrist]).max() > 0.01


def test_a_hand_is_turned_and_scaled_about_its_wrist_and_nothing_else_moves():
    clips = body()
    found = distorted(clips, only(hand_rotation=30.0, hand_scale=0.2))
    fingers = list(SKELETON.fingers)
    others = [point for point in range(POINTS) if point not in fingers]
    np.testing.assert_allclose(found[:, :, others], clips[:, :, others], atol=1e-5)
    hand = SKELETON.hands["right"]
    shapes = [x[:, :, hand.fingers, :2] - x[:, :, [hand.wrist], :2] for x in (clips, found)]
    numbers = [shape[..., 0] + 1j * shape[..., 1] for shape in shapes]
    ratio = numbers[1] / numbers[0]
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] * np.ones_like(ratio), rtol=1e-2)
    assert (np.abs(np.angle(ratio)) <= np.deg2rad(30) + 1e-3).all()


def test_a_turn_about_the_vertical_axis_keeps_heights_and_distances():
    clips = body(channels=4)
    found = distorted(clips, only(yaw=40.0))
    np.testing.assert_allclose(found[..., 1], clips[..., 1], atol=1e-5)
    ends = ("left_wrist", "nose")
    np.testing.assert_allclose(sizes(found, ends), sizes(clips, ends), rtol=1e-4)
    assert np.abs(found[..., 0] - clips[..., 0]).max() > 0.1


def test_a_lost_hand_is_missing_in_all_frames_and_each_hand_by_itself():
    found = distorted(body(200), only(lose_hand=0.5))
    gone = {
        side: (found[:, :, hand.fingers] == 0).all((1, 2, 3))
        for side, hand in SKELETON.hands.items()
    }
    seen = {
        side: (found[:, :, hand.fingers, -1] > 0).all((1, 2))
        for side, hand in SKELETON.hands.items()
    }
    for side in gone:
        assert (gone[side] ^ seen[side]).all()
        assert 0.35 < gone[side].mean() < 0.65
    assert (gone["left"] & ~gone["right"]).any()
    assert (gone["left"] & gone["right"]).any()


def test_a_held_stretch_repeats_its_first_frame():
    clips = body(50)
    found = distorted(clips, only(hold=1.0, hold_share=0.5))
    still = (found[:, 1:] == found[:, :-1]).all((2, 3))
    assert 0 < still.sum(1).max() <= FRAMES / 2
    moving = np.concatenate([np.zeros((50, 1), bool), still], 1)
    np.testing.assert_array_equal(found[~moving], clips[~moving])


def test_drift_is_slow_and_jitter_is_not():
    still = np.ones((20, FRAMES, POINTS, 3), np.float32)
    for config, fast in ((only(drift=0.1), False), (only(jitter=0.1), True)):
        change = distorted(still, config)[..., :2] - 1
        step = np.abs(np.diff(change, axis=1)).mean() / np.abs(change).mean()
        assert (step > 1) == fast


@pytest.mark.parametrize("steps", [4, 16, 40])
def test_places_are_in_order_and_within_the_clip(steps):
    config = only(ends=0.2, time_warp=0.5)
    generators = [np.random.default_rng(seed) for seed in range(50)]
    places = warped_places(Draws(generators, steps, 3, 2, config), steps, config)
    assert (np.diff(places, axis=1) >= -1e-6).all()
    assert places.min() >= 0
    assert places.max() <= 1
    assert places.std(0)[1:-1].min() > 0.01


def test_frames_between_two_are_interpolated_and_a_missing_end_is_left_out():
    frames = np.array([[[0.0, 0.0, 0.0]], [[2.0, 4.0, 1.0]], [[4.0, 8.0, 1.0]]], np.float32)
    found = read_at(
        frames, np.array([0]), np.array([3]), np.array([[0.0, 0.25, 0.5, 0.75, 1.0]], np.float32)
    )
    assert found[0, :, 0].tolist() == [
        [0.0, 0.0, 0.0],
        [2.0, 4.0, 1.0],
        [2.0, 4.0, 1.0],
        [3.0, 6.0, 1.0],
        [4.0, 8.0, 1.0],
    ]


def test_a_clip_of_one_frame_is_repeated():
    frames = np.full((1, 2, 3), 0.5, np.float32)
    found = read_at(frames, np.array([0]), np.array([1]), np.linspace(0, 1, 5)[None])
    assert (found == 0.5).all()
    assert found.shape == (1, 5, 2, 3)


@pytest.mark.parametrize("field", ["yaw", "ends", "limbs", "lose_hand", "hold_share", "drift"])
def test_a_value_out_of_range_is_named(field):
    with pytest.raises(UserError, match=field):
        dataclasses.replace(NONE, **{field: -0.1})
