"""Turns of the body about the vertical axis."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.robustness import DegradedManifest
from slr_keras.data.turning import turned

DEEP = contract("kinect_20")
FLAT = contract("coco_wholebody_133")
DEEP_IMAGE = contract("mediapipe_75", channels=("x", "y", "z", "score"), image_size=(640, 480))


def clip(rules, frames=9, seed=0):
    """A raw clip in the units of the contract, every point present."""
    rng = np.random.default_rng(seed)
    raw = rng.uniform(0.2, 0.8, (frames, len(rules.source.points), len(rules.source.channels)))
    for channel, size in (("x", rules.image_size[0]), ("y", rules.image_size[1])):
        raw[..., rules.source.channels.index(channel)] *= size
    if "z" in rules.source.channels:
        raw[..., rules.source.channels.index("z")] *= rules.image_size[0]
    raw[..., rules.source.channels.index("score")] = 0.9
    return raw.astype(np.float32)


def root(rules, raw):
    """The mean of the root points over the clip, x and z (z if there is one)."""
    rows = [rules.source.points.index(name) for name in rules.root]
    return raw[:, rows].astype(np.float64).mean(axis=(0, 1))


@pytest.mark.parametrize("rules", [DEEP, FLAT, DEEP_IMAGE])
def test_a_turn_by_zero_changes_nothing(rules):
    raw = clip(rules)
    raw[2, 3] = np.nan
    np.testing.assert_array_equal(turned(raw, rules, 0.0), raw)


@pytest.mark.parametrize("rules", [DEEP, DEEP_IMAGE])
@pytest.mark.parametrize("degrees", [20.0, 75.0])
def test_a_turn_and_its_opposite_give_the_clip_back_where_there_is_depth(rules, degrees):
    raw = clip(rules)
    raw[4, 0, -1] = 0
    there = turned(raw, rules, degrees)
    assert np.abs(there - raw).max() > 0.05 * rules.image_size[0]
    np.testing.assert_allclose(turned(there, rules, -degrees), raw, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rules", [DEEP, DEEP_IMAGE])
def test_a_turn_by_ninety_degrees_makes_depth_of_width_and_width_of_depth(rules):
    raw = clip(rules)
    rows, centre = list(rules.indices), root(rules, raw)
    before, after = raw[:, rows], turned(raw, rules, 90)[:, rows]
    np.testing.assert_allclose(after[..., 2] - centre[2], centre[0] - before[..., 0], atol=1e-3)
    np.testing.assert_allclose(after[..., 0] - centre[0], before[..., 2] - centre[2], atol=1e-3)
    np.testing.assert_array_equal(after[..., [1, 3]], before[..., [1, 3]])


def test_the_distance_from_the_axis_stays_in_a_turn_with_depth():
    raw = clip(DEEP)
    centre = root(DEEP, raw)[[0, 2]]
    rows = list(DEEP.indices)
    near, far = (
        np.linalg.norm(x[:, rows][..., [0, 2]] - centre, axis=-1)
        for x in (raw, turned(raw, DEEP, 33))
    )
    np.testing.assert_allclose(near, far, atol=1e-6)


def test_without_depth_the_distance_in_x_shrinks_by_the_cosine_in_both_directions():
    raw = clip(FLAT)
    rows, centre = list(FLAT.indices), root(FLAT, raw)[0]
    after = turned(raw, FLAT, 60)
    expected = centre + 0.5 * (raw[:, rows, 0] - centre)
    np.testing.assert_allclose(after[:, rows, 0], expected, rtol=1e-5)
    np.testing.assert_array_equal(after[..., 1:], raw[..., 1:])
    np.testing.assert_array_equal(after, turned(raw, FLAT, -60))


@pytest.mark.parametrize("rules", [DEEP, FLAT, DEEP_IMAGE])
def test_missing_points_stay_missing_and_do_not_move_the_axis(rules):
    raw = clip(rules)
    hand, rows = rules.indices[-1], list(rules.indices)
    (other,) = rules.source.indices(rules.root[:1])
    broken = raw.copy()
    broken[2, hand] = np.nan
    broken[3, hand] = 0
    broken[4, hand, -1] = 0.01
    # In these frames the root is not whole, and its other point must not count alone.
    broken[5, other] = [9e3] * (raw.shape[-1] - 1) + [0.0]
    after = turned(broken, rules, 40)
    before = rules.missing(rules.select(broken))
    assert before.sum() == 4
    np.testing.assert_array_equal(rules.missing(rules.select(after)), before)
    np.testing.assert_array_equal(after[:, rows][before], broken[:, rows][before])
    whole = [0, 1, 6, 7, 8]
    expected = turned(raw[[0, 1, 2, 3, 4, 6, 7, 8]], rules, 40)[[0, 1, 5, 6, 7]]
    np.testing.assert_allclose(after[whole], expected, rtol=1e-5, atol=1e-5)


def test_a_clip_without_its_root_turns_about_its_other_points_and_an_empty_one_stays():
    raw = clip(DEEP)
    raw[:, DEEP.source.indices(DEEP.root), 3] = 0
    rows = [row for row in DEEP.indices if raw[0, row, 3]]
    np.testing.assert_allclose(
        turned(raw, DEEP, 50)[:, rows].mean(axis=(0, 1)), raw[:, rows].mean(axis=(0, 1)), atol=1e-6
    )
    np.testing.assert_array_equal(turned(np.zeros_like(raw), DEEP, 50), np.zeros_like(raw))
    assert turned(raw[:0], DEEP, 50).shape == (0, *raw.shape[1:])


def test_normalisation_measures_the_turned_body():
    """Shoulders of a turned body are narrow in the picture: the unit of body coordinates is."""
    raw = clip(DEEP)
    left, right, head = DEEP.source.indices(("shoulder_left", "shoulder_right", "head"))
    raw[:, left, :3], raw[:, right, :3], raw[:, head, :3] = (1, 0, 0), (-1, 0, 0), (0, 1, 0)
    at = DEEP.points.index("head")
    assert DEEP.scale == ("shoulder_left", "shoulder_right")
    assert DEEP.prepare(raw)[0, at, 1] == pytest.approx(0.5)
    assert DEEP.prepare(turned(raw, DEEP, 60))[0, at, 1] == pytest.approx(1.0)


def test_y_may_grow_up_or_down_and_files_of_other_units_give_the_same_input():
    raw = clip(DEEP_IMAGE)
    up, fractions = raw.copy(), raw.copy()
    up[..., 1] = 480 - up[..., 1]
    fractions[..., :3] /= [640, 480, 640]
    channels = ("x", "y", "z", "score")
    expected = DEEP_IMAGE.prepare(turned(raw, DEEP_IMAGE, 25))
    for other, options in (
        (up, {"image_size": (640, 480), "y_axis": "up"}),
        (fractions, {"image_size": (1, 1)}),
    ):
        rules = contract("mediapipe_75", channels=channels, **options)
        np.testing.assert_allclose(rules.prepare(turned(other, rules, 25)), expected, atol=1e-5)


def test_a_degraded_manifest_turns_each_clip_and_then_removes_points(tmp_path):
    with FolderWriter(tmp_path / "data", DEEP) as writer:
        for name in "ab":
            writer.add("test", id=name, glosses=["A"], keypoints=clip(DEEP, seed=ord(name)))
    manifest = read_folder(tmp_path / "data")["test"]
    turn = DegradedManifest(manifest, turn=30)
    both = DegradedManifest(manifest, points=2, turn=30)
    for row in range(2):
        expected = turned(manifest.load(row), DEEP, 30)
        np.testing.assert_array_equal(turn.load(row), expected)
        gone = np.isnan(both.load(row))
        assert gone.all(axis=(0, 2)).sum() == 2
        np.testing.assert_array_equal(both.load(row)[~gone], expected[~gone])
