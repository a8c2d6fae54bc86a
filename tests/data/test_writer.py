"""The folder writer: what it streams is read back, and a failure leaves nothing behind."""

import errno
import os

import numpy as np
import pytest

from slr_keras.data import writer as writer_module
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.utils.errors import UserError

KINECT = contract("kinect_20")


def clip(frames, seed=0):
    return np.random.default_rng(seed).normal(size=(frames, 20, 4)).astype(np.float32)


def write(folder, *splits, contract=KINECT):
    with FolderWriter(folder, contract) as writer:
        for split in splits:
            for number in range(3):
                keypoints = clip(4 + number, number)
                name = f"{split}-{number}"
                writer.add(split, id=name, glosses=["A", "B"], keypoints=keypoints, camera=number)


def test_what_the_writer_streams_is_read_back(tmp_path):
    write(tmp_path / "new" / "data", "train", "test")
    splits = read_folder(tmp_path / "new" / "data")
    assert list(splits) == ["train", "test"]
    for split, manifest in splits.items():
        assert manifest.lengths.tolist() == [4, 5, 6]
        assert [s.start for s in manifest] == [0, 4, 9]
        assert [s.extra["camera"] for s in manifest] == [0, 1, 2]
        assert {s.fps for s in manifest} == {KINECT.fps}
        assert manifest.contract == KINECT
        for number in range(3):
            np.testing.assert_array_equal(manifest.load(number), clip(4 + number, number))
        whole = np.load(tmp_path / "new" / "data" / f"{split}.npy", mmap_mode="r")
        assert whole.shape == (15, 20, 4)
    assert sorted(os.listdir(tmp_path / "new")) == ["data"]


def test_clips_without_frames_are_written_and_read(tmp_path):
    with FolderWriter(tmp_path / "data", KINECT) as writer:
        writer.add("train", id="empty", glosses=["A"], keypoints=clip(0))
    assert read_folder(tmp_path / "data")["train"].load(0).shape == (0, 20, 4)


def write_and_fail(folder, failure):
    with FolderWriter(folder, KINECT) as writer:
        writer.add("train", id="a", glosses=["A"], keypoints=clip(3))
        raise failure


def test_an_exception_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "data", ZeroDivisionError)
    assert os.listdir(tmp_path) == []


def test_an_exception_leaves_what_was_there_before(tmp_path):
    write(tmp_path, "train")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path, KeyboardInterrupt)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_fills_up_at_the_end_leaves_what_was_there_before(tmp_path, monkeypatch):
    write(tmp_path, "train")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, "train", "dev")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_split_is_added_to_a_folder_of_the_same_contract_only(tmp_path):
    write(tmp_path, "train")
    write(tmp_path, "dev")
    assert list(read_folder(tmp_path)) == ["train", "dev"]
    other = contract("kinect_20", fps=15)
    with pytest.raises(UserError, match="contracts differ in fps"):
        write(tmp_path, "dev", contract=other)
    assert read_folder(tmp_path)["dev"].contract == KINECT
    write(tmp_path, "dev", "train", contract=other)
    assert read_folder(tmp_path)["dev"].contract == other


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "validation"}, "unknown split 'validation'"),
        ({"keypoints": np.ones((3, 19, 4))}, r"shape \(3, 19, 4\)"),
        ({"keypoints": np.ones((20, 4))}, r"shape \(20, 4\)"),
        ({"glosses": ["THANK YOU"]}, "'THANK YOU' is not one word"),
        ({"id": "there"}, "already has this id"),
        ({"fps": -1}, "'fps'"),
    ],
)
def test_the_writer_refuses_a_faulty_clip_by_its_name(tmp_path, changes, message):
    fields = {"split": "train", "id": "new", "glosses": ["A"], "keypoints": clip(3), **changes}
    with FolderWriter(tmp_path, KINECT) as writer:
        writer.add("train", id="there", glosses=["A"], keypoints=clip(3))
        with pytest.raises(UserError, match=message) as caught:
            writer.add(fields.pop("split"), **fields)
    assert f"sample {fields['id']!r}" in str(caught.value)
    # The refused clip left no trace.
    assert [s.id for s in read_folder(tmp_path)["train"]] == ["there"]


def test_the_writer_refuses_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError, match="is a file"):
        write(tmp_path / "data", "train")
