"""Whatever the user has becomes clips, and a clip has one answer."""

import re

import numpy as np
import pytest

from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder


def test_the_glosses_are_those_of_the_recogniser(recognised, recognisers, trained, data):
    from slr_keras.training.run import Run

    run = Run.load(trained)
    recogniser = recognisers(run, run.decoding)
    test = read_folder(data)["test"]
    clips = recognised(data)
    assert sum(len(clip["glosses"]) for clip in clips) > 12
    for index, clip in enumerate(clips):
        found = recogniser.recognise(test.load(index))
        assert [gloss["gloss"] for gloss in clip["glosses"]] == list(found.glosses)
        assert [gloss["start"] for gloss in clip["glosses"]] == [
            pytest.approx(start, abs=1e-3) for start, _ in found.times
        ]


def test_a_clip_alone_is_recognised_as_among_others(recognised, data, tmp_path, same):
    test = read_folder(data)["test"]
    for index, sample in enumerate(test):
        np.save(tmp_path / f"{sample.id}.npy", test.load(index))
    together = recognised(tmp_path)
    same(together, recognised(data))
    for clip in together:
        same([clip], recognised(tmp_path / f"{clip['id']}.npy"))


def test_file_manifest_folder_and_data_folder_agree(recognised, data, tmp_path, same, lengths):
    test = read_folder(data)["test"]
    np.savez(tmp_path / "test-0.npz", keypoints=test.load(0), fps=25.0)
    clips = recognised(data)
    assert [clip["id"] for clip in clips] == [f"test-{n}" for n in range(len(lengths))]
    assert [clip["frames"] for clip in clips] == list(lengths)
    same(clips, recognised(data / "test.jsonl"))
    same(clips[:1], recognised(tmp_path / "test-0.npz"))
    same(clips[:1], recognised(tmp_path))
    same(clips[:3], recognised(data, "--limit", 3))
    assert recognised(data, "--split", "dev")[0]["id"] == "dev-0"


def test_the_frame_rate_scales_times_and_not_glosses(recognised, data, tmp_path, same):
    # Every frame twice at twice the rate is the same clip.
    test = read_folder(data)["test"]
    np.save(tmp_path / "slow.npy", test.load(0))
    np.savez(tmp_path / "fast.npz", keypoints=np.repeat(test.load(0), 2, axis=0), fps=50.0)
    slow = recognised(tmp_path / "slow.npy")
    same(slow, recognised(tmp_path / "fast.npz"))
    same(slow, recognised(tmp_path / "fast.npz", "--fps", 50))
    assert recognised(tmp_path / "fast.npz", "--fps", 25)[0]["duration"] == 3.2


def test_the_models_79_points_are_accepted_when_named(recognised, predict, data, tmp_path, same):
    test = read_folder(data)["test"]
    names = layout("stark_79").points
    selected = test.load(0)[:, list(layout("coco_wholebody_133").indices(names))]
    np.save(tmp_path / "clip.npy", selected)
    same(recognised(data, "--limit", 1), recognised(tmp_path, "--layout", "stark_79"))
    code, out, err = predict(tmp_path / "clip.npy")
    assert code == 2
    assert out.strip() == ""
    assert re.search(r"clip.npy: .*79.*coco_wholebody_133.*133.*--layout stark_79", err)


def test_a_video_of_another_size_gives_the_same_glosses(recognised, data, tmp_path, same):
    clip = np.array(read_folder(data)["test"].load(0))
    np.save(tmp_path / "large.npy", clip * np.array([2, 2, 1], np.float32))
    found = recognised(tmp_path / "large.npy", "--image-size", "420x520")
    same(recognised(data, "--limit", 1), found)


def test_one_frame_gives_a_defined_result(recognised, data):
    (clip,) = (clip for clip in recognised(data) if clip["frames"] == 1)
    assert clip["duration"] == 0.04
    assert len(clip["glosses"]) <= 1
    assert all(gloss["end"] <= 0.04 for gloss in clip["glosses"])


def test_a_clip_longer_than_the_model_is_trained_on_is_recognised_to_its_end(
    recognised, tmp_path, moving
):
    np.save(tmp_path / "long.npy", moving(1500, np.random.default_rng(0)))
    (clip,) = recognised(tmp_path)
    assert clip["glosses"][-1]["end"] > 50


@pytest.mark.shared_data
def test_a_pose_file_is_recognised_by_a_run_of_its_layout(
    shared_data, tmp_path, trained, predict, recognised
):
    pose = shared_data / "pose_samples" / "openpose.pose"
    (clip,) = recognised(pose)
    assert (clip["frames"], clip["fps"]) == (93, 24.0)
    assert clip["glosses"]
    code, _, err = predict(shared_data / "pose_samples" / "mediapipe.pose")
    assert code == 2
    assert "'mediapipe_holistic_543'" in err
    assert "'coco_wholebody_133'" in err
