"""The keypoint contract: round trip, digest, refusals, selection and preparation."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.layout import layout, layout_from_json, list_layouts
from slr_keras.utils.errors import UserError

# For every field another value that is sound too.
OTHER = {
    "source": lambda c: layout_from_json({**c.source.to_json(), "name": "another"}),
    "points": lambda c: (*c.points[:12], "knee_left", "knee_right"),
    "indices": lambda c: (*c.indices[:12], 14, 15),
    "streams": lambda c: {**c.streams, "left": c.streams["left"][:3]},
    "channels": lambda c: ("x", "y", "score"),
    "image_size": lambda c: (1.0, 2.0),
    "y_axis": lambda c: "down",
    "normalisation": lambda c: "image",
    "root": lambda c: ("head",),
    "scale": lambda c: ("head", "spine_base"),
    "score_threshold": lambda c: 0.3,
    "max_gap": lambda c: 5,
    "interpolated_score": lambda c: 0.2,
    "zero_is_missing": lambda c: True,
    "fps": lambda c: 25.0,
    "mirror": lambda c: tuple(range(14)),
}


def changed(field):
    original = contract("kinect_20")
    changes = {field: OTHER[field](original)}
    # These two are only sound together.
    if field in ("points", "indices"):
        changes = {name: OTHER[name](original) for name in ("points", "indices")}
    return dataclasses.replace(original, **changes)


@pytest.mark.parametrize("name", list_layouts())
def test_a_contract_survives_its_file(tmp_path, name):
    original = contract(name)
    original.write(tmp_path / "keypoints.json")
    read = KeypointContract.read(tmp_path / "keypoints.json")
    assert read == original
    assert read.digest == original.digest
    read.require_same(original)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(KeypointContract)])
def test_the_digest_changes_with_any_field(field):
    original, other = contract("kinect_20"), changed(field)
    assert other.digest != original.digest
    with pytest.raises(UserError) as caught:
        original.require_same(other, "the run", "data/test")
    message = str(caught.value)
    assert field in message
    assert "the run has kinect_20" in message
    assert "data/test has" in message
    assert original.digest in message
    assert other.digest in message


def test_equal_contracts_have_equal_digests_whatever_types_they_were_made_of():
    one = contract("boston_3", image_size=[312, 242], max_gap=np.int64(3), fps=30)
    other = contract("boston_3", image_size=(312.0, 242.0), max_gap=3, fps=np.float32(30))
    assert one.digest == other.digest


def test_a_model_of_one_detector_accepts_the_same_points_of_another():
    whole, mediapipe = contract("coco_wholebody_133"), contract("mediapipe_holistic_543")
    whole.require_compatible(mediapipe)
    with pytest.raises(UserError, match="source"):
        whole.require_same(mediapipe)
    with pytest.raises(UserError, match="differ in normalisation"):
        whole.require_compatible(contract("stark_79", normalisation="body"))
    with pytest.raises(UserError, match="differ in points, streams, channels"):
        whole.require_compatible(contract("kinect_20"))
    # The root only matters where it is used.
    whole.require_compatible(contract("stark_79", root=("nose",)))
    body = contract("stark_79", normalisation="body")
    with pytest.raises(UserError, match="differ in root"):
        body.require_compatible(contract("stark_79", normalisation="body", root=("nose",)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_axis": "left"}, "y_axis: 'left' must be one of down, up"),
        ({"normalisation": "none"}, "normalisation"),
        ({"image_size": (0, 1)}, "image_size: 0 is not a number above 0"),
        ({"image_size": (1,)}, "image_size: must be"),
        ({"image_size": ("210", "260")}, "image_size: '210' is not a number"),
        ({"max_gap": -1}, "max_gap: -1"),
        ({"max_gap": 1.5}, "max_gap: 1.5"),
        ({"fps": float("nan")}, "fps: nan"),
        ({"fps": 10**400}, "fps"),
        ({"score_threshold": -0.1}, "score_threshold"),
        ({"interpolated_score": 0}, "interpolated_score"),
        ({"zero_is_missing": "no"}, "zero_is_missing"),
        ({"root": ("tail",)}, "root: 'tail' is not one of the contract's points"),
        ({"root": ()}, "root: must have at least one"),
        ({"scale": ("head",)}, "scale: must have exactly two"),
        ({"mirror": (1, 2, 0, *range(3, 14))}, "mirror: mirroring twice"),
        ({"mirror": (0,)}, "mirror"),
        ({"indices": (99, *range(1, 14))}, "indices: 99 is not an integer from 0 to 19"),
        ({"indices": tuple(range(1, 15))}, "points: must be the rows"),
        ({"channels": ("x", "y")}, "channels: x y; must be"),
        ({"streams": {"body": (1, 0)}}, "streams: body must be all points"),
        ({"streams": 3}, "streams: must be an object"),
        ({"streams": {"legs": (1,)}}, "streams: 'legs'"),
        ({"colour": "red"}, "no field 'colour'"),
    ],
)
def test_an_unsound_field_is_refused_by_name(changes, message):
    with pytest.raises(UserError) as caught:
        contract("kinect_20", **changes)
    assert message in str(caught.value)


def test_depth_needs_a_layout_that_has_it():
    with pytest.raises(UserError, match="'stark_79' has no z"):
        contract("stark_79", channels=("x", "y", "z", "score"))


def edited(change):
    value = contract("boston_3").to_json()
    change(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (edited(lambda v: v.pop("mirror")), "the key 'mirror' is missing"),
        (edited(lambda v: v.update(extra=1)), "unknown key 'extra'"),
        (edited(lambda v: v.update(version=2)), "version is 2, but this program reads version 1"),
        (edited(lambda v: v.update(fps="fast")), "fps: 'fast'"),
        (edited(lambda v: v["source"].update(mirror={"nose": "ear"})), "source: mirror: 'ear'"),
        ([], "must be a JSON object"),
    ],
)
def test_a_faulty_contract_file_is_refused_by_name_and_key(tmp_path, value, message):
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps(value))
    with pytest.raises(UserError) as caught:
        KeypointContract.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_selection_takes_the_points_in_model_order():
    chosen = contract("coco_wholebody_133")
    raw = np.zeros((2, 133, 3), np.float32)
    raw[..., 0] = np.arange(133)
    raw[..., 2] = 1
    np.testing.assert_array_equal(chosen.select(raw)[0, :, 0], chosen.indices)
    assert chosen.select(raw)[0, [0, 6, 27, 78], 0].tolist() == [0, 91, 2, 81]


def test_selection_drops_the_channels_that_the_model_does_not_see():
    raw = np.zeros((1, 75, 4), np.float32)
    raw[0, 0] = [1, 2, 3, 0.5]
    assert contract("mediapipe_75").select(raw)[0, 0].tolist() == [1, 2, 0.5]
    with_depth = contract("mediapipe_75", channels=("x", "y", "z", "score"))
    assert with_depth.select(raw)[0, 0].tolist() == [1, 2, 3, 0.5]


def test_selection_makes_up_the_score_that_a_detector_does_not_give():
    raw = np.array([[[149, 181], [0, 0], [np.nan, np.nan]]], np.float32)
    assert contract("boston_3").select(raw)[0, :, 2].tolist() == [1, 0, 0]


def test_selection_gives_a_copy_that_may_be_changed():
    raw = np.ones((2, 20, 4), np.float32)
    raw.flags.writeable = False
    contract("kinect_20").select(raw)[:] = 0
    assert raw.all()


@pytest.mark.parametrize("shape", [(4, 132, 3), (4, 133, 2), (133, 3), (1, 4, 133, 3)])
def test_the_wrong_number_of_points_is_refused(shape):
    with pytest.raises(UserError, match=r"133 points, 3 channels"):
        contract("coco_wholebody_133").prepare(np.zeros(shape, np.float32))


def test_preparation_selects_fills_and_normalises():
    raw = np.zeros((3, 133, 3), np.float32)
    # The right wrist of the left... point 10, seen in the outer frames only; row 31 of the 79.
    raw[0, 10], raw[2, 10] = [0, 260, 0.8], [210, 0, 0.8]
    chosen = contract("coco_wholebody_133")
    row = chosen.points.index("right_wrist")
    assert row == 31
    prepared = chosen.prepare(raw)
    np.testing.assert_allclose(
        prepared[:, row], [[-1, -1, 0.8], [0, 0, 0.1], [1, 1, 0.8]], atol=1e-6
    )
    assert not np.delete(prepared, row, axis=1).any()


def test_preparation_is_deterministic_and_follows_the_normalisation():
    raw = np.random.default_rng(0).normal(2, 0.3, (5, 20, 4)).astype(np.float32)
    raw[..., 3] = 1
    body = contract("kinect_20")
    np.testing.assert_array_equal(body.prepare(raw), body.prepare(raw))
    prepared = body.prepare(raw)
    left, right = (prepared[:, body.points.index(point), :2] for point in body.scale)
    assert np.median(np.linalg.norm(left - right, axis=-1)) == pytest.approx(1, abs=1e-5)
    image = contract("kinect_20", normalisation="image")
    assert not np.allclose(image.prepare(raw), prepared)


def test_the_neck_at_the_origin_is_a_place_in_the_phoenix_skeletons():
    raw = np.random.default_rng(0).normal(size=(4, 50, 3)).astype(np.float32)
    raw[:, 1] = 0
    chosen = contract("openpose_50")
    assert not chosen.missing(chosen.select(raw)).any()


def test_clips_of_no_frame_and_of_one_frame_are_prepared():
    for name in list_layouts():
        for normalisation in ("image", "body"):
            chosen = contract(name, normalisation=normalisation)
            shape = (len(chosen.source.points), len(chosen.source.channels))
            for frames in (0, 1):
                prepared = chosen.prepare(np.ones((frames, *shape), np.float32))
                assert prepared.shape == (frames, len(chosen.points), len(chosen.channels))
                assert np.isfinite(prepared).all()


def test_edges_connect_points_that_the_model_sees():
    chosen = contract("coco_wholebody_133")
    named = {(chosen.points[a], chosen.points[b]) for a, b in chosen.edges}
    assert ("left_elbow", "left_wrist") in named
    assert ("left_hip", "left_knee") not in named
    assert ("left_hip", "left_knee") in layout("coco_wholebody_133").edges


def test_contracts_can_be_copied_and_sent_to_other_processes():
    chosen = contract("kinect_20", fps=15)
    assert pickle.loads(pickle.dumps(chosen)) == chosen == copy.deepcopy(chosen)
    assert len({chosen, copy.deepcopy(chosen)}) == 1
