"""Splits keep signers and recordings apart, and are the same for the same seed."""

import numpy as np
import pytest

from slr_keras.data.datasets.splits import at_random, by_order, by_signer, folds
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


def test_a_random_share_is_seeded_and_of_its_size():
    assert at_random(50, 0.1, 0).sum() == 5
    assert (at_random(50, 0.1, 0) == at_random(50, 0.1, 0)).all()
    assert not at_random(1, 0.5, 0).any()
