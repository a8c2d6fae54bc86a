"""The frame contract: read back as written, refused where it makes no sense."""

import json
import pickle

import pytest

from slr_keras.data.contract import contract
from slr_keras.data.video.contract import FrameContract
from slr_keras.utils.errors import UserError

PHOENIX = FrameContract(size=(210, 260), resize=(256, 256), crop=(224, 224))


def test_what_is_written_is_read_back(tmp_path):
    PHOENIX.write(tmp_path / "frames.json")
    again = FrameContract.read(tmp_path / "frames.json")
    assert again == PHOENIX
    assert again.digest == PHOENIX.digest == pickle.loads(pickle.dumps(PHOENIX)).digest
    again.require_same(PHOENIX)


def test_the_short_form_means_pictures_as_they_are():
    short = FrameContract.from_json({"size": [96, 64], "fps": 25.0, "format": "rgb24"})
    assert (short.resize, short.crop, short.shape) == ((96, 64), (64, 96), (64, 96, 3))
    assert short.digest == FrameContract((96, 64), 25, resize=(96, 64), crop=(64, 96)).digest


def test_the_digest_changes_with_every_field():
    others = [
        FrameContract((220, 260), resize=(256, 256), crop=(224, 224)),
        FrameContract((210, 260), resize=(240, 256), crop=(224, 224)),
        FrameContract((210, 260), resize=(256, 256), crop=(224, 192)),
        FrameContract((210, 260), 30, resize=(256, 256), crop=(224, 224)),
        FrameContract(None, resize=(256, 256), crop=(224, 224)),
    ]
    assert len({item.digest for item in [PHOENIX, *others]}) == 6
    for other in others:
        with pytest.raises(UserError, match=r"the run has .*, data/test has"):
            PHOENIX.require_same(other, "the run", "data/test")


def test_files_may_differ_where_the_model_sees_the_same():
    PHOENIX.require_compatible(FrameContract((512, 512), 30, resize=(256, 256), crop=(224, 224)))
    with pytest.raises(UserError, match=r"crop \(\(224, 224\) and \(256, 256\)\)"):
        PHOENIX.require_compatible(FrameContract((210, 260), resize=(256, 256)))
    with pytest.raises(UserError, match=r"is of video, but .* keypoints"):
        PHOENIX.require_same(contract("stark_79"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": [0, 5]}, "size is"),
        ({"size": [1.5, 5]}, "size is"),
        ({"size": [True, 5]}, "size is"),
        ({"size": "25"}, "size is"),
        ({"size": [100_000, 5]}, "size is"),
        ({"size": None}, "resize must give"),
        ({"fps": 0}, "fps is 0"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"fps": "25"}, "fps is"),
        ({"format": "bgr24"}, "format is 'bgr24'"),
        ({"crop": [65, 96]}, "larger than the picture"),
        ({"crop": [64, 97]}, "larger than the picture"),
        ({"resise": [9, 9]}, "did you mean 'resize'"),
        ({"version": 2}, "version is 2"),
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path, change, message):
    path = tmp_path / "frames.json"
    path.write_text(json.dumps({"size": [96, 64], "fps": 25.0, "format": "rgb24"} | change))
    with pytest.raises(UserError, match=r"frames\.json") as caught:
        FrameContract.read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{", '{"fps": 25}', '{"size": [2, 2]}'])
def test_what_is_no_contract_is_refused(tmp_path, text):
    (tmp_path / "frames.json").write_text(text)
    with pytest.raises(UserError, match=r"frames\.json"):
        FrameContract.read(tmp_path / "frames.json")
