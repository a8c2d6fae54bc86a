"""Features of the baselines."""

import numpy as np
import pytest

from slr_keras.baselines.features import Features
from slr_keras.baselines.metric import LinearMetric
from slr_keras.data.contract import contract
from slr_keras.data.keypoints import mirror


def clips(name, count=4, frames=17, seed=0):
    rng = np.random.default_rng(seed)
    rules = contract(name)
    shape = (frames, len(rules.points), len(rules.channels))
    made = [rng.normal(size=shape).astype(np.float32) for _ in range(count)]
    for clip in made:
        clip[..., -1] = 1.0
    return rules, made


@pytest.mark.parametrize("name", ["stark_79", "kinect_20", "mediapipe_75", "boston_3"])
def test_every_layout_gives_finite_features_of_one_width(name):
    rules, made = clips(name)
    features = Features(rules, stride=2).fit(made)
    views = [features(clip) for clip in made]
    assert {view.shape for view in views} == {(9, views[0].shape[1])}
    assert np.isfinite(np.concatenate(views)).all()


def test_place_and_handshape_of_each_hand_weigh_the_same():
    rules, made = clips("stark_79", count=6)
    features = Features(rules, stride=1).fit(made)
    frames = np.concatenate([features(clip) for clip in made])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-5)
    assert frames.var(axis=0).sum() == pytest.approx(4, rel=1e-4)


def test_standing_elsewhere_or_nearer_changes_nothing():
    rules, made = clips("stark_79")
    features = Features(rules).fit(made)
    moved = made[0].copy()
    moved[..., :2] = moved[..., :2] * 2.5 + [3.0, -1.0]
    np.testing.assert_allclose(features(moved), features(made[0]), atol=1e-4)


def test_missing_frames_are_interpolated_and_values_under_them_ignored():
    rules, made = clips("stark_79")
    features = Features(rules, stride=1).fit(made)
    wrist = rules.points.index("left_wrist")
    straight = made[0].copy()
    straight[3:8, wrist, :2] = np.linspace(0, 1, 5)[:, None]
    broken = straight.copy()
    broken[4:7, wrist] = [99.0, -99.0, 0.0]
    np.testing.assert_allclose(features(broken), features(straight), atol=1e-5)


def test_a_hand_never_seen_sits_at_the_training_mean():
    rules, made = clips("stark_79")
    features = Features(rules).fit(made)
    fingers = [k for k, name in enumerate(rules.points) if name.startswith("left_index")]
    clip = made[0].copy()
    clip[:, fingers] = 0
    view, whole = features(clip), features(made[0])
    assert np.isfinite(view).all()
    changed = (view != whole).any(axis=0)
    assert changed.sum() == 2 * len(fingers)
    assert (view[:, changed] == 0).all()


def test_a_clip_without_any_point_is_all_zero():
    rules, made = clips("kinect_20")
    assert (Features(rules).fit(made)(np.zeros_like(made[0])) == 0).all()


def test_stride_averages_frames_and_keeps_the_odd_one():
    rules, made = clips("boston_3", frames=5)
    steady = np.repeat(made[0][:1], 5, axis=0)
    steady[1, 0, 0] += 2.0
    features = Features(rules, stride=2).fit(made)
    view = features(steady)
    assert view.shape[0] == 3
    single = Features(rules, stride=1).fit(made)
    assert len(single(steady)) == 5
    half = (single(steady)[0] + single(steady)[1]) / 2
    ratio = features._weight / single._weight
    shift = (single._mean - features._mean) * features._weight
    np.testing.assert_allclose(view[0], half * ratio + shift, atol=1e-5)


def test_mirrored_view_is_the_view_of_the_mirrored_clip():
    rules, made = clips("kinect_20")
    features = Features(rules).fit(made)
    expected = features(mirror(made[0], rules.mirror))
    np.testing.assert_array_equal(features(made[0], mirrored=True), expected)
    assert not np.allclose(expected, features(made[0]))


def test_learned_metric_turns_to_what_tells_glosses_apart():
    rng = np.random.default_rng(0)
    pieces = []
    for k in range(60):
        piece = rng.normal(size=(6, 5)) * [10, 10, 10, 10, 0.5]
        piece[:, 4] += 3 * (k % 3)
        pieces.append(("ABC"[k % 3], piece))
    metric = LinearMetric(dimensions=2).fit(pieces)
    projected = metric(np.eye(5))
    assert projected.shape == (5, 2)
    assert abs(projected[4, 0]) > 20 * np.abs(projected[:4, 0]).max()


def test_learned_metric_survives_features_that_never_change():
    pieces = [("A", np.ones((3, 4))), ("B", np.zeros((3, 4)))]
    assert np.isfinite(LinearMetric().fit(pieces)(np.ones((2, 4)))).all()
