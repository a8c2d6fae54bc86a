"""The simulated detector: layout order, scores, and faults at the rates it documents."""

import numpy as np
import pytest

from slr_keras.data.simulator import Simulator
from slr_keras.data.simulator.detector import (
    LEFT_HAND,
    RIGHT_HAND,
    Detector,
    detect,
)

SIZE = (210.0, 260.0)
PERFECT = Detector(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def clips():
    simulator = Simulator("demo", seed=5)
    return [simulator.sample(f"train-{i:05d}", "train") for i in range(40)]


def still(frames=400, seed=0):
    rng = np.random.default_rng(seed)
    pixels = np.repeat(rng.uniform(40, 200, (1, 133, 2)), frames, axis=0)
    pixels[:, LEFT_HAND] = [50, 200]
    pixels[:, RIGHT_HAND] = [160, 200]
    return pixels, np.zeros((frames, 133))


def test_keypoints_are_finite_inside_the_frame_and_scores_are_shares(clips):
    for clip in clips:
        keypoints = clip.keypoints
        assert keypoints.dtype == np.float32
        assert keypoints.shape[1:] == (133, 3)
        assert np.isfinite(keypoints).all()
        assert keypoints[..., 0].min() >= 0
        assert keypoints[..., 0].max() <= 209
        assert keypoints[..., 1].max() <= 259
        assert keypoints[..., 2].min() >= 0
        assert keypoints[..., 2].max() <= 1


def test_points_are_in_the_order_of_the_layout(clips):
    for clip in clips:
        middle = np.median(clip.keypoints[..., :2], axis=0)
        for wrist, own, other in ((9, 91, 112), (10, 112, 91)):
            found = clip.keypoints[clip.keypoints[:, [wrist, own, other], 2].min(axis=1) > 0.3]
            to_own, to_other = (
                np.linalg.norm(found[:, wrist, :2] - found[:, hand, :2], axis=-1)
                for hand in (own, other)
            )
            assert len(found) > 8
            assert np.median(to_own) < 3
            assert np.mean(to_own < to_other) > 0.8
        assert middle[5, 0] > middle[6, 0]  # the signer's left is right in the image
        assert middle[0, 1] < middle[5, 1] < middle[11, 1]
        assert np.linalg.norm(middle[0] - middle[23 + 30]) < 3  # nose and nose tip


def test_a_perfect_detector_gives_the_projected_points():
    pixels, depth = still(5)
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(0), PERFECT)
    np.testing.assert_allclose(keypoints[..., :2], pixels, atol=1e-4)


def test_single_points_drop_out_at_the_documented_rate():
    detector = Detector(jitter=0, hand_dropout=0, zeros=1.0, swap=0, point_dropout=0.004)
    pixels, depth = still()
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(1), detector)
    lost = keypoints[..., 2] == 0
    assert np.all(keypoints[lost] == 0)
    # Each drop-out lasts 1 to 4 frames, 2.5 on average.
    assert 0.8 * 0.01 < lost.mean() < 1.2 * 0.01
    runs = np.diff(np.pad(lost.astype(int), ((1, 1), (0, 0))), axis=0)
    assert 0.8 * 0.004 < (runs == 1).mean() < 1.2 * 0.004


def test_whole_hands_drop_out_at_the_documented_rate():
    detector = Detector(jitter=0, point_dropout=0, zeros=1.0, swap=0, hand_dropout=0.25)
    pixels, depth = still(30)
    spans = []
    for seed in range(300):
        lost = detect(pixels, depth, SIZE, np.random.default_rng(seed), detector)[..., 2] == 0
        for hand in (LEFT_HAND, RIGHT_HAND):
            assert np.all(lost[:, hand].all(1) == lost[:, hand].any(1))
            spans.append(int(lost[:, hand].any(1).sum()))
        assert not lost[:, :91].any()
    dropped = [length for length in spans if length]
    assert 0.20 < len(dropped) / len(spans) < 0.30
    assert min(dropped) >= 3
    assert max(dropped) <= 14


def test_lost_points_are_garbage_at_a_low_score_where_they_are_not_zeros():
    detector = Detector(jitter=0, point_dropout=0, hand_dropout=1.0, zeros=0.0, swap=0)
    pixels, depth = still(30)
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(2), detector)
    lost = keypoints[:, 91:, 2] < 0.16
    assert lost.any()
    off = np.linalg.norm(keypoints[:, 91:, :2] - pixels[:, 91:], axis=-1)
    assert np.median(off[lost]) > 10
    assert off[~lost].max() < 1e-3
    assert keypoints[:, 91:, 2][lost].max() <= detector.lost_score


def test_close_hands_are_swapped_and_distant_ones_are_not():
    detector = Detector(jitter=0, point_dropout=0, hand_dropout=0, swap=0.02)
    pixels, depth = still()
    apart = detect(pixels, depth, SIZE, np.random.default_rng(3), detector)
    np.testing.assert_allclose(apart[..., :2], pixels, atol=1e-3)

    pixels[:, RIGHT_HAND] = [60, 200]
    close = detect(pixels, depth, SIZE, np.random.default_rng(3), detector)
    swapped = np.abs(close[:, RIGHT_HAND, 0] - 50).max(axis=1) < 1e-3
    # Starts at 2 % of the frames, for 2.5 frames on average, some overlapping.
    assert 0.025 < swapped.mean() < 0.07
    np.testing.assert_allclose(close[swapped][:, LEFT_HAND, 0], 60, atol=1e-3)


def test_jitter_has_the_documented_size_and_remembers_the_frame_before():
    detector = Detector(jitter=0.5, point_dropout=0, hand_dropout=0, swap=0)
    pixels, depth = still()
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(4), detector)
    error = keypoints[:, :5, :2] - pixels[:, :5]
    # Scores near 0.9 widen it by a factor of about 1.3.
    assert 0.5 < error.std() < 0.8
    flat = error.reshape(len(error), -1)
    following = np.mean(flat[1:] * flat[:-1]) / np.mean(flat**2)
    assert 0.5 < following < 0.7


def test_fast_points_score_lower():
    pixels, depth = still(40)
    pixels[::2, 9] += [12, 0]
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(5), PERFECT)
    assert keypoints[:, 9, 2].mean() < keypoints[:, 10, 2].mean() - 0.1


def test_points_behind_a_hand_score_lower():
    pixels, depth = still(20)
    pixels[:, RIGHT_HAND] = pixels[:, 30:31]
    for distance, hidden in ((0.2, True), (-0.2, False)):
        depth[:, RIGHT_HAND] = distance
        score = detect(pixels, depth, SIZE, np.random.default_rng(6), PERFECT)[:, 30, 2]
        assert (score.mean() < 0.75) == hidden


def test_points_outside_the_frame_score_low_at_the_border():
    pixels, depth = still(20)
    pixels[:, 15] = [100, 400]
    keypoints = detect(pixels, depth, SIZE, np.random.default_rng(7))
    assert keypoints[:, 15, 2].max() < 0.3
    assert keypoints[:, 15, 1].max() <= 259


def test_simulated_sets_contain_every_fault(clips):
    scores = np.concatenate([clip.keypoints[:, :11, 2].ravel() for clip in clips])
    hands = np.concatenate([clip.keypoints[:, 91:, 2] for clip in clips])
    assert 0.004 < (scores < 0.16).mean() < 0.03
    whole = (hands.reshape(-1, 2, 21).max(axis=2) < 0.16).mean()
    assert 0.003 < whole < 0.06
    zeros = [bool((clip.keypoints[..., 2] == 0).any()) for clip in clips]
    assert any(zeros)
    assert not all(zeros)
