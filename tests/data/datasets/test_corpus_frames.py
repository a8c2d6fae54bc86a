"""Corpora as they ship their pictures become manifests that point at them."""

import pickle

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.datasets import csl_daily, phoenix2014, phoenix2014t
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

BROKEN = "13April_2011_Wednesday_tagesschau_default-14"


def pictures(folder, count, suffix="png"):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (21, 26), (number, 0, 0)).save(folder / f"images{number:04d}.{suffix}")


@pytest.fixture
def phoenix(tmp_path):
    """The layout of PHOENIX-2014: a folder "1" in every clip, tables in annotations/manual."""
    frames = tmp_path / "corpus/features/fullFrame-210x260px"
    for split, clip, count in (("train", "a-1", 5), ("train", BROKEN, 2), ("dev", "b-2", 7)):
        pictures(frames / split / clip / "1", count)
    manual = tmp_path / "corpus/annotations/manual"
    manual.mkdir(parents=True)
    head = "id|folder|signer|annotation\n"
    (manual / "train.corpus.csv").write_text(
        head + f"a-1|a-1/1/*.png|Signer04|ICH OSTERN\n{BROKEN}|x/1/*.png|Signer01|ICH\n"
    )
    (manual / "dev.corpus.csv").write_text(head + "b-2|b-2/1/*.png|Signer02|OSTERN\n")
    return tmp_path / "corpus", frames


def test_phoenix_2014_becomes_video_without_its_broken_clip(tmp_path, phoenix):
    source, frames = phoenix
    phoenix2014.prepare(source, tmp_path / "out", frames=str(frames))
    splits = read_folder(tmp_path / "out")
    assert {name: [s.id for s in split] for name, split in splits.items()} == {
        "train": ["a-1"],
        "dev": ["b-2"],
    }
    (sample,) = splits["train"]
    assert (sample.glosses, sample.signer, sample.frames) == (("ICH", "OSTERN"), "Signer04", 5)
    contract = splits["train"].frame_contract
    assert (contract.size, contract.resize, contract.crop) == ((210, 260), (256, 256), (224, 224))
    assert contract.fps == sample.fps == 25
    # These pictures are smaller than PHOENIX's.
    with pytest.raises(UserError, match="is 21 x 26 pixels instead of 210 x 260"):
        splits["train"].load_video(0)


def test_phoenix_2014_t_has_its_pictures_in_the_clip_s_own_folder(tmp_path):
    pictures(tmp_path / "frames/test/c-3", 4)
    (tmp_path / "PHOENIX-2014-T.test.corpus.csv").write_text(
        "name|video|start|end|speaker|orth|translation\nc-3|c-3/1/*.png|-1|-1|S8|DRUCK|tief\n"
    )
    phoenix2014t.prepare(tmp_path, tmp_path / "out", frames=str(tmp_path / "frames"))
    (sample,) = read_folder(tmp_path / "out")["test"]
    assert (sample.frames, sample.text, sample.signer) == (4, "tief", "S8")
    assert sample.video == str(tmp_path / "frames/test/c-3")


def test_csl_daily_has_one_folder_for_all_splits(tmp_path):
    label = tmp_path / "sentence_label"
    label.mkdir()
    name = "S000007_P0003_T00"
    pictures(tmp_path / "frames_512x512" / name, 6, "jpg")
    (label / "video_map.txt").write_text(
        f"index|name|length|gloss|char|word|postag\n0|{name}|6|他 谁|他 是|x|r\n"
    )
    (label / "split_1.txt").write_text(f"name|split\n{name}|dev\n")
    csl_daily.prepare(tmp_path, tmp_path / "out", frames=str(tmp_path / "frames_512x512"))
    dev = read_folder(tmp_path / "out")["dev"]
    assert (dev[0].frames, dev[0].signer, dev[0].fps) == (6, "P0003", 30)
    assert dev.frame_contract.size == (512, 512)


def keypoints(path, frames):
    clip = {"name": "train/a-1", "gloss": "ICH", "keypoint": np.ones((frames, 133, 3), "f4")}
    path.write_bytes(pickle.dumps({"a": clip}))


def test_keypoints_and_pictures_of_a_clip_stand_on_one_line(tmp_path, phoenix):
    source, frames = phoenix
    keypoints(source / "Phoenix-2014.train", 5)
    phoenix2014.prepare(source, tmp_path / "out", frames=str(frames))
    train = read_folder(tmp_path / "out")["train"]
    assert (train[0].keypoints, train[0].start) == ("train.npy", 0)
    assert train[0].video == str(frames / "train/a-1/1")
    assert train.load(0).shape == (5, 133, 3)
    assert train.frame_contract.crop == (224, 224)


def test_keypoints_of_another_length_than_the_pictures_are_refused(tmp_path, phoenix):
    source, frames = phoenix
    keypoints(source / "Phoenix-2014.train", 6)
    with pytest.raises(UserError, match=r"a-1/1: has 5 frames, but the manifest says 6"):
        phoenix2014.prepare(source, tmp_path / "out", frames=str(frames))


def test_what_is_missing_is_named(tmp_path, phoenix):
    source, frames = phoenix
    with pytest.raises(UserError, match=r"clip 'a-1': no folder of pictures .*elsewhere"):
        phoenix2014.prepare(source, tmp_path / "out", frames=str(tmp_path / "elsewhere"))
    with pytest.raises(UserError, match=r"missing \*train\.corpus\.csv"):
        phoenix2014.prepare(frames, tmp_path / "out", frames=str(frames))
    (source / "dev.corpus.csv").write_text("id|folder|signer|annotation\n")
    with pytest.raises(UserError, match=r"are both the split dev"):
        phoenix2014.prepare(source, tmp_path / "out", frames=str(frames))
    assert not (tmp_path / "out").exists()
