"""Clips of one sign are seen as a whole, however long they are."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.preparation import KeypointPreparation, VideoPreparation
from slr_keras.data.segments import Segments, centres
from slr_keras.data.video.contract import FrameContract
from slr_keras.recognition.isolated_clips import sampled, score_whole_clips
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("frames", [1, 7, 16, 17, 31])
def test_frames_are_the_middles_of_equal_parts(frames):
    # docs/papers/stepnet.md §2.2: floor(n / 2T + k n / T).
    expected = [int(frames / 32 + k * frames / 16) for k in range(16)]
    assert centres(frames, 16).tolist() == expected
    assert sampled(range(frames), 16, Segments(16)).tolist() == expected


def test_a_short_clip_stays_as_it_is_unless_the_length_is_fixed():
    assert sampled(range(12), 16).tolist() == list(range(12))
    assert len(sampled(range(12), 16, Segments(16))) == 16


@pytest.mark.parametrize("frames", [33, 65, 100, 1000, 20_011])
def test_a_long_clip_gives_even_frames_of_all_of_it(frames):
    found = sampled(range(frames), 16)
    # Thinning leaves more than 2 T frames.
    assert np.abs(found - centres(frames, 16)).max() <= max(frames / 16 / 4, 0.5)
    assert (np.diff(found) > 0).all()


def test_frames_in_a_row_are_those_in_the_middle_or_refused_where_they_are_not_kept():
    row = Segments(8, "consecutive")
    assert sampled(range(20), 8, row).tolist() == list(range(6, 14))
    with pytest.raises(UserError, match="33 frames, but the model reads 8 consecutive ones"):
        sampled(range(33), 8, row)


def test_few_frames_are_kept_at_any_time():
    alive, most = set(), 0

    class Frame:
        def __init__(self):
            alive.add(id(self))

        def __del__(self):
            alive.discard(id(self))

    def frames():
        nonlocal most
        for _ in range(3000):
            yield Frame()
            most = max(most, len(alive))

    assert len(sampled(frames(), 16)) == 16
    assert most <= 4 * 16 + 3


def test_clips_are_scored_together_in_order_and_a_bad_one_alone_fails():
    batches = []

    def score(clips):
        batches.append([len(clip) for clip in clips])
        return [{"sum": clip.sum()} for clip in clips]

    def bad():
        yield 1
        raise UserError("torn")

    clips = [range(4), bad(), range(8), range(4), range(4)]
    found = list(score_whole_clips(clips, score, lambda c: sampled(c, 8), batch_frames=16))
    assert str(found[1]) == "torn"
    assert [one["sum"] for place, one in enumerate(found) if place != 1] == [6, 28, 6, 6]
    assert batches == [[4, 8], [4, 4]]


def test_a_model_of_so_many_frames_is_given_all_frames_of_a_clip():
    keypoints = KeypointPreparation(contract("coco_wholebody_133"), multiple=1)
    assert len(list(keypoints.prepared(np.ones((9, 133, 3))))) == 9
    video = VideoPreparation(FrameContract((96, 64), crop=(56, 56)), multiple=1)
    assert len(list(video.prepared(np.zeros((9, 64, 96, 3), np.uint8)))) == 9
