"""Manifests: what is written is read back, what is broken is named."""

import dataclasses
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.manifest import (
    Manifest,
    read_folder,
    read_manifest,
    write_manifest,
)
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError

KINECT = contract("kinect_20")


def clip(frames, seed=0):
    return np.random.default_rng(seed).normal(size=(frames, 20, 4)).astype(np.float32)


def line(**changes):
    value = {"id": "a", "glosses": ["A"], "frames": 3, "keypoints": "a.npy"}
    return json.dumps({**value, **changes})


@pytest.fixture
def folder(tmp_path):
    """A folder with one clip per way of storing it: in train.npy, alone as .npy, alone as .npz."""
    KINECT.write(tmp_path / "keypoints.json")
    np.save(tmp_path / "train.npy", np.concatenate([clip(5, 1), clip(7, 2)]))
    np.save(tmp_path / "own.npy", clip(4, 3))
    np.savez_compressed(tmp_path / "own.npz", keypoints=clip(6, 4).astype(np.float64))
    write_manifest(
        tmp_path / "train.jsonl",
        [
            Sample("first", ("A", "B"), 5, keypoints="train.npy", start=0),
            Sample("second", ("B",), 7, keypoints="train.npy", start=5, signer="s1"),
            Sample("own", ("A",), 4, keypoints="own.npy", text="Guten Abend, „ja“"),
            Sample("zipped", ("A",), 6, keypoints="own.npz", extra={"camera": 2}),
            Sample("elsewhere", ("A",), 4, keypoints=str(tmp_path / "own.npy")),
        ],
    )
    return tmp_path


def test_every_way_of_storing_a_clip_is_read_back(folder):
    train = read_folder(folder)["train"]
    assert [sample.id for sample in train] == ["first", "second", "own", "zipped", "elsewhere"]
    assert train.lengths.tolist() == [5, 7, 4, 6, 4]
    for index, expected in enumerate([clip(5, 1), clip(7, 2), clip(4, 3), clip(6, 4), clip(4, 3)]):
        loaded = train.load(index)
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, expected)
        np.testing.assert_array_equal(train.load(train[index]), expected)


def test_a_sample_keeps_all_that_its_line_says(folder):
    train = read_manifest(folder / "train.jsonl")
    second, own, zipped = train[1], train[2], train[3]
    assert (second.signer, second.start, second.split, second.fps) == ("s1", 5, "train", None)
    assert own.text == "Guten Abend, „ja“"
    assert own.start is None
    assert '"start"' not in (folder / "train.jsonl").read_text().splitlines()[2]
    assert zipped.extra == {"camera": 2}
    write_manifest(folder / "copy.jsonl", train)
    again = read_manifest(folder / "copy.jsonl")
    assert [s.extra for s in again] == [s.extra for s in train]
    assert (folder / "copy.jsonl").read_bytes() == (folder / "train.jsonl").read_bytes()


def test_many_clips_of_one_file_share_its_mapping(folder):
    train = read_folder(folder)["train"]
    first, second = train.load(0), train.load(1)
    # A view of the mapped file: nothing was copied, and nothing can be overwritten.
    assert np.shares_memory(first, train.load(0))
    assert first.base is not None
    assert not second.flags.writeable


def test_lengths_are_known_without_reading_keypoints(folder):
    for path in folder.glob("*.np?"):
        path.unlink()
    assert read_folder(folder)["train"].lengths.sum() == 26


def test_parts_of_a_manifest_keep_their_lines_and_contract(folder):
    train = read_folder(folder)["train"]
    part = train[1:3]
    assert isinstance(part, Manifest)
    assert [s.id for s in part] == ["second", "own"]
    assert part.where(0) == f"{folder / 'train.jsonl'}:2: sample 'second'"
    assert part.contract is train.contract
    np.testing.assert_array_equal(train.subset([3, 0]).load(0), clip(6, 4))


def test_a_manifest_can_be_sent_to_another_process(folder):
    train = read_folder(folder)["train"]
    size = len(pickle.dumps(train))
    train.load(0)
    # What was read is not sent along.
    assert len(pickle.dumps(train)) == size
    copy = pickle.loads(pickle.dumps(train))
    np.testing.assert_array_equal(copy.load(1), train.load(1))


def test_thousands_of_single_files_do_not_use_up_file_handles(folder):
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("this system does not show its file handles")
    names = [f"{number}.npy" for number in range(12)]
    for name in names:
        np.save(folder / name, clip(4))
    write_manifest(folder / "dev.jsonl", [Sample(n, ("A",), 4, keypoints=n) for n in names])
    dev = read_folder(folder)["dev"]
    before = len(list(handles.iterdir()))
    for index in range(len(dev)):
        dev.load(index)
    assert len(list(handles.iterdir())) <= before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a", ', "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not a manifest line"),
        (line(id=""), "'id' must be text"),
        (line(id=7), "'id' must be text"),
        ('{"id": "\\ud800", "frames": 1, "keypoints": "a"}', "not a manifest line"),
        (line(glosses="A B"), "sample 'a': 'glosses' must be a list"),
        (line(glosses=["A B"]), "sample 'a': gloss 'A B' is not one word"),
        (line(glosses=[3]), "gloss 3"),
        (line(frames=None), "'frames' must be a whole number"),
        (line(frames=-1), "'frames'"),
        (line(frames=2.5), "'frames'"),
        (line(frames=True), "'frames'"),
        (line(start=-3), "'start'"),
        (line(fps=0), "'fps' must be frames per second"),
        (line(fps=float("nan")), "'fps'"),
        (line(fps="25"), "'fps'"),
        (line(signer=3), "'signer' must be text"),
        (line(text=None), "'text' must be text"),
        (line(keypoints=""), "'keypoints' must be the name of a file"),
        (line(keypoints="../secret.npy"), "leave the manifest's folder through '..'"),
        (line(keypoints="a/../../secret.npy"), "leave the manifest's folder through '..'"),
    ],
)
def test_a_faulty_line_is_refused_by_file_and_line(tmp_path, text, message):
    path = tmp_path / "train.jsonl"
    path.write_text(line(id="fine") + "\n\n" + text + "\n")
    with pytest.raises(UserError) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_path_may_go_up_and_come_back_inside_the_folder(tmp_path):
    (tmp_path / "train.jsonl").write_text(line(keypoints="clips/../a.npy"))
    assert read_manifest(tmp_path / "train.jsonl")[0].keypoints == "clips/../a.npy"


def test_an_id_used_twice_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(f"{line()}\n{line(id='b')}\n{line()}\n")
    with pytest.raises(UserError, match=r"train.jsonl:3: sample 'a' is already on line 1"):
        read_manifest(path)
    twice = [Sample("a", (), 1, keypoints="a.npy")] * 2
    with pytest.raises(UserError, match="two samples have the id 'a'"):
        write_manifest(tmp_path / "dev.jsonl", twice)
    assert not (tmp_path / "dev.jsonl").exists()


def test_line_separators_inside_a_text_do_not_end_the_line(tmp_path):
    text = "one\u2028two\x85three"
    write_manifest(tmp_path / "dev.jsonl", [Sample("a", ("A",), 1, text=text, keypoints="a.npy")])
    assert read_manifest(tmp_path / "dev.jsonl")[0].text == text


def test_an_absent_or_foreign_manifest_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent.jsonl"):
        read_manifest(tmp_path / "absent.jsonl")
    (tmp_path / "dev.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"dev.jsonl:1: not UTF-16"):
        read_manifest(tmp_path / "dev.jsonl")


def test_a_folder_without_splits_or_contract_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such data folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(UserError, match=r"no train.jsonl, dev.jsonl or test.jsonl"):
        read_folder(tmp_path)
    write_manifest(tmp_path / "dev.jsonl", [])
    with pytest.raises(UserError, match=r"keypoints.json"):
        read_folder(tmp_path)


def truncate(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


DAMAGE = {
    "absent": (lambda p: p.unlink(), "own.npy: cannot be read"),
    "truncated data": (lambda p: truncate(p, 200), "own.npy: truncated"),
    "truncated header": (lambda p: truncate(p, 20), "own.npy: truncated"),
    "empty": (lambda p: truncate(p, 0), "own.npy: truncated"),
    "text": (lambda p: p.write_text("x y score"), "own.npy: truncated, or not a .npy file"),
    "objects": (lambda p: np.save(p, np.array([{}], object)), "own.npy: truncated, or not"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps([1])), "own.npy: truncated, or not"),
    "points": (lambda p: np.save(p, np.ones((4, 19, 4))), "has shape (4, 19, 4), but"),
    "channels": (lambda p: np.save(p, np.ones((4, 20, 3))), "has shape (4, 20, 3), but"),
    "flat": (lambda p: np.save(p, np.ones((4, 80))), "has shape (4, 80), but"),
    "longer": (lambda p: np.save(p, clip(5)), "has 5 frames, but the manifest says 4"),
    "shorter": (lambda p: np.save(p, clip(3)), "has 3 frames, but the sample means"),
    "strings": (lambda p: np.save(p, np.full((4, 20, 4), "a")), "holds <U1 instead of numbers"),
    "complex": (lambda p: np.save(p, np.ones((4, 20, 4), complex)), "holds complex128"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_error_that_names_sample_and_file(folder, damage):
    do, message = DAMAGE[damage]
    do(folder / "own.npy")
    train = read_folder(folder)["train"]
    with pytest.raises(UserError) as caught:
        train.load(2)
    assert str(caught.value).startswith(f"{folder / 'train.jsonl'}:3: sample 'own': ")
    assert message in str(caught.value)
    # The others are none the worse for it.
    train.load(1)


ARCHIVE_DAMAGE = {
    "truncated": (lambda p: truncate(p, 900), "own.npz: truncated"),
    "another key": (lambda p: np.savez(p, frames=clip(6)), "no array 'keypoints', only frames"),
    "single array": (lambda p: p.write_bytes(npy_bytes(clip(6))), "name it .npy"),
    "objects": (lambda p: np.savez(p, keypoints=np.array([{}], object)), "own.npz: truncated, or"),
}


def npy_bytes(array):
    import io

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("damage", ARCHIVE_DAMAGE)
def test_a_damaged_archive_is_an_error_that_names_sample_and_file(folder, damage):
    do, message = ARCHIVE_DAMAGE[damage]
    do(folder / "own.npz")
    with pytest.raises(UserError) as caught:
        read_folder(folder)["train"].load(3)
    assert "sample 'zipped'" in str(caught.value)
    assert message in str(caught.value)


def test_an_archive_under_a_wrong_name_is_refused(folder):
    (folder / "own.npz").replace(folder / "own.npy")
    with pytest.raises(UserError, match=r"name it .npz"):
        read_folder(folder)["train"].load(2)


def test_a_file_of_another_kind_is_refused(folder):
    write_manifest(folder / "dev.jsonl", [Sample("v", ("A",), 4, keypoints="v.mp4")])
    with pytest.raises(UserError, match=r"sample 'v': .*must be a .npy, .npz or .pose file"):
        read_folder(folder)["dev"].load(0)


def test_a_file_of_many_clips_that_was_cut_short_is_refused_for_what_is_gone(folder):
    np.save(folder / "train.npy", clip(8, 1))
    train = read_folder(folder)["train"]
    assert len(train.load(0)) == 5
    with pytest.raises(UserError, match=r"'second'.*has 8 frames, but the sample"):
        train.load(1)


@pytest.mark.shared_data
def test_a_pose_file_is_read_as_the_layout_of_the_contract(tmp_path, shared_data):
    pytest.importorskip("pose_format")
    path = str(shared_data / "pose_samples" / "openpose.pose")
    write_manifest(tmp_path / "dev.jsonl", [Sample("pose", (), 93, keypoints=path)])
    contract("coco_wholebody_133").write(tmp_path / "keypoints.json")
    assert read_folder(tmp_path)["dev"].load(0).shape == (93, 133, 3)
    contract("mediapipe_75").write(tmp_path / "keypoints.json")
    with pytest.raises(UserError, match=r"'pose'.*holds 'coco_wholebody_133', but keypoints.json"):
        read_folder(tmp_path)["dev"].load(0)


def test_a_sample_is_named_by_its_line_and_a_foreign_one_by_its_id_alone(folder):
    train = read_manifest(folder / "train.jsonl")
    assert train.where(3) == train.where(train[3]) == f"{folder / 'train.jsonl'}:4: sample 'zipped'"
    assert train.where(-1) == train.where(4)
    changed = dataclasses.replace(train[3], frames=99)
    assert train.where(changed) == f"{folder / 'train.jsonl'}: sample 'zipped'"
    twice = train.subset([2, 0, 2])
    assert twice.where(2) == twice.where(twice[0]) == f"{folder / 'train.jsonl'}:3: sample 'own'"
    pickled = len(pickle.dumps(read_manifest(folder / "train.jsonl")))
    assert len(pickle.dumps(train)) == pickled
