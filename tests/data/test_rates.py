"""Frames at any times become frames at a steady rate: what was shown in the middle of each."""

from fractions import Fraction
from itertools import pairwise

import pytest

from slr_keras.data.rates import Shown, at_rate, steady
from slr_keras.utils.errors import UserError


def timed(*moments):
    """Frames numbered from 0, between these moments."""
    moments = [Fraction(str(moment)) for moment in moments]
    return [Shown(n, *times) for n, times in enumerate(pairwise(moments))]


def test_the_contracts_own_rate_keeps_every_frame_once():
    for fps in (25.0, 29.97, 30000 / 1001, 1.0):
        assert list(at_rate(steady(range(500), fps), fps)) == list(range(500))


@pytest.mark.parametrize(
    ("fps", "target"), [(50, 25), (25, 50), (30, 25), (23.976, 25), (60, 12.5)]
)
def test_another_rate_keeps_the_duration_and_the_moment_of_every_frame(fps, target):
    found = list(at_rate(steady(range(300), fps), target))
    assert len(found) == round(300 / fps * target)
    for place, frame in enumerate(found):
        middle = (place + 0.5) / target
        assert frame / fps - 1e-9 <= middle <= (frame + 1) / fps + 1e-9


def test_varying_times_are_followed():
    # One frame for 0.4 s, three for 0.04 s each, one for 0.2 s.
    found = list(at_rate(timed(0, 0.4, 0.44, 0.48, 0.52, 0.72), 25))
    assert found == [0] * 10 + [1, 2, 3] + [4] * 5


def test_what_begins_late_is_shown_from_the_beginning_on():
    assert list(at_rate(timed(0.2, 0.24, 0.28), 25)) == [0] * 6 + [1]


def test_a_clip_shorter_than_half_a_frame_is_one_frame():
    assert list(at_rate(timed(0, 0.001), 25)) == [0]
    assert list(at_rate([], 25)) == []


def test_damaged_times_are_refused_before_they_become_a_million_frames():
    with pytest.raises(UserError, match=r"lasts 100000 seconds, from second 0 on.*--fps"):
        next(at_rate(timed(0, 100_000), 25))
    with pytest.raises(UserError, match="lasts 50000 seconds"):
        list(at_rate(timed(50_000 - 1, 50_000), 25))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(fps):
    with pytest.raises(UserError, match="frame rate"):
        list(steady("ab", fps))
