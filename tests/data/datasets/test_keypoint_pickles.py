"""PHOENIX-2014-T, PHOENIX-2014 and CSL-Daily from stand-ins in the layout of their makers."""

import gzip
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.datasets import csl_daily, phoenix2014, phoenix2014t
from slr_keras.data.datasets.keypoint_pickles import TWOSTREAM_KEYPOINTS, read_keypoint_pickle
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

FIXTURE = Path(__file__).parents[1] / "pickles" / "fixtures" / "clips.pkl"


def keypoints(frames: int) -> np.ndarray:
    return np.arange(frames * 399, dtype=np.float32).reshape(frames, 133, 3)


def clip(name: str, gloss: str = "regen morgen", frames: int = 3, **more) -> dict:
    entry = {"name": name, "gloss": gloss, "text": "text", "num_frames": frames}
    return entry | {"keypoint": keypoints(frames)} | more


def save(path: Path, *clips: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps({entry["name"]: entry for entry in clips}))


def test_mska_pickles_of_real_torch_become_a_data_folder(tmp_path):
    source = tmp_path / "source" / "Phoenix-2014T"
    source.mkdir(parents=True)
    shutil.copy(FIXTURE, source / "Phoenix-2014T.train")
    save(source / "phoenix-2014t.dev", clip("dev/a"))
    (source / "PHOENIX-2014-T.train.corpus.csv").write_text(
        "name|video|start|end|speaker|orth|translation\nfirst-1|x|-1|-1|Signer08|REGEN|es regnet\n"
    )
    phoenix2014t.prepare(tmp_path / "source", tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert list(splits) == ["train", "dev"]
    first, second = splits["train"]
    assert (first.id, first.glosses, first.signer) == (
        "train/first-1", ("regen", "morgen"), "Signer08",
    )  # fmt: skip
    assert (first.text, first.fps, second.signer) == ("morgen regnet es", 25.0, "")
    expected = np.arange(2 * 399, dtype=np.float32).reshape(2, 133, 3) / 8
    np.testing.assert_array_equal(splits["train"].load(0), expected)
    contract = splits["train"].contract
    assert (contract.source.name, contract.image_size, contract.normalisation) == (
        "coco_wholebody_133", (210.0, 260.0), "image",
    )  # fmt: skip


def test_twostream_annotations_take_their_keypoints_from_the_pickle_beside_them(tmp_path):
    entries = [
        {"name": "dev/a", "gloss": "regen", "text": "t", "num_frames": 3, "signer": "Signer01"}
    ]
    (tmp_path / "phoenix-2014.dev").write_bytes(gzip.compress(pickle.dumps(entries)))
    beside = {"dev/a": {"keypoints": keypoints(3).astype(np.float64)}, "other": {}}
    (tmp_path / TWOSTREAM_KEYPOINTS).write_bytes(pickle.dumps(beside))
    phoenix2014.prepare(tmp_path, tmp_path / "out")
    dev = read_folder(tmp_path / "out")["dev"]
    assert (dev[0].glosses, dev[0].signer) == (("regen",), "Signer01")
    np.testing.assert_array_equal(dev.load(0), keypoints(3))


def test_twostream_annotations_alone_say_which_file_is_missing(tmp_path):
    (tmp_path / "phoenix-2014.dev").write_bytes(pickle.dumps([{"name": "a", "gloss": "b"}]))
    with pytest.raises(UserError, match=TWOSTREAM_KEYPOINTS):
        phoenix2014.prepare(tmp_path, tmp_path / "out")


def test_phoenix_2014_leaves_out_the_clip_that_is_known_to_be_broken(tmp_path):
    save(
        tmp_path / "Phoenix-2014.train",
        clip("train/13April_2011_Wednesday_tagesschau_default-14"),
        clip("train/b"),
    )
    phoenix2014.prepare(tmp_path, tmp_path / "out")
    assert [sample.id for sample in read_folder(tmp_path / "out")["train"]] == ["train/b"]


def test_csl_daily_takes_signers_from_the_names_and_has_its_own_camera(tmp_path):
    save(tmp_path / "CSL-Daily.test", clip("S000007_P0003_T00", text="", signer=9))
    (tmp_path / "video_map.txt").write_text(
        "index|name|length|gloss|char|word|postag\n0|S000007_P0003_T00|3|他 谁|他 谁|x|r\n"
    )
    csl_daily.prepare(tmp_path, tmp_path / "out")
    test = read_folder(tmp_path / "out")["test"]
    assert (test[0].signer, test[0].text, test[0].fps) == ("P0003", "他谁", 30.0)
    assert test.contract.image_size == (512.0, 512.0)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"keypoint": np.zeros((3, 133, 2), "f4")}, r"clip 'a': keypoints are \(3, 133, 2\)"),
        ({"keypoint": [1, 2]}, "clip 'a': keypoints are list"),
        ({"keypoint": None}, "clip 'a': has no keypoints"),
        ({"num_frames": 4}, "clip 'a': 3 frames of keypoints, but num_frames 4"),
        ({"gloss": {}}, "clip 'a': gloss is a dict"),
        ({"name": 7}, "without a name"),
    ],
)
def test_clips_of_another_form_are_named(tmp_path, broken, message):
    path = tmp_path / "Phoenix-2014T.dev"
    path.write_bytes(pickle.dumps({"a": clip("a") | broken}))
    with pytest.raises(UserError, match=rf"Phoenix-2014T\.dev: .*{message}"):
        list(read_keypoint_pickle(path))


@pytest.mark.parametrize("value", [3, "text", {"a": 3}, [], {}])
def test_pickles_of_something_else_are_reported(tmp_path, value):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(UserError, match=r"x\.pkl: (not a keypoint pickle|holds no clip)"):
        list(read_keypoint_pickle(path))


def test_a_broken_pickle_leaves_no_data_folder(tmp_path):
    save(tmp_path / "Phoenix-2014T.train", clip("a"))
    (tmp_path / "Phoenix-2014T.dev").write_bytes(FIXTURE.read_bytes()[:500])
    with pytest.raises(UserError, match=r"Phoenix-2014T\.dev"):
        phoenix2014t.prepare(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_split_that_is_there_twice_is_reported(tmp_path):
    save(tmp_path / "Phoenix-2014T.dev", clip("a"))
    save(tmp_path / "more" / "phoenix-2014t.dev", clip("a"))
    with pytest.raises(UserError, match="both the split dev"):
        phoenix2014t.prepare(tmp_path, tmp_path / "out")


def test_an_annotations_folder_without_tables_is_reported(tmp_path):
    save(tmp_path / "Phoenix-2014T.dev", clip("a"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no \*\.corpus\.csv"):
        phoenix2014t.prepare(tmp_path, tmp_path / "out", annotations=str(tmp_path / "empty"))
