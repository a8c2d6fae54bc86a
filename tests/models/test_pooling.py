"""Pooling of a clip's steps against direct means."""

import numpy as np
import pytest

from slr_keras.models.checks import OptionError
from slr_keras.models.pooling import ClipPooling


def pooled(kind, x, lengths):
    valid = (np.arange(x.shape[1]) < np.array(lengths)[:, None]).astype("float32")
    return np.asarray(ClipPooling(kind)(x, valid))


def test_a_mean_reads_the_real_steps_alone():
    x = np.random.default_rng(0).normal(size=(2, 9, 3)).astype("float32")
    found = pooled("mean", x, (9, 5))
    np.testing.assert_allclose(found[1], x[1, :5].mean(0), atol=1e-6)


def test_quarters_are_the_means_of_equal_parts_in_their_order():
    x = np.random.default_rng(0).normal(size=(1, 8, 3)).astype("float32")
    expected = x[0].reshape(4, 2, 3).mean(1).ravel()
    np.testing.assert_allclose(pooled("quarters", x, (8,))[0], expected, atol=1e-6)


def test_a_step_on_a_border_counts_in_both_quarters_by_its_share():
    x = np.arange(6, dtype="float32").reshape(1, 6, 1)
    # Quarters of 1.5 steps.
    expected = [(0 + 0.5 * 1) / 1.5, (0.5 * 1 + 2) / 1.5, (3 + 0.5 * 4) / 1.5, (0.5 * 4 + 5) / 1.5]
    np.testing.assert_allclose(pooled("quarters", x, (6,))[0], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["mean", "quarters", "attention"])
@pytest.mark.parametrize("length", [1, 3, 7])
def test_a_clip_alone_is_pooled_as_in_a_padded_batch(kind, length):
    x = np.random.default_rng(0).normal(size=(2, 9, 3)).astype("float32")
    layer = ClipPooling(kind)
    valid = (np.arange(9) < np.array([[9], [length]])).astype("float32")
    together = np.asarray(layer(x, valid))
    alone = np.asarray(layer(x[1:, :length], np.ones((1, length), "float32")))
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_quarters_tell_a_movement_from_the_same_one_backwards_and_a_mean_does_not():
    x = np.random.default_rng(0).normal(size=(1, 8, 3)).astype("float32")
    back = x[:, ::-1].copy()
    np.testing.assert_allclose(pooled("mean", x, (8,)), pooled("mean", back, (8,)), atol=1e-6)
    assert np.abs(pooled("quarters", x, (8,)) - pooled("quarters", back, (8,))).max() > 0.1


def test_an_unknown_pooling_is_named():
    with pytest.raises(OptionError, match="'max'"):
        ClipPooling("max")
