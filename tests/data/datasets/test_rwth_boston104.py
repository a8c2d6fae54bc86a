"""RWTH-BOSTON-104 from tables in the layout of the public repository."""

import numpy as np
import pytest

from slr_keras.data.datasets import rwth_boston104
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

NAMES = {
    "packed": ("train_frames.csv", "train_segments.csv"),
    "repository": ("hands_condensed.csv", "train_words.csv"),
}


def write(folder, names=NAMES["packed"], videos=10, frames=8) -> None:
    lines = ["video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y"]
    for video in range(1, videos + 1):
        lines += [
            f"{video},{frame},{100 + frame},{110},{200 - frame},{120},{video},{60}"
            for frame in range(frames)
        ]
    (folder / names[0]).write_text("\n".join(lines) + "\n")
    rows = ["video,speaker,word,startframe,endframe"]
    for video in range(1, videos + 1):
        rows += [f"{video},woman-{video % 3},BOOK,4,6", f"{video},woman-{video % 3},JOHN,1,3"]
    (folder / names[1]).write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_the_tables_become_sentences_in_order_of_time(tmp_path, names):
    write(tmp_path, names)
    rwth_boston104.prepare(tmp_path, tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert [len(split) for split in splits.values()] == [8, 2]
    samples = {s.id: (s, split) for split in splits.values() for s in split}
    sample, split = samples["4"]
    assert (sample.glosses, sample.signer) == (("JOHN", "BOOK"), "woman-1")
    assert sample.extra["spans"] == [[1, 4], [4, 7]]
    expected = [[[100 + f, 110], [200 - f, 120], [4, 60]] for f in range(8)]
    np.testing.assert_array_equal(split.load(sample), expected)
    assert split.contract.source.points == ("left_hand", "right_hand", "nose")
    assert split.contract.normalisation == "image"


def test_every_sentence_is_dev_in_exactly_one_fold(tmp_path):
    write(tmp_path)
    dev = []
    for fold in range(5):
        rwth_boston104.prepare(tmp_path, tmp_path / f"fold{fold}", fold=fold)
        splits = read_folder(tmp_path / f"fold{fold}")
        ids = {s.id for s in splits["dev"]}
        assert not ids & {s.id for s in splits["train"]}
        dev += ids
    assert sorted(dev, key=int) == [str(video) for video in range(1, 11)]


@pytest.mark.parametrize(
    ("file", "line", "text", "message"),
    [
        (0, 3, "1,5,1,1,1,1,1,1", r"train_frames\.csv:3: frame 5 of video 1 out of order"),
        (0, 3, "1,1,x,1,1,1,1,1", r"train_frames\.csv:3: left-x: 'x' is not a number"),
        (0, 3, "1,1,1", r"train_frames\.csv:3: 3 fields"),
        (0, 1, "video,frame", r"train_frames\.csv:1: no column left-x"),
        (1, 2, "1,a,BOOK,6,4", r"train_segments\.csv:2: frames 6 to 4"),
        (1, 2, "1,a,BOOK,4,99", "video 1 has 8 frames, but train_segments.csv means 100"),
        (1, 2, "99,a,BOOK,4,5", "video 99 has 0 frames"),
    ],
)
def test_malformed_lines_are_named(tmp_path, file, line, text, message):
    write(tmp_path)
    path = tmp_path / NAMES["packed"][file]
    lines = path.read_text().splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=message):
        rwth_boston104.prepare(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fold", [-1, 5])
def test_a_fold_that_does_not_exist_is_reported(tmp_path, fold):
    write(tmp_path)
    with pytest.raises(UserError, match=f"fold {fold} of 5"):
        rwth_boston104.prepare(tmp_path, tmp_path / "out", fold=fold)
