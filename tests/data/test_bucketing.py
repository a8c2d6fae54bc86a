"""Batches planned from lengths."""

import numpy as np
import pytest

from slr_keras.data.bucketing import (
    FILLER,
    PlannedBatch,
    bucket_boundaries,
    evaluation_batches,
    expected_lengths,
    padding_fraction,
    training_batches,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clip_lengths(clips: int, seed: int = 0) -> np.ndarray:
    """Lengths spread as those of a real corpus (mean about 117 frames), multiples of 4."""
    drawn = rng(seed).gamma(5, 23, clips)
    return np.clip(drawn // 4 * 4, 4, 400).astype(int)


def plan(lengths, batch_size=8, seed=0, **options):
    bounds = bucket_boundaries(lengths, batch_size)
    return training_batches(rng(seed), lengths, batch_size, bounds, **options)


def rows_of(batches) -> list[int]:
    return sorted(row for batch in batches for row in batch.rows if row != FILLER)


@pytest.mark.parametrize("clips", [1, 7, 8, 9, 203])
def test_every_clip_comes_once_in_as_few_batches_as_there_can_be(clips):
    lengths = clip_lengths(clips)
    for batches in (plan(lengths), evaluation_batches(lengths, 8)):
        assert rows_of(batches) == list(range(clips))
        assert len(batches) == -(-clips // 8)
        assert sum(len(batch.rows) < 8 for batch in batches) <= 1
        assert [batch.number for batch in batches] == list(range(len(batches)))


def test_no_clip_is_longer_than_its_batch():
    lengths = clip_lengths(203)
    for options in ({}, {"pad_to_boundary": True}):
        for batch in plan(lengths, **options):
            assert max(lengths[list(batch.rows)]) <= batch.frames
            assert batch.frames % 4 == 0


def test_training_pads_little():
    lengths = clip_lengths(2000)
    batches = plan(lengths)
    assert padding_fraction(batches, lengths) < 0.08
    # The same clips in plain shuffled batches.
    order = rng().permutation(2000).reshape(-1, 8)
    shuffled = 1 - lengths.sum() / (8 * lengths[order].max(axis=1).sum())
    assert shuffled > 0.35


def test_evaluation_pads_next_to_nothing():
    lengths = clip_lengths(2000)
    assert padding_fraction(evaluation_batches(lengths, 8), lengths) < 0.01


def test_padding_to_boundaries_gives_few_shapes():
    lengths = clip_lengths(2000)
    bounds = bucket_boundaries(lengths, 8)
    batches = plan(lengths, pad_to_boundary=True)
    assert {batch.frames for batch in batches} <= set(bounds)
    assert len(bounds) <= 12
    assert padding_fraction(batches, lengths) < 0.2


def test_training_order_depends_on_the_generator_alone():
    lengths = clip_lengths(100)
    assert plan(lengths, seed=3) == plan(lengths, seed=3)
    assert plan(lengths, seed=3) != plan(lengths, seed=4)


def test_training_does_not_go_from_short_to_long():
    frames = [batch.frames for batch in plan(clip_lengths(400))]
    assert abs(np.corrcoef(frames, np.arange(len(frames)))[0, 1]) < 0.5


def test_clips_meet_different_clips_in_different_epochs():
    lengths = clip_lengths(400)

    def together(seed: int) -> set[frozenset[int]]:
        return {frozenset(batch.rows) for batch in plan(lengths, seed=seed)}

    assert len(together(0) & together(1)) <= 1


def test_evaluation_goes_from_short_to_long_with_ties_in_order():
    lengths = np.array([40, 8, 40, 8, 20])
    batches = evaluation_batches(lengths, 2)
    assert [batch.rows for batch in batches] == [(1, 3), (4, 0), (2,)]


def test_filling_completes_the_short_batch_only():
    lengths = clip_lengths(21)
    batches = plan(lengths, batch_size=8, fill=True)
    assert [len(batch.rows) for batch in batches] == [8, 8, 8]
    assert sum(row == FILLER for batch in batches for row in batch.rows) == 3
    evaluation = evaluation_batches(lengths, 8, multiple=4)
    assert [len(batch.rows) for batch in evaluation] == [8, 8, 8]
    assert [len(batch.rows) for batch in evaluation_batches(lengths, 8, multiple=1)] == [8, 8, 5]
    assert evaluation_batches(lengths[:18], 8, multiple=4)[-1].rows[2:] == (FILLER, FILLER)


def test_parts_divide_a_batch_in_order_and_share_its_length():
    batch = PlannedBatch((5, 2, 9, FILLER), 48, 3)
    assert [batch.part(i, 2).rows for i in range(2)] == [(5, 2), (9, FILLER)]
    assert batch.part(1, 2).frames == 48
    assert batch.part(1, 2).number == 3
    with pytest.raises(ValueError, match="4 rows"):
        batch.part(0, 3)


def test_boundaries_given_by_hand_are_rounded_and_cover_the_longest():
    assert bucket_boundaries(np.array([8, 70]), 8, given=[50, 30, 400, 30]) == (32, 52, 72)


def test_expected_lengths_span_the_resampling_range():
    lengths = expected_lengths(np.array([1, 100, 350]), (0.5, 1.5), 400)
    assert lengths.min() == 4
    assert lengths[1].min() == 50
    assert lengths[1].max() == 150
    assert lengths[2].max() == 400
