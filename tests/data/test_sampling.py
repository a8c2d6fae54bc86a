"""Frame sampling: docs/papers/stark.md §1.6, word by word."""

import numpy as np
import pytest

from slr_keras.data.sampling import (
    check_frames,
    check_max_frames,
    evaluation_indices,
    evaluation_length,
    required_frames,
    training_indices,
    training_length,
)
from slr_keras.utils.errors import UserError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("frames", "possible"),
    [
        # int(0.5 T)..int(1.5 T), rounded up to multiples of 4; both bounds cut at 400.
        (10, {8, 12, 16}),
        (7, {4, 8, 12}),
        (1, {4}),
        (2, {4}),
        (900, {400}),
        (790, {396, 400}),
    ],
)
def test_training_lengths_are_exactly_the_possible_ones(frames, possible):
    generator = rng()
    assert {training_length(generator, frames) for _ in range(500)} == possible


def test_training_length_is_uniform_before_rounding():
    # T = 10: of 5..15, 5-8 give 8, 9-12 give 12 and 13-15 give 16.
    generator = rng()
    drawn = [training_length(generator, 10) for _ in range(11_000)]
    counts = [drawn.count(length) for length in (8, 12, 16)]
    assert np.allclose(counts, [4000, 4000, 3000], atol=250)


def test_training_length_leaves_room_for_the_labels():
    generator = rng()
    drawn = {training_length(generator, 40, required=32) for _ in range(500)}
    assert min(drawn) == 32
    assert max(drawn) == 60
    assert min(training_length(generator, 40) for _ in range(500)) == 20


def test_training_length_never_exceeds_its_bound_for_labels_that_cannot_fit():
    assert {training_length(rng(seed), 8, required=400) for seed in range(20)} == {12}


def test_shortening_takes_a_sorted_subset_without_replacement():
    for seed in range(50):
        indices = training_indices(rng(seed), 30, 16, "random")
        assert len(indices) == 16
        assert (np.diff(indices) > 0).all()
        assert indices.min() >= 0
        assert indices.max() < 30


def test_random_subset_is_not_even_striding_and_every_frame_is_as_likely():
    generator = rng()
    counts = np.zeros(20)
    for _ in range(4000):
        counts[training_indices(generator, 20, 8, "random")] += 1
    assert np.allclose(counts / 4000, 8 / 20, atol=0.04)


def test_lengthening_keeps_every_frame_and_duplicates_some_in_order():
    for seed in range(50):
        indices = training_indices(rng(seed), 10, 16, "random")
        assert len(indices) == 16
        assert set(indices) == set(range(10))
        assert (np.diff(indices) >= 0).all()
    # Drawn with replacement: some frame comes three times or more in one of the draws.
    assert any(
        np.bincount(training_indices(rng(seed), 10, 16, "random")).max() > 2 for seed in range(50)
    )


def test_uniform_mode_is_even_and_reaches_both_ends():
    indices = training_indices(rng(), 100, 40, "uniform")
    assert indices[0] == 0
    assert indices[-1] == 99
    assert set(np.diff(indices)) == {2, 3}


def test_mixed_mode_is_uniform_half_of_the_time():
    uniform = training_indices(rng(), 60, 32, "uniform")
    generator = rng()
    even = sum(
        np.array_equal(training_indices(generator, 60, 32, "mixed"), uniform) for _ in range(2000)
    )
    assert 920 < even < 1080


def test_unknown_mode_is_the_users_mistake():
    with pytest.raises(UserError, match="mixed, random, uniform"):
        training_indices(rng(), 10, 8, "often")


@pytest.mark.parametrize(
    ("frames", "first", "last", "length"),
    [(8, 0, 7, 8), (11, 0, 7, 8), (400, 0, 399, 400), (403, 1, 400, 400), (410, 5, 404, 400)],
)
def test_evaluation_takes_the_centre_and_drops_the_rest_of_four(frames, first, last, length):
    indices = evaluation_indices(frames)
    assert indices.tolist() == list(range(first, last + 1))
    assert len(indices) == length == evaluation_length(frames)


@pytest.mark.parametrize(
    ("frames", "indices"), [(1, [0, 0, 0, 0]), (2, [0, 1, 1, 1]), (3, [0, 1, 2, 2])]
)
def test_clips_below_four_frames_repeat_their_last_frame(frames, indices):
    assert evaluation_indices(frames).tolist() == indices
    assert evaluation_length(frames) == 4


def test_no_frames_is_an_error_that_names_the_sample():
    with pytest.raises(UserError, match="monday-1: the clip has no frames"):
        check_frames(0, "monday-1")
    with pytest.raises(UserError, match="monday-1"):
        evaluation_indices(0, where="monday-1")


def test_max_frames_must_be_a_multiple_of_four():
    check_max_frames(64)
    for wrong in (0, -4, 10):
        with pytest.raises(UserError, match="multiple of 4"):
            check_max_frames(wrong)


def test_required_frames_counts_a_blank_between_equal_neighbours():
    assert required_frames([]) == 0
    assert required_frames([3, 4, 3]) == 12
    assert required_frames([3, 3, 3]) == 20
