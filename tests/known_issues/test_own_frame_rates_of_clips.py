"""A clip's own frame rate counted in `predict`, and not in `fit` and `evaluate`.

80 frames at 60 frames per second under a contract of 30 were 80 frames in training and 40 in
prediction; baselines and the verification of exported files still read them all. Training,
evaluation, prediction, streaming, baselines and exported files now give the same scores.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import streamed_rows

from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.preparation import preparation_for, prepared_clip, raw_clip
from slr_keras.recognition.find_clips import find_clips
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.streaming.factory import form_of
from slr_keras.streaming.landmarks import GapFiller, Normaliser
from slr_keras.streaming.loading import policy_of
from slr_keras.streaming.sources import ClipSource
from slr_keras.training.run import Run

ARTEFACTS = Path(__file__).parents[1] / "compatibility" / "artefacts"
RATES = (12.5, 25.0, 29.97, 50.0, 60.0, None)


@pytest.fixture(scope="module")
def run():
    return Run.load(ARTEFACTS / "stark")


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    """A clip of 80 frames at every rate, in train and in dev."""
    folder = tmp_path_factory.mktemp("rates") / "data"
    rng = np.random.default_rng(0)
    shape = (80, len(run.contract.source.points), len(run.contract.source.channels))
    with FolderWriter(folder, run.contract) as writer:
        for fps in RATES:
            clip = rng.uniform(0.2, 0.9, shape).astype(np.float32)
            for split in ("train", "dev"):
                glosses = run.vocabulary.glosses[:1]
                writer.add(split, id=f"at-{fps}", glosses=glosses, keypoints=clip, fps=fps)
    return folder


def batched(run, manifest, training):
    """Frames of every clip in the batches of training without changes, or of evaluation."""
    data = ClipDataset(manifest, run.vocabulary, run.contract, 2, training, ClipOptions())
    for batch in data.numpy_batches(0):
        for place, row in enumerate(batch["index"]):
            frames = batch["keypoints"][place, : batch["frames"][place]]
            yield manifest[int(row)].id, frames


def streamed(run, clip):
    """Frames of a clip as a stream prepares them."""
    filler, normalise, frames = GapFiller(run.contract, 4), Normaliser(run.contract), []
    for landmarks in ClipSource(clip, run.contract):
        selected = run.contract.select(np.asarray(landmarks)[None])[0]
        frames += [normalise(filled) for filled in filler.push(selected)]
    return np.stack(frames + [normalise(filled) for filled in filler.finish()])


def test_training_evaluation_prediction_and_streaming_give_the_same_scores(run, folder):
    form, policy = form_of(run.family), policy_of(run)
    model = form.clip_model(run.model(), policy)
    step = form.step_model(model, run.decoding.heads)
    splits = read_folder(folder)
    training = dict(batched(run, splits["train"], training=True))
    evaluation = dict(batched(run, splits["dev"], training=False))
    modality = KeypointInput(run.contract, Overrides())
    for clip, fps in zip(find_clips([folder], run.contract, "dev"), RATES, strict=True):
        footage = modality.footage(clip, preparation_for(run.contract))
        predicted = np.stack(list(footage.frames))
        count = round(80 * run.contract.fps / (fps or run.contract.fps))
        assert len(predicted) == count // 4 * 4
        logits = [
            keras.ops.convert_to_numpy(streamed_rows.whole(model, frames[None], head))
            for frames in (training[clip.id], evaluation[clip.id], predicted)
            for head in list(model.gloss_heads)[:1]
        ]
        np.testing.assert_array_equal(logits[0], logits[1])
        np.testing.assert_array_equal(logits[1], logits[2])
        frames = streamed(run, clip)[: len(predicted)]
        whole = np.log(
            np.mean(
                [np.exp(streamed_rows.whole(model, predicted[None], head)) for head in step.heads],
                axis=0,
            )
        )
        rows = streamed_rows.rows_of(step, frames[None].astype(np.float32))
        np.testing.assert_allclose(rows, whole, atol=1e-4)


def test_baselines_and_exported_files_read_a_clip_at_the_rate_of_the_contract(run, folder):
    manifest = read_folder(folder)["dev"]
    for row, fps in enumerate(RATES):
        count = round(80 * run.contract.fps / (fps or run.contract.fps))
        assert len(raw_clip(manifest, row)) == count
        assert len(prepared_clip(manifest, row)) == count
        frames = dict(batched(run, manifest, training=False))[manifest[row].id]
        np.testing.assert_array_equal(prepared_clip(manifest, row)[: len(frames)], frames)
