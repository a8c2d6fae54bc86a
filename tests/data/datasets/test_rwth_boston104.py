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


def write_test_part(folder, videos=("51", "52"), frames=8, table="test_segments.csv") -> None:
    """The official test part in the format of the training part."""
    lines = ["video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y"]
    lines += [f"{video},{frame},1,2,3,4,5,6" for video in videos for frame in range(frames)]
    (folder / "test_frames.csv").write_text("\n".join(lines) + "\n")
    if table == "test_sentences.csv":
        rows = ["video,signer,num_frames,gloss"]
        rows += [f"{video},man-1,{frames},JOHN BOOK" for video in videos]
    else:
        rows = ["video,speaker,word,startframe,endframe"]
        rows += [f"{v},man-1,{w}" for v in videos for w in ("BOOK,4,6", "JOHN,1,3")]
    (folder / table).write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("table", ["test_segments.csv", "test_words.csv", "test_sentences.csv"])
def test_the_official_test_part_is_test_and_leaves_the_folds_as_they_are(tmp_path, table):
    write(tmp_path)
    write_test_part(tmp_path, table=table)
    rwth_boston104.prepare(tmp_path, tmp_path / "plain", fold=2)
    rwth_boston104.prepare(tmp_path, tmp_path / "out", fold=2, official_test=True)
    plain, splits = read_folder(tmp_path / "plain"), read_folder(tmp_path / "out")
    assert list(plain) == ["train", "dev"]
    for name in plain:
        assert [s.id for s in plain[name]] == [s.id for s in splits[name]]
    assert [(s.id, s.glosses, s.signer, s.frames) for s in splits["test"]] == [
        ("51", ("JOHN", "BOOK"), "man-1", 8), ("52", ("JOHN", "BOOK"), "man-1", 8),
    ]  # fmt: skip
    expected = None if table == "test_sentences.csv" else [[1, 4], [4, 7]]
    assert splits["test"][0].extra.get("spans") == expected


def test_the_repository_s_one_table_of_frames_serves_both_parts(tmp_path):
    write(tmp_path, NAMES["repository"], videos=12)
    words = (tmp_path / "train_words.csv").read_text().splitlines()
    (tmp_path / "train_words.csv").write_text("\n".join(words[:21]))
    (tmp_path / "test_words.csv").write_text("\n".join([words[0], *words[21:]]))
    rwth_boston104.prepare(tmp_path, tmp_path / "out", official_test=True)
    assert [s.id for s in read_folder(tmp_path / "out")["test"]] == ["11", "12"]


def test_the_missing_files_of_the_test_part_are_named(tmp_path):
    write(tmp_path)
    message = r"missing test_frames\.csv or hands.*, test_segments\.csv or test_words"
    with pytest.raises(UserError, match=message):
        rwth_boston104.prepare(tmp_path, tmp_path / "out", official_test=True)
    write_test_part(tmp_path)
    (tmp_path / "test_frames.csv").unlink()
    with pytest.raises(UserError, match=r"missing test_frames\.csv or hands_condensed\.csv; the"):
        rwth_boston104.prepare(tmp_path, tmp_path / "out", official_test=True)
    assert not (tmp_path / "out").exists()


def test_a_sentence_of_the_test_part_that_train_has_is_refused(tmp_path):
    write(tmp_path)
    write_test_part(tmp_path, videos=("3",))
    with pytest.raises(UserError, match=r"test_segments\.csv: video 3 is in train_segments\.csv"):
        rwth_boston104.prepare(tmp_path, tmp_path / "out", official_test=True)


def test_a_test_sentence_with_too_few_frames_is_reported(tmp_path):
    write(tmp_path)
    write_test_part(tmp_path, frames=5)
    with pytest.raises(UserError, match=r"test_frames\.csv: video 51 has 5 frames, but .* 7"):
        rwth_boston104.prepare(tmp_path, tmp_path / "out", official_test=True)


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
