"""Naming signs from a few examples."""

import numpy as np
import pytest

from export.presets.few_shot import few_shot


@pytest.fixture
def sessions():
    """Two sessions of three signs; the second session shows the signs with the other hand."""
    signs = np.repeat(np.eye(3), 4, axis=0)
    rng = np.random.default_rng(0)
    hand = np.array([1.0, 0.0])
    own = [np.append(s, hand) + 0.01 * rng.normal(size=5) for s in signs]
    other = [np.append(s, hand[::-1]) + 0.01 * rng.normal(size=5) for s in signs]
    clips = np.array(own + other)
    turned = clips[:, [0, 1, 2, 4, 3]]
    labels = ["A"] * 4 + ["B"] * 4 + ["C"] * 4
    return clips, turned, labels * 2, ["s0"] * 12 + ["s1"] * 12


def test_queries_are_the_other_sessions_and_mirrored_examples_count(sessions):
    clips, turned, labels, groups = sessions
    result = few_shot((clips, turned), labels, groups, "s0", 2)
    assert result.groups == ("s1", "all")
    assert result.accuracies.shape == (5, 2)
    assert result.accuracies.min() == 1.0
    assert "worst 100.00 s1" in result.row()


def test_more_examples_than_a_session_has_are_refused(sessions):
    clips, turned, labels, groups = sessions
    with pytest.raises(ValueError, match="A: 4 clips, 5 examples"):
        few_shot((clips, turned), labels, groups, "s0", 5)


def test_examples_are_never_their_own_queries():
    """Every clip is like no other, so that only its own example could name it."""
    clips = np.eye(8)
    labels = ["A", "B"] * 4
    result = few_shot((clips, clips), labels, [""] * 8, "", 3, draws=20)
    # Cosines are all 0, and the first name is taken for each.
    assert result.accuracies.mean() == pytest.approx(0.5)
