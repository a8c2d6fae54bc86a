"""Gaps filled as they come are those of a whole clip, as far as they are known."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.streaming.landmarks import GapFiller, Normaliser

THREE = {
    "name": "three",
    "points": ["left_hand", "right_hand", "nose"],
    "mirror": {"left_hand": "right_hand"},
    "streams": {"body": ["left_hand", "right_hand", "nose"]},
}


def made(max_gap=3):
    return contract(layout_from_json(THREE), max_gap=max_gap)


def track(frames, lost, channels=3, seed=0):
    """Points that wander; `lost` names (first, after the last) gaps of each point."""
    clip = np.random.default_rng(seed).uniform(50, 90, (frames, 3, channels)).astype(np.float32)
    for point, gaps in enumerate(lost):
        for first, end in gaps:
            clip[first:end, point] = np.nan
    return clip


def filled(contract, clip, look_ahead):
    filler = GapFiller(contract, look_ahead)
    frames = [ready for frame in contract.select(clip) for ready in filler.push(frame)]
    return np.stack([*frames, *filler.finish()])


@pytest.mark.parametrize("seed", range(30))
def test_a_look_ahead_of_the_longest_gap_fills_short_gaps_as_offline(seed):
    rng = np.random.default_rng(seed)
    known = made()
    # Gaps of 1 to 3 frames, also at both ends, with sightings between.
    lost = []
    for _ in range(3):
        gaps, at = [], int(rng.integers(0, 4))
        while at < 24:
            length = int(rng.integers(1, 4))
            gaps.append((at, min(at + length, 24)))
            at += length + int(rng.integers(1, 6))
        lost.append(gaps)
    clip = track(24, lost, seed=seed)
    expected = known.fill_gaps(known.select(clip))
    np.testing.assert_allclose(filled(known, clip, 3), expected, rtol=1e-5)


def test_a_longer_gap_holds_the_last_sighting_as_at_a_clips_end_and_is_zeros_then():
    known = made()
    clip = track(20, [[(5, 15)], [], []])
    found = filled(known, clip, 3)[:, 0]
    np.testing.assert_array_equal(found[5:8, :2], np.repeat(clip[4:5, 0, :2], 3, axis=0))
    assert (found[5:8, 2] == np.float32(known.interpolated_score)).all()
    assert not found[8:15].any()
    np.testing.assert_array_equal(found[15:], clip[15:, 0])


def test_with_less_look_ahead_a_gap_is_held_until_its_end_is_in_sight():
    known = made()
    clip = track(12, [[(4, 7)], [], []])
    found = filled(known, clip, 1)[:, 0]
    np.testing.assert_array_equal(found[4:6, :2], np.repeat(clip[3:4, 0, :2], 2, axis=0))
    # One frame before the sighting: three quarters of the way.
    np.testing.assert_allclose(found[6, :2], 0.25 * clip[3, 0, :2] + 0.75 * clip[7, 0, :2])


def test_no_frame_waits_longer_than_the_look_ahead_and_complete_ones_do_not_wait():
    known = made(max_gap=12)
    filler = GapFiller(known, 4)
    clip = known.select(track(40, [[(3, 40)], [(20, 22)], []]))
    given = 0
    for number, frame in enumerate(clip, 1):
        given += len(filler.push(frame))
        assert number - given <= 4
        if number <= 3 or (number > 3 + 12 + 4 and not 20 <= number <= 26):
            assert given == number


def test_image_coordinates_are_those_of_the_whole_clip():
    known = contract("coco_wholebody_133", image_size=(210, 260))
    clip = np.random.default_rng(0).uniform(10, 200, (6, 133, 3)).astype(np.float32)
    points = known.fill_gaps(known.select(clip))
    normaliser = Normaliser(known)
    found = np.stack([normaliser(frame) for frame in points])
    np.testing.assert_allclose(found, known.normalise(points), rtol=1e-6)


def test_body_coordinates_settle_on_those_of_the_whole_clip():
    known = contract("mediapipe_75", normalisation="body", image_size=(640, 480))
    rng = np.random.default_rng(0)
    clip = np.tile(rng.uniform(50, 400, (1, 75, len(known.source.channels))), (300, 1, 1))
    clip[..., -1] = 0.9
    clip[..., :2] += rng.normal(0, 1, clip[..., :2].shape)
    points = known.fill_gaps(known.select(clip.astype(np.float32)))
    normaliser = Normaliser(known)
    found = np.stack([normaliser(frame) for frame in points])
    np.testing.assert_allclose(found[-1], known.normalise(points)[-1], atol=0.02)
    assert len(normaliser._recent) == 250
