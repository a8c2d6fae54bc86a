"""Splits keep signers and recordings apart, and are the same for the same seed."""

import numpy as np
import pytest

from slr_keras.data.datasets.splits import by_order, by_signer, folds, held_out
from slr_keras.utils.errors import UserError


def test_no_signer_is_in_two_splits():
    signers = ["a", "b", "c", "d"] * 3
    splits = by_signer(signers, ["b"], ["d"])
    assert {(s, k) for s, k in zip(signers, splits)} == {
        ("a", "train"), ("b", "dev"), ("c", "train"), ("d", "test"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dev", "test", "message"),
    [
        (["x"], [], "no signer 'x'.*known are a, b"),
        (["a"], ["a"], "in dev and in test"),
        (["a"], ["b"], "left for train"),
    ],
)
def test_wrong_signers_are_reported(dev, test, message):
    with pytest.raises(UserError, match=message):
        by_signer(["a", "b"], dev, test)


def test_the_last_recordings_of_each_label_are_kept():
    labels = ["a", "b"] * 10
    order = np.arange(20)
    splits = np.array(by_order(labels, order, dev=0.2, test=0.1))
    for label in "ab":
        rows = splits[np.array(labels) == label]
        assert rows.tolist() == ["train"] * 7 + ["dev"] * 2 + ["test"]


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (-0.1, 0), (float("nan"), 0)])
def test_fractions_that_are_none_are_reported(fractions):
    with pytest.raises(UserError, match="fractions"):
        by_order(["a"] * 9, range(9), *fractions)


def test_too_few_recordings_for_the_shares_are_reported():
    with pytest.raises(UserError, match="label 'a'"):
        by_order(["a", "a"], [0, 1], dev=0.1, test=0.1)


def test_folds_are_equal_disjoint_and_seeded():
    parts = folds(161, 5, seed=0)
    assert sorted(np.bincount(parts)) == [32, 32, 32, 32, 33]
    assert (parts == folds(161, 5, seed=0)).all()
    assert (parts != folds(161, 5, seed=1)).any()


def test_held_out_fractions_are_seeded_and_of_their_size():
    signs = [[gloss] for gloss in "abcde" for _ in range(10)]
    splits = held_out(signs, [""] * 50, dev_fraction=0.2, test_fraction=0.1, seed=3)
    assert (splits.count("dev"), splits.count("test")) == (10, 5)
    assert splits == held_out(signs, [""] * 50, dev_fraction=0.2, test_fraction=0.1, seed=3)
    assert splits != held_out(signs, [""] * 50, dev_fraction=0.2, test_fraction=0.1, seed=4)
    assert set(held_out(signs, [""] * 50)) == {"train"}


@pytest.mark.parametrize("seed", range(5))
def test_every_sign_has_its_share_in_each_split(seed):
    signs = [["often"]] * 60 + [["seldom"]] * 20
    splits = np.array(held_out(signs, [""] * 80, dev_fraction=0.1, test_fraction=0.2, seed=seed))
    for rows, count in ((splits[:60], 60), (splits[60:], 20)):
        assert abs((rows == "dev").sum() - 0.1 * count) <= 1
        assert abs((rows == "test").sum() - 0.2 * count) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_every_gloss_keeps_a_clip_in_train(seed):
    sentences = [["a", "b"], ["b", "a"], ["a", "c"], ["b"], ["a"], ["d"], ["b", "b"], ["a", "b"]]
    splits = held_out(sentences, [""] * 8, dev_fraction=0.4, test_fraction=0.2, seed=seed)
    train = {g for clip, split in zip(sentences, splits) if split == "train" for g in clip}
    assert train == {"a", "b", "c", "d"}
    assert (splits.count("dev"), splits.count("test")) == (3, 2)


def test_of_clips_with_a_gloss_each_one_is_held_out_and_never_the_only_one():
    assert sorted(held_out([["a"], ["b"]], ["", ""], dev_fraction=0.1)) == ["dev", "train"]
    assert held_out([["a"]], [""], dev_fraction=0.5) == ["train"]


def test_named_signers_are_held_out_in_place_of_fractions():
    splits = held_out([["a"]] * 3, ["x", "y", "z"], ["y"], ["z"], dev_fraction=0.5)
    assert splits == ["train", "dev", "test"]
