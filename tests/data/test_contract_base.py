"""Both contracts read, write, digest and compare themselves by the same rules."""

import json

import pytest

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.contract_base import Contract
from slr_keras.data.modality import KEYPOINTS, VIDEO
from slr_keras.data.video.contract import FrameContract
from slr_keras.utils.errors import UserError

POINTS = contract("boston_3")
PICTURES = FrameContract(size=(210, 260), resize=(256, 256), crop=(224, 224))
BOTH = pytest.mark.parametrize("one", [POINTS, PICTURES], ids=["keypoints", "video"])


def test_a_contract_says_what_a_clip_consists_of():
    assert (POINTS.modality, KeypointContract.modality) == (KEYPOINTS, KEYPOINTS)
    assert (PICTURES.modality, FrameContract.modality) == (VIDEO, VIDEO)


@pytest.mark.parametrize(
    ("one", "digest"),
    [
        (contract("boston_3"), "bf2a4bdaa4847dbd"),
        (contract("stark_79"), "9842d19a986889ba"),
        (PICTURES, "3cb39071ad22f109"),
        (FrameContract(None, 30, resize=(64, 64)), "3b64138fc8387afa"),
    ],
)
def test_digests_of_runs_made_before_stay_valid(one, digest):
    assert one.digest == digest


@BOTH
def test_a_contract_is_read_back_from_its_file_byte_by_byte(one, tmp_path):
    one.write(tmp_path / one.file)
    again = type(one).read(tmp_path / one.file)
    again.write(tmp_path / "again.json")
    assert again == one
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / one.file).read_bytes()
    assert isinstance(again, Contract)


@BOTH
def test_a_misspelt_key_is_named_with_the_right_one(one, tmp_path):
    value = one.to_json()
    value["fsp"] = value.pop("fps")
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"contract\.json: unknown key 'fsp'; did you mean 'fps'"):
        type(one).read(path)
    with pytest.raises(UserError, match=rf"^{one.file}: a {one.title} must be a JSON object"):
        type(one).from_json([])


def test_contracts_of_two_kinds_are_never_compatible():
    for one, other in ((POINTS, PICTURES), (PICTURES, POINTS)):
        message = (
            rf"the run is of {one.modality}, but data is of {other.modality}; "
            "use data of one modality"
        )
        for require in (one.require_same, one.require_compatible):
            with pytest.raises(UserError, match=message):
                require(other, "the run", "data")
