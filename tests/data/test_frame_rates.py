"""Training, evaluation, prediction and streaming bring a clip to the model's rate alike."""

import dataclasses
import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.lines import parse_sample, sample_line
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, Manifest, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.preparation import preparation_for
from slr_keras.data.rates import at_rate, frames_at_rate, indices_at_rate, steady
from slr_keras.data.sample import Sample
from slr_keras.data.segments import Segments
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.factory import modality_for
from slr_keras.streaming.sources import ClipSource
from slr_keras.utils.errors import UserError

RATES = (15.0, 25.0, 29.97, 30.0, 50.0, 60.0, None)
POINTS = contract("boston_3", fps=30.0)
PICTURES = FrameContract((12, 10), fps=30.0)
GLOSSES = Vocabulary(("RAIN",))


def name_of(fps):
    return "unstated" if fps is None else f"at-{fps}"


def forget_unstated(folder):
    """Lines of the clip "unstated" without a rate."""
    for path in folder.glob("*.jsonl"):
        samples = [json.loads(line) for line in path.read_text().splitlines()]
        for sample in samples:
            if sample["id"] == "unstated":
                sample.pop("fps", None)
        path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return folder


@pytest.fixture
def keypoint_folder(tmp_path):
    """Clips of 80 frames at every rate, with points that are missing for a while."""
    rng = np.random.default_rng(0)
    with FolderWriter(tmp_path / "points", POINTS) as writer:
        for fps in RATES:
            clip = rng.uniform(1, 200, (80, 3, 2))
            clip[20:26, 1] = 0
            for split in ("train", "dev"):
                writer.add(split, id=name_of(fps), glosses=["RAIN"], keypoints=clip, fps=fps)
    return forget_unstated(tmp_path / "points")


@pytest.fixture
def video_folder(tmp_path):
    """The same of pictures, in arrays."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    PICTURES.write(folder / "frames.json")
    rng = np.random.default_rng(0)
    for split in ("train", "dev"):
        lines = []
        for fps in RATES:
            name = name_of(fps)
            np.save(folder / f"{name}.npy", rng.integers(0, 256, (23, 10, 12, 3), np.uint8))
            sample = {"id": name, "glosses": ["RAIN"], "frames": 23, "video": f"{name}.npy"}
            lines.append(json.dumps(sample | {"fps": fps}) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(lines))
    return forget_unstated(folder)


def dataset(manifest, rules, training=False, **options):
    return ClipDataset(manifest, GLOSSES, rules, 4, training, ClipOptions(**options))


def predicted(folder, rules, split):
    """What the model sees of every clip in prediction."""
    modality = modality_for(rules, Overrides())
    for clip in find_clips([folder], rules, split):
        yield clip, np.stack(list(modality.footage(clip, preparation_for(rules)).frames))


def batched(data, epoch=0):
    """What a batch holds of every clip, without padding."""
    clips = {}
    for batch in data.numpy_batches(epoch):
        for place, row in enumerate(batch["index"]):
            clip = batch[data.clips.frame.name][place, : batch["frames"][place]]
            clips[data.manifest[int(row)].id] = clip
    return clips


def test_four_ways_see_the_same_keypoints_at_any_rate(keypoint_folder):
    splits = read_folder(keypoint_folder)
    evaluation = batched(dataset(splits["dev"], POINTS))
    training = batched(dataset(splits["train"], POINTS, training=True))
    for (clip, prediction), fps in zip(predicted(keypoint_folder, POINTS, "dev"), RATES):
        assert clip.id == name_of(fps)
        streamed = POINTS.prepare(np.stack(list(ClipSource(clip, POINTS))))
        assert len(streamed) == round(80 * 30 / (fps or 30))
        for seen in (evaluation[clip.id], training[clip.id], streamed[: len(prediction)]):
            np.testing.assert_array_equal(seen, prediction)
        assert len(prediction) == len(streamed) // 4 * 4


def test_three_ways_see_the_same_pictures_at_any_rate(video_folder):
    splits = read_folder(video_folder)
    evaluation = batched(dataset(splits["dev"], PICTURES))
    training = batched(dataset(splits["dev"], PICTURES, training=True))
    for (clip, prediction), fps in zip(predicted(video_folder, PICTURES, "dev"), RATES):
        assert clip.id == name_of(fps)
        assert len(prediction) == -(-round(23 * 30 / (fps or 30)) // 4) * 4
        for seen in (evaluation[clip.id], training[clip.id]):
            np.testing.assert_array_equal(seen, prediction)


def test_lengths_segments_and_feasibility_count_frames_at_the_models_rate(keypoint_folder):
    dev = read_folder(keypoint_folder)["dev"]
    expected = [160, 96, 80, 80, 48, 40, 80]
    assert [frames_at_rate(80, fps or 30, 30) // 4 * 4 for fps in RATES] == expected
    data = dataset(dev, POINTS)
    assert data.lengths().tolist() == expected
    assert data.clips.possible_lengths()[5].max() == 60
    assert data.boundaries[-1] == 160
    assert dev.lengths.tolist() == [80] * len(RATES)
    # Segment 7 of 8 of 40 frames has its middle in frame 37, which is frame 75 of the file.
    segments = dataset(dev, POINTS, segments=Segments(8))
    whole, _ = data.load(5)
    np.testing.assert_array_equal(segments.load(5)[0], whole[2::5])
    short = dataclasses.replace(dev[5], glosses=("RAIN",) * 6)
    (clip,) = dataset(Manifest(dev.path, [short], POINTS), POINTS).infeasible()
    assert str(clip).startswith("sample 'at-60.0': 40 frames for 6 labels with 5 adjacent repeats")
    slow = dataclasses.replace(short, fps=30.0)
    assert dataset(Manifest(dev.path, [slow], POINTS), POINTS).infeasible() == []


def test_validation_finds_clips_that_are_too_short_at_the_models_rate(keypoint_folder):
    path = keypoint_folder / "train.jsonl"
    samples = [json.loads(line) | {"glosses": ["RAIN"] * 6} for line in path.open()]
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    report = validate_folder(keypoint_folder)
    (finding,) = [item for item in report.findings if item.kind == "infeasible"]
    assert finding.sample == "at-60.0"
    assert finding.what.startswith("40 frames at 30 per second give 10 steps")
    assert report.splits["train"].infeasible == 1


def test_evaluation_brings_a_folder_of_another_rate_to_the_runs(keypoint_folder):
    dev = read_folder(keypoint_folder)["dev"]
    slow = dataset(dev, POINTS, fps=15.0)
    # A clip that states no rate has that of its folder, not that of the run.
    assert slow.lengths().tolist() == [80, 48, 40, 40, 24, 20, 40]
    run = dataclasses.replace(POINTS, fps=15.0)
    for row, (_, prediction) in enumerate(predicted(keypoint_folder, run, "dev")):
        np.testing.assert_array_equal(slow.load(row)[0], prediction)


def test_a_rate_that_no_clip_has_is_refused_by_name(keypoint_folder):
    dev = read_folder(keypoint_folder)["dev"]
    for fps in (0.5, 2000.0):
        sample = dataclasses.replace(dev[0], fps=fps)
        with pytest.raises(UserError, match=r"sample 'at-15.0': its frame rate is .*'fps'"):
            dataset(Manifest(dev.path, [sample], POINTS), POINTS)


def test_indices_at_a_rate_are_those_of_going_through_the_frames():
    rng = np.random.default_rng(1)
    rates = [15, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 120, *rng.uniform(1, 100, 20)]
    for fps in rates:
        for target in (25, 30.0, 29.97, 12.5):
            for frames in (1, 2, 3, 17, 80):
                through = list(at_rate(steady(range(frames), fps), target))
                assert indices_at_rate(frames, fps, target).tolist() == through
                assert frames_at_rate(frames, fps, target) == len(through)
    assert len(indices_at_rate(0, 50, 25)) == 0
    with pytest.raises(UserError, match=r"a clip of 3 frames at 0.0001 per second: 750,000 frames"):
        indices_at_rate(3, 0.0001, 25)


def test_a_rate_that_is_not_stated_is_not_written():
    unstated = Sample("a", (), 9, keypoints="a.npy")
    assert "fps" not in json.loads(sample_line(unstated))
    assert parse_sample(sample_line(unstated), "here").fps is None
