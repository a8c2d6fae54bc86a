"""Long clips in windows: all frames seen, bounded memory, joined without seams."""

import itertools

import numpy as np
import pytest

from slr_keras.recognition.windows import CONTEXT_FRAMES, cut_windows, score_clips
from slr_keras.utils.errors import UserError

LONGEST = 64


def clip(frames, first=0.0):
    return iter(np.arange(frames, dtype=np.float32)[:, None] + first)


def means(windows):
    """The mean of every step of 4 frames, which a correct join leaves as it is for the clip."""
    return [{"mean": window.reshape(-1, 4).mean(1)[:, None]} for window in windows]


def test_windows_cover_every_frame_and_overlap_by_their_context():
    for frames in (4, 60, 64, 68, 80, 128, 400, 1000):
        windows = list(cut_windows(clip(frames), LONGEST))
        assert windows[0].start == 0
        assert windows[-1].stop == frames
        for window in windows:
            assert window.start % 4 == 0
            assert window.frames[:, 0].tolist() == list(range(window.start, window.stop))
        for first, second in itertools.pairwise(windows):
            assert first.stop - second.start >= 2 * CONTEXT_FRAMES
            assert first.start < second.start


def test_joined_scores_are_those_of_the_whole_clip_whatever_its_neighbours():
    lengths = (4, 64, 68, 12, 300, 1000, 8)
    clips = [clip(frames, 10_000 * n) for n, frames in enumerate(lengths)]
    found = list(score_clips(clips, means, LONGEST, batch_frames=200))
    for n, (frames, scores) in enumerate(zip(lengths, found, strict=True)):
        expected = np.arange(frames).reshape(-1, 4).mean(1) + 10_000 * n
        np.testing.assert_allclose(scores["mean"][:, 0], expected)


def test_a_very_long_clip_is_never_in_one_batch_nor_in_memory():
    pulled, batches = [], []

    def frames():
        for n in range(4000):
            pulled.append(n)
            yield np.zeros(1, np.float32)

    def score(windows):
        batches.append((len(windows) * max(map(len, windows)), len(pulled)))
        return means(windows)

    (scores,) = score_clips([frames()], score, LONGEST, batch_frames=256)
    assert len(scores["mean"]) == 1000
    assert max(padded for padded, _ in batches) <= 256
    # Scored while it is read: each batch when the next window is there.
    assert batches[0][1] <= 2 * 256
    assert len(batches) > 50


def test_a_window_longer_than_a_batch_is_scored_alone():
    sizes = []

    def score(windows):
        sizes.append(len(windows))
        return means(windows)

    list(score_clips([clip(64), clip(64)], score, LONGEST, batch_frames=10))
    assert sizes == [1, 1]


def test_a_clip_that_breaks_off_is_an_error_in_its_place_and_the_others_go_on():
    def broken():
        yield from clip(200)
        raise UserError("picture 200 is damaged")

    first, second, third = score_clips([clip(8), broken(), clip(300)], means, LONGEST, 128)
    assert isinstance(second, UserError)
    assert first["mean"].shape == (2, 1)
    np.testing.assert_allclose(third["mean"][:, 0], np.arange(300).reshape(-1, 4).mean(1))


def test_other_errors_are_not_swallowed():
    def broken():
        yield np.zeros(1)
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        list(score_clips([broken()], means, LONGEST, 128))
