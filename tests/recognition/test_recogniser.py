"""From raw keypoints to glosses: alone or in company, short or long, at any frame rate."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.manifest import read_manifest
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """A run that knows four signs."""
    return Run.load(tiny.trained_run(tmp_path_factory))


def with_max_frames(run, frames):
    data = dataclasses.replace(run.config.data, max_frames=frames)
    return dataclasses.replace(run, config=dataclasses.replace(run.config, data=data))


@pytest.fixture(scope="module")
def recogniser(run):
    return Recogniser(run)


@pytest.fixture(scope="module")
def test_clips(run):
    manifest = read_manifest(Path(run.config.data.folder) / "test.jsonl")
    return manifest, [manifest.load(row) for row in range(len(manifest))]


def test_a_clip_alone_equals_the_clip_among_others(recogniser, test_clips):
    _, clips = test_clips
    together = recogniser.logits(clips)
    assert len({len(scores["fuse"]) for scores in together}) > 1
    for clip, scores in zip(clips, together):
        alone = recogniser.logits([clip])[0]
        assert alone.keys() == scores.keys() == {"ensemble", "fuse", "left", "body"}
        for name, value in alone.items():
            assert value.shape == (len(clip) // 4, len(recogniser.trained.vocabulary))
            np.testing.assert_allclose(value, scores[name], atol=1e-5)


def test_recognition_agrees_with_the_evaluation_of_the_same_clips(run, recogniser, test_clips):
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.final_evaluation import score

    manifest, clips = test_clips
    evaluation = score(run, Predictor(run.model()), manifest)
    found = recogniser.recognise_batch(clips)
    assert [r.glosses for r in found] == list(evaluation.glosses["ensemble"])
    assert evaluation.total().wer < 50


def test_times_are_seconds_in_order_and_confidences_are_shares(recogniser, test_clips):
    _, clips = test_clips
    for clip in clips:
        found = recogniser.recognise(clip)
        assert len(found.glosses) == len(found.times) == len(found.confidences)
        ends = [0.0, *(end for _, end in found.times)]
        for (start, end), before in zip(found.times, ends):
            assert before <= start < end <= len(clip) / 25.0
        assert all(0 <= c <= 1 for c in found.confidences)


def test_twice_the_frame_rate_gives_the_same_glosses_at_the_same_times(recogniser, test_clips):
    _, clips = test_clips
    usual = recogniser.recognise(clips[0])
    fast = recogniser.recognise(np.repeat(clips[0], 2, axis=0), fps=50.0)
    assert fast.glosses == usual.glosses
    assert fast.times == usual.times


def test_a_long_clip_is_read_to_its_end_and_joined_without_seams(run, tiny):
    # The head's positions are absolute and the attention is over the clip: windows differ from one
    # pass a little, but every sign must be found in its place.
    short = dataclasses.replace(run.config.data, max_frames=64)
    windowed = Recogniser(
        dataclasses.replace(run, config=dataclasses.replace(run.config, data=short))
    )
    clip = tiny.clip(["NORTH", "EAST", "SOUTH", "WEST"] * 4, np.random.default_rng(3))
    assert len(clip) > 3 * 64
    scores = windowed.logits([clip])[0]
    whole = Recogniser(run).logits([clip])[0]
    assert scores["fuse"].shape == whole["fuse"].shape
    agree = (scores["ensemble"].argmax(-1) == whole["ensemble"].argmax(-1)).mean()
    assert agree > 0.7


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_very_short_clip_has_a_defined_result(recogniser, test_clips, frames):
    clip = test_clips[1][0][:frames]
    scores = recogniser.logits([clip])[0]
    assert scores["fuse"].shape == (1, len(recogniser.trained.vocabulary))
    assert np.isfinite(scores["ensemble"]).all()
    recogniser.recognise(clip)


def test_missing_and_infinite_points_give_finite_scores(recogniser, test_clips):
    clip = np.array(test_clips[1][0])
    clip[2:5, 1] = np.nan
    clip[7, 2, 0] = np.inf
    clip[:, 5] = 0
    assert np.isfinite(recogniser.logits([clip])[0]["ensemble"]).all()
    nothing = np.zeros_like(clip)
    assert np.isfinite(recogniser.logits([nothing])[0]["ensemble"]).all()


def test_bad_clips_are_named(recogniser, test_clips):
    good = test_clips[1][0]
    with pytest.raises(UserError, match="clip 1: the clip has no frames"):
        recogniser.logits([good, good[:0]])
    with pytest.raises(UserError, match=r"clip 1: .*6 points"):
        recogniser.logits([good, good[:, :5]])
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UserError, match="frame rate"):
            recogniser.recognise(good, fps=fps)
    assert recogniser.logits([]) == []
