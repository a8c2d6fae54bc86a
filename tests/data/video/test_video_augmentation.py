"""Temporal rescaling, crop and flip as published (docs/papers/c2st.md §2.1)."""

import numpy as np
import pytest

from slr_keras.data.video.augmentation import (
    VideoAugmentationConfig,
    draw_colours,
    draw_window,
    recolour,
    rescaled_indices,
    rescaled_length,
)
from slr_keras.utils.errors import UserError

RECIPE = VideoAugmentationConfig()


def published_length(u: float, frames: int) -> int:
    """docs/papers/c2st.md §2.1, word for word."""
    length = int(frames * (0.8 + 0.4 * u))
    length = max(length, 32)
    length = min(length, 230)
    return -(-length // 4) * 4


def test_lengths_are_the_published_ones():
    for frames in (1, 20, 33, 40, 100, 137, 200, 230, 299, 400):
        for u in np.random.default_rng(frames).random(50):
            # As the loader draws it; 0.8 + 0.4 u is not exactly the same number in binary.
            share = 0.8 + (1.2 - 0.8) * u
            expected = {published_length(u, frames), published_length(np.nextafter(u, 1), frames)}
            assert rescaled_length(share, frames, RECIPE, 400) in expected


def test_lengths_have_the_published_ends():
    assert rescaled_length(0.8, 10, RECIPE, 400) == 32
    # 230 is no multiple of 4.
    assert rescaled_length(1.2, 300, RECIPE, 400) == 232
    assert rescaled_length(1.2, 300, RECIPE, 100) == 100


def test_a_clip_is_never_made_too_short_for_its_labels_where_it_can_be_long_enough():
    config = VideoAugmentationConfig(shortest=4)
    assert rescaled_length(0.8, 100, config, 400, required=96) == 96
    assert rescaled_length(1.1, 100, config, 400, required=96) == 112
    # The largest share gives 120 and no more.
    assert rescaled_length(0.8, 100, config, 400, required=200) == 120


def test_shortening_takes_every_frame_at_most_once():
    rng = np.random.default_rng(0)
    counts = np.zeros(20)
    for _ in range(400):
        indices = rescaled_indices(rng, 20, 12)
        assert (np.diff(indices) > 0).all()
        counts[indices] += 1
    # Each frame is taken with chance 12/20: 240 times of 400, standard deviation 10.
    assert np.abs(counts - 240).max() < 45


def test_lengthening_draws_with_replacement():
    rng = np.random.default_rng(0)
    drawn = [rescaled_indices(rng, 20, 24) for _ in range(200)]
    assert all((np.diff(indices) >= 0).all() for indices in drawn)
    # Unlike sampling that keeps every frame: of 20 frames, about 14 are there.
    distinct = np.mean([len(np.unique(indices)) for indices in drawn])
    assert distinct == pytest.approx(20 * (1 - (1 - 1 / 20) ** 24), abs=0.5)


def test_uniform_rescaling_keeps_first_and_last():
    indices = rescaled_indices(np.random.default_rng(0), 50, 40, "uniform")
    assert (indices[0], indices[-1]) == (0, 49)
    assert len(indices) == 40


def test_windows_are_uniform_over_all_places_and_half_are_flipped():
    rng = np.random.default_rng(0)
    windows = [draw_window(rng, (10, 9), (8, 8), RECIPE) for _ in range(600)]
    assert {window.top for window in windows} == {0, 1, 2}
    assert {window.left for window in windows} == {0, 1}
    assert np.mean([window.flip for window in windows]) == pytest.approx(0.5, abs=0.08)


def test_a_margin_shifts_pictures_that_are_no_larger_than_the_cut():
    rng = np.random.default_rng(0)
    config = VideoAugmentationConfig(crop_margin=2, flip=0)
    windows = [draw_window(rng, (8, 8), (8, 8), config) for _ in range(300)]
    assert {window.top for window in windows} == {-2, -1, 0, 1, 2}
    assert not any(window.flip for window in windows)


def test_without_random_crop_the_centre_is_cut():
    config = VideoAugmentationConfig(random_crop=False, crop_margin=3, flip=1)
    window = draw_window(np.random.default_rng(0), (10, 10), (8, 6), config)
    assert (window.top, window.left, window.flip) == (1, 2, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temporal": "mixed"},
        {"temporal_range": (1.2, 0.8)},
        {"temporal_range": (0.0, 1.0)},
        {"temporal_range": (1.0,)},
        {"shortest": 0},
        {"longest": 20},
        {"crop_margin": -1},
        {"flip": 1.5},
    ],
)
def test_a_value_out_of_range_is_named(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        VideoAugmentationConfig(**wrong)


def test_yaml_lists_become_tuples():
    assert VideoAugmentationConfig(temporal_range=[0.9, 1.1]).temporal_range == (0.9, 1.1)


def test_colours_change_alike_in_all_frames_and_stay_in_range():
    config = VideoAugmentationConfig(colour=0.3)
    clip = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    for seed in range(20):
        colours = draw_colours(np.random.default_rng(seed), config)
        changed = recolour(clip, colours)
        assert changed.dtype == np.uint8
        contrast, *brightness = np.random.default_rng(seed).uniform(-0.3, 0.3, 4)
        exact = (clip - 127.5) * (1 + contrast) + 127.5 + 255 * np.array(brightness)
        assert np.abs(np.clip(exact, 0, 255) - changed).max() <= 0.5


def test_without_colour_nothing_is_drawn_and_nothing_changes():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert draw_colours(rng, RECIPE) is None
    assert rng.bit_generator.state == before
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    assert recolour(clip, None) is clip
