"""Whatever a user's file holds becomes the run's points, or an error that says what to do."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.recognition.clip import Points
from slr_keras.recognition.layout_matching import match_layout
from slr_keras.utils.errors import UserError

WIDTH, HEIGHT = 210, 260


@pytest.fixture(scope="module")
def whole_body():
    return contract("coco_wholebody_133", image_size=(WIDTH, HEIGHT))


@pytest.fixture
def clip():
    rng = np.random.default_rng(0)
    values = rng.uniform(20, 200, (12, 133, 3)).astype(np.float32)
    values[..., 2] = rng.uniform(0.5, 1, (12, 133))
    return values


def test_points_of_the_source_layout_pass_through(whole_body, clip):
    values, notices = match_layout(Points(clip), whole_body, "a.npy")
    np.testing.assert_array_equal(values, clip)
    assert notices == []


def test_the_array_that_was_given_is_not_changed(whole_body, clip):
    clip[3, 4] = np.nan
    before = clip.copy()
    match_layout(Points(clip, image_size=(10, 10)), whole_body, "a.npy")
    np.testing.assert_array_equal(clip, before)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint16, ">f4"])
def test_any_number_type_is_read(whole_body, clip, dtype):
    values, _ = match_layout(Points(clip.astype(dtype)), whole_body, "a.npy")
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, clip.astype(dtype).astype(np.float32))


def test_the_79_points_give_the_model_the_same_as_the_133_they_came_from(whole_body, clip):
    selected = clip[:, list(whole_body.source.indices(layout("stark_79").points))]
    expected = whole_body.prepare(clip)
    values, _ = match_layout(Points(selected), whole_body, "a.npy", layout("stark_79"))
    assert values.shape == clip.shape
    np.testing.assert_array_equal(whole_body.prepare(values), expected)


def test_pose_and_hands_are_taken_from_all_points_of_the_same_detector(clip):
    everything = layout("mediapipe_holistic_543")
    points = np.random.default_rng(0).uniform(10, 200, (4, 543, 4)).astype(np.float32)
    read = contract("mediapipe_75", image_size=(640, 480), normalisation="body")
    values, _ = match_layout(Points(points, layout=everything), read, "clip.mp4")
    chosen = points[:, list(everything.indices(read.points))]
    np.testing.assert_array_equal(values[:, list(read.indices)], chosen)
    with pytest.raises(UserError, match="--layout stark_79 to pair"):
        match_layout(Points(clip[:, :79], layout=layout("stark_79")), read, "a.npz")


def test_points_are_paired_by_name_and_not_by_place(whole_body, clip):
    from slr_keras.data.layout import layout_from_json

    names = list(reversed(layout("stark_79").points))
    backwards = layout_from_json({"name": "backwards", "points": names})
    selected = clip[:, list(whole_body.source.indices(tuple(names)))]
    values, _ = match_layout(Points(selected), whole_body, "a.npy", backwards)
    np.testing.assert_array_equal(whole_body.prepare(values), whole_body.prepare(clip))


def test_79_points_without_their_layout_are_refused_and_the_option_named(whole_body, clip):
    with pytest.raises(UserError) as error:
        match_layout(Points(clip[:, :79]), whole_body, "a.npy")
    message = str(error.value)
    assert message.startswith("a.npy: ")
    assert "79 points x 3 channels" in message
    assert "'coco_wholebody_133'" in message
    assert "133 x 3" in message
    assert "--layout stark_79" in message


@pytest.mark.parametrize("shape", [(12, 20, 3), (12, 133, 2), (12, 133, 4)])
def test_other_numbers_of_points_or_channels_name_both(whole_body, shape):
    with pytest.raises(UserError, match=rf"a.npy: has {shape[1]} points x {shape[2]} .* 133 x 3"):
        match_layout(Points(np.ones(shape)), whole_body, "a.npy")


@pytest.mark.parametrize(
    "values",
    [
        np.ones((12, 399)),
        np.ones((2, 12, 133, 3)),
        np.ones((12, 133, 3), complex),
        np.full((12, 133, 3), "x"),
        np.ones((12, 133, 3), bool),
        np.float32(3),
    ],
    ids=["flat", "batch", "complex", "text", "bool", "scalar"],
)
def test_what_is_not_an_array_of_points_is_refused(whole_body, values):
    with pytest.raises(UserError, match=r"a.npy: holds .* \(frames, 133, 3\)"):
        match_layout(Points(np.asarray(values)), whole_body, "a.npy")


def test_an_empty_clip_is_refused_by_name(whole_body):
    with pytest.raises(UserError, match=r"a.npy: has no frames"):
        match_layout(Points(np.ones((0, 133, 3))), whole_body, "a.npy")


def test_an_empty_clip_of_another_layout_is_called_empty(whole_body):
    with pytest.raises(UserError, match=r"a.npy: has no frames"):
        match_layout(Points(np.ones((0, 79, 3))), whole_body, "a.npy")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_value_that_is_no_number_makes_its_point_missing_with_a_notice(
    whole_body, clip, bad, channel
):
    point = whole_body.indices[5]
    lost = clip.copy()
    lost[2:4, point] = 0
    clip[2:4, point, channel] = bad
    values, notices = match_layout(Points(clip), whole_body, "a.npy")
    np.testing.assert_array_equal(whole_body.prepare(values), whole_body.prepare(lost))
    assert notices == ["a.npy: 2 points in 2 frames with NaN or infinite values, taken as missing"]


def test_a_number_too_large_for_float32_is_missing_too(whole_body, clip):
    clip = clip.astype(np.float64)
    clip[0, 0, 0] = 1e300
    values, notices = match_layout(Points(clip), whole_body, "a.npy")
    assert np.isfinite(whole_body.prepare(values)).all()
    assert "1 point in 1 frame " in notices[0]


def test_a_clip_in_which_nobody_is_seen_is_noticed(whole_body):
    for values in (np.zeros((5, 133, 3)), np.full((5, 133, 3), np.nan)):
        values, notices = match_layout(Points(values), whole_body, "a.npy")
        assert "a.npy: no point is visible in any frame" in notices[-1]
        assert np.isfinite(whole_body.prepare(values)).all()


def test_a_larger_image_is_scaled_to_the_runs(whole_body, clip):
    larger = clip * np.array([2, 3, 1], np.float32)
    size = (WIDTH * 2, HEIGHT * 3)
    values, _ = match_layout(Points(larger, image_size=size), whole_body, "a.npy")
    np.testing.assert_allclose(values, clip, rtol=1e-6)


def test_depth_is_scaled_as_x():
    fractions = contract("mediapipe_holistic_543", image_size=(1, 1), normalisation="image")
    values = np.full((5, 543, 4), 0.5, np.float32) * (WIDTH, HEIGHT, WIDTH, 1)
    values, _ = match_layout(Points(values, image_size=(WIDTH, HEIGHT)), fractions, "a.npy")
    np.testing.assert_allclose(values, 0.5, rtol=1e-6)


def test_a_depth_that_is_no_number_does_not_matter_to_a_model_without_depth():
    flat = contract("mediapipe_holistic_543", image_size=(1, 1), normalisation="image")
    assert "z" not in flat.channels
    values = np.full((5, 543, 4), 0.5, np.float32)
    expected = flat.prepare(values)
    values[1:3, :, 2] = np.nan
    values, notices = match_layout(Points(values), flat, "a.npy")
    assert notices == []
    np.testing.assert_array_equal(flat.prepare(values), expected)


def test_the_image_size_does_not_touch_body_coordinates(clip):
    body = contract("coco_wholebody_133", normalisation="body", image_size=(WIDTH, HEIGHT))
    values, _ = match_layout(Points(clip, image_size=(1, 1)), body, "a.npy")
    np.testing.assert_array_equal(values, clip)


def test_fractions_are_not_taken_for_pixels(whole_body, clip):
    clip[..., :2] /= (WIDTH, HEIGHT)
    with pytest.raises(UserError, match=r"a.npy: .*fractions.*210 x 260; pass --image-size 1x1"):
        match_layout(Points(clip), whole_body, "a.npy")
    values, _ = match_layout(Points(clip, image_size=(1, 1)), whole_body, "a.npy")
    assert values[..., 0].max() > 150


def test_pixels_are_not_taken_for_fractions(clip):
    fractions = contract("coco_wholebody_133", image_size=(1, 1))
    with pytest.raises(UserError, match=r"a.npy: .*looks like pixels.*--image-size"):
        match_layout(Points(clip), fractions, "a.npy")
    match_layout(Points(clip, image_size=(WIDTH, HEIGHT)), fractions, "a.npy")


def test_another_layout_of_the_file_is_refused_and_both_are_named(whole_body):
    holistic = Points(np.full((5, 543, 4), 0.5), layout=layout("mediapipe_holistic_543"))
    with pytest.raises(UserError) as error:
        match_layout(holistic, whole_body, "a.pose")
    assert "'mediapipe_holistic_543'" in str(error.value)
    assert "'coco_wholebody_133'" in str(error.value)
    assert "--layout mediapipe_holistic_543" in str(error.value)


def test_a_layout_option_against_what_the_file_says_is_refused(whole_body, clip):
    points = Points(clip, layout=layout("coco_wholebody_133"))
    with pytest.raises(UserError, match="--layout"):
        match_layout(points, whole_body, "a.pose", layout("stark_79"))


def test_a_layout_that_lacks_points_of_the_run_is_refused(whole_body):
    kinect = layout("kinect_20")
    values = np.full((5, len(kinect.points), len(kinect.channels)), 50.0)
    with pytest.raises(UserError, match=r"'kinect_20' lacks \d+ of the 79 .*'coco_wholebody_133'"):
        match_layout(Points(values), whole_body, "a.npy", kinect)


def test_a_layout_with_other_channels_is_refused(whole_body):
    from slr_keras.data.layout import layout_from_json

    flat = layout_from_json(
        {"name": "flat", "points": list(layout("stark_79").points), "channels": ["x", "y"]}
    )
    with pytest.raises(UserError, match=r"'flat' has channels x, y but .* x, y, score"):
        match_layout(Points(np.full((5, 79, 2), 50.0)), whole_body, "a.npy", flat)


def test_points_of_another_layout_may_bring_channels_that_the_run_does_not_know(whole_body):
    mediapipe = layout("mediapipe_holistic_543")
    values = np.random.default_rng(0).uniform(20, 200, (5, 543, 4)).astype(np.float32)
    values[..., 3] = 0.5
    found, notices = match_layout(Points(values, layout=mediapipe), whole_body, "a.mp4", mediapipe)
    chosen = values[:, mediapipe.indices(whole_body.points)]
    np.testing.assert_array_equal(whole_body.select(found), chosen[..., [0, 1, 3]])
    assert notices == []
