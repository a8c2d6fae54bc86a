"""Augmentation: lost points and geometry."""

import numpy as np
import pytest

from slr_keras.data.augmentation import (
    AugmentationConfig,
    draw_angle,
    lost_points,
    transform,
)
from slr_keras.utils.errors import UserError

STILL = AugmentationConfig.none()
HANDS = [tuple(range(6, 27)), tuple(range(32, 53))]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clip(frames: int = 12, points: int = 79, seed: int = 1) -> np.ndarray:
    """Normalised points, a fifth of them missing."""
    generator = rng(seed)
    values = generator.uniform(-1, 1, (frames, points, 3)).astype(np.float32)
    values[..., 2] = generator.uniform(0.3, 1, (frames, points))
    values[generator.random((frames, points)) < 0.2] = 0
    return values


def only(**changes) -> AugmentationConfig:
    base = {"rotation": 0.0, "drop_points": 0.0, "drop_spans": 0.0, "drop_hand": 0.0}
    return AugmentationConfig(**{**base, **changes})


IDENTITY = tuple(range(79))
EVERYTHING = AugmentationConfig(
    rotation=180.0,
    rotation_probability=1.0,
    scale=(0.5, 2.0),
    translation=(0.5, 0.5),
    jitter=0.1,
    mirror=0.5,
)


def test_missing_points_stay_exactly_zero_through_all_geometry():
    original = clip()
    missing = np.all(original == 0, axis=-1)
    for seed in range(20):
        result = transform(rng(seed), original, EVERYTHING, IDENTITY)
        assert (result[missing] == 0).all()
        assert np.all(result[~missing][:, 2] > 0)
        assert result.dtype == np.float32


def test_geometry_leaves_its_input_and_the_scores_alone():
    original = clip()
    copy = original.copy()
    result = transform(rng(), original, EVERYTHING, IDENTITY)
    assert np.array_equal(original, copy)
    assert np.array_equal(result[..., 2], original[..., 2])
    assert not np.allclose(result[..., :2], original[..., :2], atol=0.01)


def test_rotation_preserves_lengths_and_turns_counter_clockwise():
    original = clip()
    result = transform(rng(), original, STILL, IDENTITY, angle=0.3)
    assert np.allclose(
        np.linalg.norm(result[..., :2], axis=-1), np.linalg.norm(original[..., :2], axis=-1)
    )
    right = np.array([[[1.0, 0.0, 1.0]]], np.float32)
    turned = transform(rng(), right, STILL, (0,), angle=np.pi / 6)
    assert np.allclose(turned, [[[np.sqrt(3) / 2, 0.5, 1.0]]])


def test_angles_are_uniform_in_range_and_drawn_with_the_given_chance():
    config = AugmentationConfig(rotation=15.0, rotation_probability=0.5)
    generator = rng()
    angles = np.rad2deg([draw_angle(generator, config) for _ in range(4000)])
    assert 0.46 < np.mean(angles != 0) < 0.54
    turned = angles[angles != 0]
    assert np.abs(turned).max() <= 15
    counts, _ = np.histogram(turned, bins=5, range=(-15, 15))
    assert counts.min() > 0.8 * len(turned) / 5


def test_a_given_angle_replaces_the_clips_own():
    config = AugmentationConfig(rotation_probability=1.0)
    given = transform(rng(), clip(), config, IDENTITY, angle=0.2)
    assert np.array_equal(given, transform(rng(), clip(), STILL, IDENTITY, angle=0.2))


def test_mirror_swaps_points_and_flips_x():
    original = clip(points=2)
    result = transform(rng(), original, only(mirror=1.0), (1, 0))
    assert np.allclose(result[:, 0, 0], -original[:, 1, 0])
    assert np.array_equal(result[:, 1, 1:], original[:, 0, 1:])


def test_scale_and_translation_are_one_for_the_whole_clip():
    original = clip()
    original[original == 0] = 0.5
    config = only(scale=(1.5, 2.0), translation=(0.3, 0.0))
    result = transform(rng(), original, config, IDENTITY)
    factor = result[..., 1] / original[..., 1]
    assert np.allclose(factor, factor[0, 0], atol=1e-4)
    assert 1.5 <= factor[0, 0] <= 2.0
    shift = result[..., 0] - factor[0, 0] * original[..., 0]
    assert np.allclose(shift, shift[0, 0], atol=1e-4)
    assert 0 < abs(shift[0, 0]) <= 0.3


def test_jitter_differs_from_point_to_point_and_has_its_deviation():
    original = np.ones((50, 79, 3), np.float32)
    noise = (transform(rng(), original, only(jitter=0.05), IDENTITY) - original)[..., :2]
    assert abs(noise.std() - 0.05) < 0.003


def test_points_lost_throughout_are_one_to_eight_for_all_frames():
    config = only(drop_points=1.0, drop_points_most=8)
    counts = set()
    for seed in range(200):
        lost = lost_points(rng(seed), 20, 79, HANDS, config)
        assert np.array_equal(lost.any(axis=0), lost.all(axis=0))
        counts.add(int(lost[0].sum()))
    assert counts == set(range(1, 9))


def test_points_are_lost_with_the_given_chance():
    config = only(drop_points=0.25)
    generator = rng()
    hit = [lost_points(generator, 5, 79, HANDS, config).any() for _ in range(2000)]
    assert 0.22 < np.mean(hit) < 0.28


def test_spans_are_contiguous_no_longer_than_their_share_and_differ_by_point():
    config = only(drop_spans=1.0, drop_spans_share=0.25)
    differing = 0
    for seed in range(100):
        lost = lost_points(rng(seed), 40, 79, HANDS, config)
        spans = lost.T[lost.any(axis=0)]
        assert len(spans) <= 8
        for span in spans:
            assert span.sum() <= 10
            assert np.abs(np.diff(span.astype(int))).sum() <= 2
        differing += len(np.unique(spans, axis=0)) > 1
    assert differing > 50


def test_a_lost_hand_is_one_whole_hand_for_at_most_its_share():
    config = only(drop_hand=1.0, drop_hand_share=0.5)
    seen = set()
    for seed in range(100):
        lost = lost_points(rng(seed), 40, 79, HANDS, config)
        for frame in lost[lost.any(axis=1)]:
            seen.add(tuple(np.flatnonzero(frame)))
        assert lost.any(axis=1).sum() <= 20
    assert seen == set(HANDS)


def test_few_points_are_not_lost_all_at_once():
    config = only(drop_points=1.0, drop_spans=1.0)
    assert not any(lost_points(rng(seed), 9, 3, [], config).any() for seed in range(20))


def test_literal_form_resamples_at_random_and_turns_whole_batches_and_no_more():
    literal = AugmentationConfig.literal()
    assert (literal.temporal, literal.temporal_range) == ("random", (0.5, 1.5))
    assert (literal.rotation, literal.rotation_probability) == (15.0, 0.5)
    assert literal.rotation_per == "batch"
    assert not literal.keep_feasible
    assert not lost_points(rng(), 50, 79, HANDS, literal).any()
    assert np.array_equal(transform(rng(), clip(), literal, IDENTITY, angle=0.0), clip())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temporal", "often"),
        ("temporal_range", (1.5, 0.5)),
        ("temporal_range", (0.0, 1.0)),
        ("rotation", -1.0),
        ("rotation", float("nan")),
        ("rotation_per", "clip"),
        ("rotation_probability", 1.5),
        ("scale", (0.0, 1.0)),
        ("translation", (-0.1, 0.0)),
        ("jitter", -0.1),
        ("mirror", 2.0),
        ("drop_points", -0.1),
        ("drop_points_most", 0),
        ("drop_hand_share", 1.5),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_name(field, value):
    with pytest.raises(UserError, match=f"^{field} is"):
        AugmentationConfig(**{field: value})


def test_lists_as_yaml_gives_them_are_accepted():
    assert AugmentationConfig(scale=[0.9, 1.1]).scale == (0.9, 1.1)
