"""`prepare` ended with the first bad clip of a corpus, after hours, and wrote nothing.

`prepare npz` and `pose_files` passed a bad clip over; the readers of folders of frames, of keypoint
pickles, of pictures and of recordings did not, nor did `merge` and `compose`. The others are now
prepared, the bad one is reported by name at the end and in errors.json, and the exit code is 2.
"""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from composition_data import write_isolated
from PIL import Image

from slr_keras import prepare
from slr_keras.data.contract import contract
from slr_keras.data.datasets.prepare import passed_over
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import SOME_FAILED


def prepared(*words):
    """The ids of every split, and what was passed over."""
    *words, folder = map(str, words)
    code = prepare.main([*words, "--to", folder])
    failed = dict(passed_over(Path(folder)))
    assert code == (SOME_FAILED if failed else 0)
    splits = read_folder(folder)
    for split in splits.values():
        for sample in split:
            if sample.keypoints:
                assert len(split.load(sample)) == sample.frames
    return {name: [s.id for s in split] for name, split in splits.items()}, failed


def missing(folder):
    return json.loads((folder / "missing.json").read_text())


# === Folders of frames ===


@pytest.fixture
def frames(tmp_path):
    """A folder <label>/<recording>/<frame>.npy of ten recordings of two labels."""
    for label in ("rain", "sun"):
        for recording in range(10):
            place = tmp_path / "frames" / label / str(recording)
            place.mkdir(parents=True)
            for frame in range(3):
                np.save(place / f"{frame}.npy", np.full(258, frame + 0.5))
    return tmp_path / "frames"


FRAMES = {
    "truncated": lambda file: file.write_bytes(b"\x93NUMPY"),
    "other values": lambda file: np.save(file, np.zeros(126)),
    "a hole": lambda file: file.unlink(),
    "objects": lambda file: np.save(file, np.array([{}, 1], object), allow_pickle=True),
}


@pytest.mark.parametrize("damage", FRAMES)
@pytest.mark.parametrize("recording", ["0", "3"])
def test_the_other_recordings_of_frames_are_prepared(frames, tmp_path, damage, recording, capsys):
    FRAMES[damage](frames / "rain" / recording / "1.npy")
    splits, failed = prepared("mp_data", "--from", frames, tmp_path / "out")
    assert list(failed) == [f"rain/{recording}"]
    assert str(frames / "rain" / recording) in failed[f"rain/{recording}"]
    assert f"error: {failed[f'rain/{recording}']}" in capsys.readouterr().err
    assert {name: len(ids) for name, ids in splits.items()} == {"train": 15, "dev": 2, "test": 2}
    assert missing(tmp_path / "out")["expected"] == {"train": 16, "dev": 2, "test": 2}


def test_frames_that_are_all_damaged_are_refused(frames, tmp_path):
    for file in frames.rglob("1.npy"):
        file.write_bytes(b"")
    with pytest.raises(UserError, match=r"1\.npy"):
        prepare.main(["mp_data", "--from", str(frames), "--to", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


# === Corpora ===


def entry(frames=3, **other):
    points = np.full((frames, 133, 3), 0.5, np.float32)
    return {"gloss": "REGEN", "keypoint": points, "num_frames": frames} | other


BROKEN = {
    "no keypoints": {"keypoint": None},
    "other points": {"keypoint": np.zeros((3, 75, 3), np.float32)},
    "another length": {"num_frames": 9},
    "a gloss that is none": {"gloss": {}},
    "a name that is none": {"name": 7},
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("corpus", ["phoenix2014", "phoenix2014t", "csl_daily"])
def test_the_other_clips_of_a_keypoint_pickle_are_prepared(tmp_path, broken, corpus):
    stem = {"phoenix2014": "Phoenix-2014", "phoenix2014t": "Phoenix-2014T"}.get(corpus, "CSL-Daily")
    clips = {name: entry() for name in ("a", "b", "c")}
    clips["b"] |= BROKEN[broken]
    (tmp_path / f"{stem}.train").write_bytes(pickle.dumps(clips))
    (tmp_path / f"{stem}.dev").write_bytes(pickle.dumps({"d": entry()}))
    splits, failed = prepared(corpus, "--from", tmp_path, tmp_path / "out")
    assert splits == {"train": ["a", "c"], "dev": ["d"]}
    (reason,) = failed.values()
    assert str(tmp_path / f"{stem}.train") in reason
    assert missing(tmp_path / "out")["expected"] == {"train": 3, "dev": 1}


def pictures(folder, count):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (21, 26), (number, 0, 0)).save(folder / f"{number:03d}.png")


@pytest.fixture
def corpus(tmp_path):
    """Pictures of PHOENIX-2014-T; those of b are gone, the folder of c is empty."""
    table = tmp_path / "corpus" / "PHOENIX-2014-T.train.corpus.csv"
    table.parent.mkdir()
    rows = [f"{name}|x|-1|-1|S1|REGEN|t" for name in "abc"]
    table.write_text("\n".join(["name|video|start|end|speaker|orth|translation", *rows]) + "\n")
    pictures(tmp_path / "pictures" / "train" / "a", 3)
    pictures(tmp_path / "pictures" / "train" / "c", 0)
    return table.parent


def test_the_other_clips_of_pictures_are_prepared(corpus, tmp_path):
    words = ("phoenix2014t", "--from", corpus, "--frames", tmp_path / "pictures")
    splits, failed = prepared(*words, tmp_path / "out")
    assert splits == {"train": ["a"]}
    assert list(failed) == ["b", "c"]
    assert "no folder of pictures" in failed["b"]
    assert "has no PNG or JPEG pictures" in failed["c"]


def test_clips_of_keypoints_without_their_pictures_are_passed_over(corpus, tmp_path):
    clips = {name: entry() for name in "abcd"} | {"d": entry() | {"keypoint": None}}
    (corpus / "Phoenix-2014T.train").write_bytes(pickle.dumps(clips))
    words = ("phoenix2014t", "--from", corpus, "--frames", tmp_path / "pictures")
    splits, failed = prepared(*words, tmp_path / "out")
    assert splits == {"train": ["a"]}
    assert list(failed) == ["d", "b", "c"]
    assert missing(tmp_path / "out")["expected"] == {"train": 4}


# === Recordings of single signs ===


@pytest.fixture
def recordings(tmp_path):
    """A table and a folder of classes of the same recordings; one is damaged, one too short."""
    rows = ["path,label,split,start,end"]
    for number, split in enumerate(("train", "train", "train", "val", "val")):
        label = ("rain", "sun")[number % 2]
        place = tmp_path / "signs" / label
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{number}.npy", np.zeros((4, 24, 24, 3), np.uint8))
        rows.append(f"{label}/{number}.npy,{label},{split},{9 if number == 4 else ''},")
    (tmp_path / "signs" / "manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "signs"


SIZES = ("--resize", "24x24", "--crop", "16x16")


def test_the_other_recordings_of_a_table_are_prepared(recordings, tmp_path):
    (recordings / "sun" / "1.npy").write_bytes(b"no array")
    splits, failed = prepared("isolated_csv", "--from", recordings, *SIZES, tmp_path / "out")
    assert splits == {"train": ["rain/0", "rain/2"], "dev": ["sun/3"]}
    assert list(failed) == ["sun/1", "rain/4@9"]
    assert str(recordings / "sun" / "1.npy") in failed["sun/1"]
    assert missing(tmp_path / "out")["expected"] == {"train": 3, "dev": 2}


def test_the_other_recordings_of_classes_are_prepared(recordings, tmp_path):
    (recordings / "rain" / "0.npy").write_bytes(b"\x93NUMPY")
    words = ("folders", "--from", recordings, "--fractions", "0", "0", *SIZES)
    splits, failed = prepared(*words, tmp_path / "out")
    assert list(failed) == ["rain/0"]
    assert sorted(splits["train"]) == ["rain/2", "rain/4", "sun/1", "sun/3"]


def test_recordings_that_are_not_there_still_stop_it(recordings, tmp_path):
    (recordings / "rain" / "0.npy").unlink()
    words = ["isolated_csv", "--from", str(recordings), *SIZES, "--to", str(tmp_path / "out")]
    with pytest.raises(UserError, match="--allow-missing"):
        prepare.main(words)
    assert not (tmp_path / "out").exists()
    assert prepare.main([*words, "--allow-missing"]) == 0


# === Data folders ===


def of_single_files(folder, *gone):
    """Give every clip of a data folder a file of its own, and damage some."""
    for name, split in read_folder(folder).items():
        lines = []
        for row, sample in enumerate(split):
            file = f"{name}-{row}.npy"
            np.save(folder / file, np.array(split.load(row)))
            line = {"id": sample.id, "glosses": list(sample.glosses), "frames": sample.frames}
            lines.append(json.dumps(line | {"signer": sample.signer, "keypoints": file}) + "\n")
            if sample.id in gone:
                (folder / file).write_bytes(b"\x93NUMPY")
        (folder / f"{name}.jsonl").write_text("".join(lines))
        (folder / f"{name}.npy").unlink()
    return folder


def test_the_other_clips_of_merged_folders_are_there(tmp_path):
    for name, value in (("one", 1.0), ("two", 2.0)):
        with FolderWriter(tmp_path / name, contract("kinect_20")) as writer:
            for number in range(3):
                points = np.full((4 + number, 20, 4), value + number, np.float32)
                writer.add("train", id=f"{name}-{number}", glosses=["RAIN"], keypoints=points)
    of_single_files(tmp_path / "two", "two-1")
    splits, failed = prepared("merge", tmp_path / "one", tmp_path / "two", tmp_path / "out")
    assert splits["train"] == ["one-0", "one-1", "one-2", "two-0", "two-2"]
    assert list(failed) == ["two-1"]
    record = missing(tmp_path / "out")
    assert record["expected"] == {"train": 6}
    assert list(record["missing"]["train"]) == ["two-1"]


def test_sentences_are_composed_of_the_other_clips(tmp_path):
    source = write_isolated(tmp_path / "source")
    whole = read_folder(source)
    bad = [whole["train"][1].id, whole["dev"][0].id]
    shutil.copytree(source, tmp_path / "damaged")
    of_single_files(tmp_path / "damaged", *bad)
    words = ("compose", tmp_path / "damaged", "--sentences", "4", "--rest-minutes", "0.2")
    splits, failed = prepared(*words, tmp_path / "out")
    assert len(failed) == len(bad)
    assert all(any(id in name for id in bad) for name in failed)
    assert len(splits["train"]) == len(whole["train"]) - 1
    for sample in read_folder(tmp_path / "out")["dev"]:
        assert bad[1] not in sample.extra["clips"]
