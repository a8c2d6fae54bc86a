"""The ten skeleton sentences, packed or as published."""

import numpy as np
import pytest

from slr_keras.data.datasets import phoenix14t_skeletons
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

FRAMES = np.random.default_rng(0).normal(0, 0.3, (5, 50, 3)).astype("f4")
FRAMES[:, 1] = 0  # the neck is the origin


def packed(folder) -> None:
    np.savez(
        folder / "skels.npz",
        frames=FRAMES,
        lengths=np.array([2, 3]),
        ids=np.array(["train/a-1", "dev/b-2"]),
        glosses=np.array(["REGEN ORT", "WOLKE"]),
        texts=np.array(["es regnet .", "wolken ."]),
    )


def published(folder) -> None:
    for split, name, frames, gloss, text in (
        ("train", "train/a-1", FRAMES[:2], "REGEN ORT", "es regnet ."),
        ("dev", "dev/b-2", FRAMES[2:], "WOLKE", "wolken ."),
    ):
        values = np.concatenate(
            [frames.reshape(len(frames), 150), np.linspace(0, 1, len(frames))[:, None]], axis=1
        )
        (folder / f"{split}.skels").write_text(" ".join(map(repr, values.ravel().tolist())) + "\n")
        (folder / f"{split}.gloss").write_text(gloss + "\n")
        (folder / f"{split}.text").write_text(text + "\n")
        (folder / f"{split}.files").write_text(name + "\n")


@pytest.mark.parametrize("write", [packed, published])
def test_every_sentence_is_in_train_and_again_in_dev_and_says_so(tmp_path, write):
    write(tmp_path)
    phoenix14t_skeletons.prepare(tmp_path, tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert list(splits) == ["train", "dev"]
    for split in splits.values():
        assert [s.id for s in split] == ["train/a-1", "dev/b-2"]
        assert split[0].glosses == ("REGEN", "ORT")
        assert split[1].extra == {"overfit": True, "official_split": "dev"}
        np.testing.assert_allclose(split.load(1), FRAMES[2:], rtol=1e-6)


def test_dev_is_left_out_where_it_is_not_wanted(tmp_path):
    packed(tmp_path)
    phoenix14t_skeletons.prepare(tmp_path, tmp_path / "out", dev="none")
    assert list(read_folder(tmp_path / "out")) == ["train"]


def test_the_neck_at_the_origin_does_not_count_as_missing(tmp_path):
    packed(tmp_path)
    phoenix14t_skeletons.prepare(tmp_path, tmp_path / "out")
    train = read_folder(tmp_path / "out")["train"]
    prepared = train.contract.prepare(train.load(0))
    assert (prepared[:, train.contract.points.index("neck"), -1] == 1).all()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train.skels", "1 2 3\n", r"train\.skels:1: 3 values are no whole number"),
        ("train.skels", "1 x 3\n", r"train\.skels:1: could not convert"),
        ("train.gloss", "A\nB\n", r"train\.\* differ in their number of lines"),
    ],
)
def test_malformed_files_are_named(tmp_path, file, text, message):
    published(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=message):
        phoenix14t_skeletons.prepare(tmp_path, tmp_path / "out")
