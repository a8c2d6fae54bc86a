"""Features of keypoint models against direct NumPy forms."""

import keras
import numpy as np
import pytest

from slr_keras.models.checks import OptionError
from slr_keras.models.inputs import InputConfig, KeypointInputs
from slr_keras.models.inputs.operations import fill_weights, resampling_weights

# Points 0..3: left wrist, two left fingers, a body point; 4..6: right wrist, two right fingers.
SKELETON = {
    "hands": {"left": [0, 1, 2], "right": [4, 5, 6]},
    "mirror": [4, 5, 6, 3, 0, 1, 2],
}
POINTS, BODY, FINGERS = 7, [0, 3, 4], [1, 2, 5, 6]


def clips(frames=(12, 9), channels=3, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    longest = max(frames)
    points = rng.normal(size=(len(frames), longest, POINTS, channels)).astype("float32")
    points[..., -1] = rng.uniform(0.2, 1, points.shape[:-1])
    points[rng.random(points.shape[:-1]) < missing] = 0
    mask = (np.arange(longest) < np.array(frames)[:, None]).astype("float32")
    return points, mask


def features_of(points, mask, form="frames", **config):
    features, steps = KeypointInputs(config, SKELETON, form)(points, mask)
    return np.asarray(features), np.asarray(steps)


def test_positions_are_those_of_all_points_but_fingers_then_of_the_fingers():
    points, mask = clips()
    features, steps = features_of(points, mask)
    expected = points[..., BODY + FINGERS, :2].reshape(2, 12, -1) * mask[..., None]
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert (steps == mask).all()


@pytest.mark.parametrize("interval", [1, 2, 3, 4])
def test_a_backward_difference_reads_no_later_frame_and_no_padding(interval):
    points, mask = clips()
    features, _ = features_of(points, mask, motion=[interval], backward=True)
    body = points[..., BODY, :2]
    expected = np.zeros_like(body)
    expected[:, interval:] = body[:, interval:] - body[:, :-interval]
    expected *= mask[..., None, None]
    np.testing.assert_allclose(features[..., -6:], expected.reshape(2, 12, -1), atol=1e-6)
    later = points.copy()
    later[:, 6:] += 1
    changed, _ = features_of(later, mask, motion=[interval], backward=True)
    np.testing.assert_array_equal(changed[:, :6], features[:, :6])


def test_the_middle_of_a_central_difference_is_the_frame_itself():
    time = np.arange(12, dtype="float32")
    points = np.ones((1, 12, POINTS, 3), "float32")
    points[..., 0] = (time**2)[None, :, None]
    features, _ = features_of(points, np.ones((1, 12), "float32"), motion=[4])
    # Of t², over four frames: 8 t.
    np.testing.assert_allclose(features[0, 2:10, -6], 8 * time[2:10], atol=1e-4)
    assert (features[0, [0, 1, 10, 11], -6] == 0).all()


def test_a_difference_with_a_missing_end_is_zero():
    points, mask = clips()
    points[:, 5, 3] = 0
    features, _ = features_of(points, mask, motion=[2], backward=True)
    changes = features[..., -6:].reshape(2, 12, 3, 2)[:, :, BODY.index(3)]
    assert (changes[:, [5, 7]] == 0).all()
    assert (changes[:, 6] != 0).all()


def test_fingers_about_their_wrist_do_not_change_with_place_and_size_of_the_hand():
    points, mask = clips()
    other = points.copy()
    for hand in SKELETON["hands"].values():
        other[..., hand, :2] = 3 + 2 * other[..., hand, :2]
    found, _ = features_of(points, mask, hands="wrist")
    moved, _ = features_of(other, mask, hands="wrist")
    shapes = slice(2 * len(BODY), None)
    np.testing.assert_allclose(moved[..., shapes], found[..., shapes], atol=2e-3)
    lengths = np.linalg.norm(found[0, 0, shapes].reshape(2, 2, 2), axis=-1).mean(1)
    np.testing.assert_allclose(lengths, 1, atol=2e-3)


def test_clips_are_resampled_to_even_steps_as_by_linear_interpolation():
    points, mask = clips()
    features, steps = features_of(points, mask, steps=5)
    for clip, frames in enumerate((12, 9)):
        at = np.linspace(0, frames - 1, 5)
        for column, point in enumerate(BODY):
            expected = np.interp(at, np.arange(frames), points[clip, :frames, point, 0])
            np.testing.assert_allclose(features[clip, :, 2 * column], expected, atol=1e-5)
    assert steps.shape == (2, 5)
    assert (steps == 1).all()


def test_a_clip_of_evenly_resampled_frames_is_read_as_it_is():
    points, mask = clips((16,))
    whole, _ = features_of(points, mask, steps=16, motion=[2], hands="wrist")
    kept, _ = features_of(points, mask, motion=[2], hands="wrist")
    np.testing.assert_allclose(whole, kept, atol=1e-5)


def test_a_gap_is_filled_from_both_sides_and_a_point_never_seen_is_zero():
    points, mask = clips((16,))
    points[:, 6:9, 3] = 0
    points[:, :, 0] = 0
    features, _ = features_of(points, mask, steps=16)
    filled = features[0].reshape(16, -1, 2)
    assert (filled[:, BODY.index(0)] == 0).all()
    before, after = points[0, 5, 3, :2], points[0, 9, 3, :2]
    middle = filled[7, BODY.index(3)]
    weights = fill_weights(16)[7, [5, 9]]
    near = (before * weights[0] + after * weights[1]) / weights.sum()
    assert np.abs(middle - near).max() < 0.35 * max(np.abs(points[0, :, 3, :2]).max(), 1)
    np.testing.assert_allclose(filled[5, BODY.index(3)], before, atol=1e-5)


def test_weights_of_the_resampling_sum_to_one_and_read_only_the_clip():
    mask = (np.arange(20) < np.array([[1], [7], [20]])).astype("float32")
    weights = np.asarray(resampling_weights(mask, 16))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.abs(weights * (1 - mask[:, None])).max() < 1e-5


def test_the_dominant_hand_is_brought_to_the_right_in_each_clip_by_itself():
    points, mask = clips((12, 12))
    points[0, :, 4, :2] = points[0, :1, 4, :2]
    points[1, :, 0, :2] = points[1, :1, 0, :2]
    features, _ = features_of(points, mask, dominant_hand=True)
    plain, _ = features_of(points, mask)
    other = points[..., SKELETON["mirror"], :] * np.array([-1, 1, 1], "float32")
    turned, _ = features_of(other, mask)
    np.testing.assert_allclose(features[0], turned[0], atol=1e-6)
    np.testing.assert_allclose(features[1], plain[1], atol=1e-6)


@pytest.mark.parametrize("form", ["frames", "points"])
def test_standardised_features_of_the_train_split_have_mean_0_and_one_scale_a_group(form):
    layer = KeypointInputs({"motion": [2], "standardise": True}, SKELETON, form)
    batches = []
    for seed in range(3):
        points, mask = clips(seed=seed)
        points[..., 0] = 5 + 3 * points[..., 0]
        batches.append({"keypoints": points, "mask": mask})
    layer.adapt(batches)
    rows = np.concatenate(
        [
            np.asarray(layer(b["keypoints"], b["mask"])[0])[b["mask"] > 0].reshape(21, -1)
            for b in batches
        ]
    )
    for group in layer.groups():
        np.testing.assert_allclose(rows[:, group].mean(0), 0, atol=0.2)
        assert 0.8 < rows[:, group].var(0).mean() < 1.2
    scores = sorted(set(range(rows.shape[1])) - set(np.concatenate(layer.groups()).tolist()))
    assert len(scores) == (POINTS if form == "points" else 0)
    if scores:
        assert rows[:, scores].min() >= 0.2


def test_what_lies_behind_the_end_of_a_clip_is_never_seen():
    points, mask = clips()
    config = {"motion": [2, 4], "hands": "wrist", "dominant_hand": True, "standardise": True}
    for form in ("frames", "points"):
        layer = KeypointInputs(config, SKELETON, form)
        layer.adapt([{"keypoints": points, "mask": mask}])
        noisy = points.copy()
        noisy[1, 9:] = 99
        found, expected = np.asarray(layer(noisy, mask)[0]), np.asarray(layer(points, mask)[0])
        np.testing.assert_array_equal(found, expected)
        alone = np.asarray(layer(points[1:, :9], mask[1:, :9])[0])
        np.testing.assert_allclose(alone[0], found[1, :9], atol=1e-5)
        assert (found[1, 9:] == 0).all()


def test_points_keep_their_order_and_their_scores_in_the_form_of_points():
    points, mask = clips()
    features, _ = features_of(points, mask, "points", motion=[2], hands="wrist")
    assert features.shape == (2, 12, POINTS, 5)
    np.testing.assert_allclose(
        features[0, :, BODY, :2].transpose(1, 0, 2), points[0, :, BODY, :2].transpose(1, 0, 2)
    )
    np.testing.assert_array_equal(features[0, ..., -1], points[0, ..., -1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "steps"),
        ({"motion": [0]}, "motion"),
        ({"motion": [1.5]}, "motion"),
        ({"hands": "elbow"}, "hands"),
        ({"clip": 0}, "clip"),
        ({"stepps": 4}, "steps"),
    ],
)
def test_an_option_out_of_range_is_named(options, message):
    with pytest.raises(OptionError, match=message):
        InputConfig.of(options)


def test_a_dominant_hand_needs_two_hands():
    points, mask = clips()
    with pytest.raises(OptionError, match="two hands"):
        KeypointInputs({"dominant_hand": True})(points, mask)


def test_the_layer_is_made_again_from_its_config():
    layer = KeypointInputs({"steps": 8, "motion": [2]}, SKELETON, "points", name="inputs")
    again = KeypointInputs.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert keras.saving.serialize_keras_object(layer)["class_name"] == "KeypointInputs"
