"""A recipe for isolated signs reaches the data: frames, their sampling, and the stream."""

import dataclasses
import os
from types import SimpleNamespace

import pytest

from slr_keras.config import parse_config
from slr_keras.data.contract import contract
from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator.cues import simulate_cues
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.flow_files import flow_file
from slr_keras.data.video.flow_folder import make_flow
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models import registry
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.data import open_run_data
from slr_keras.training.data_checks import require_lengths
from slr_keras.training.model import build_model
from slr_keras.training.provenance import flow_digest
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve clips of two motions at two sides, and their flow."""
    pytest.importorskip("cv2")
    folder = tmp_path_factory.mktemp("cues")
    simulate_cues(folder, "left_right", {"train": 12, "dev": 6, "test": 0}, size=(32, 32))
    make_flow(folder, "farneback")
    return folder


def recipe(folder, model="c2st_tiny", **data):
    section = {"folder": str(folder), "batch_size": 4, **data}
    return parse_config({"data": section, "model": {"name": model}})


def datasets(config):
    task = open_run_data(config)
    return (
        task.training_dataset(),
        task.evaluation_dataset(),
    )


@pytest.mark.parametrize(("stream", "channels"), [("rgb", 3), ("flow", 10)])
def test_training_and_evaluation_have_as_many_frames_of_each_clip(folder, stream, channels):
    config = recipe(folder, clip_frames=8, stream=stream)
    for data in datasets(config):
        assert {b["video"].shape[1:] for b in data.numpy_batches()} == {(8, 32, 32, channels)}
        assert all(b["weight"].all() for b in data.numpy_batches())


def change_family(monkeypatch, **changes):
    family = dataclasses.replace(registry.family_of("c2st_tiny"), **changes)
    monkeypatch.setitem(registry._registered, family.name, family)


def test_a_model_may_say_how_many_frames_it_takes(folder, monkeypatch):
    change_family(monkeypatch, presets={"c2st_tiny": {"clip_frames": 16}})
    assert [set(data.lengths().tolist()) for data in datasets(recipe(folder))] == [{16}, {16}]
    for data in datasets(recipe(folder, clip_frames=0)):
        assert set(data.lengths().tolist()) != {16}


def test_a_model_that_gets_another_number_of_frames_says_so_before_it_computes(folder):
    train, dev = datasets(recipe(folder, clip_frames=8))
    require_lengths(SimpleNamespace(clip_frames=8), train)
    for data in (train, dev, *datasets(recipe(folder))):
        with pytest.raises(UserError, match="takes 16 frames of every clip; set data"):
            require_lengths(SimpleNamespace(clip_frames=16), data)


def test_consecutive_frames_are_a_recipe_s_choice(folder):
    train, _ = datasets(recipe(folder, clip_frames=8, clip_sampling="consecutive"))
    assert train.clips.segments.rule == "consecutive"
    assert train.clips.augmentation == VideoAugmentationConfig()


def test_a_model_and_its_data_have_the_same_stream(folder, monkeypatch):
    made = {}
    build = lambda **options: made.update(options) or SimpleNamespace(stride=4)  # noqa: E731
    change_family(monkeypatch, build=build, presets={"c2st_tiny": {}})
    pictures = open_run_data(recipe(folder)).contract
    build_model(recipe(folder, stream="flow"), 8, pictures)
    assert made["stream"] == "flow"
    made.clear()
    build_model(recipe(folder), 8, pictures)
    assert "stream" not in made
    config = recipe(folder, stream="flow")
    model = dataclasses.replace(config.model, options={"stream": "rgb"})
    with pytest.raises(UserError, match=r"model.options.stream is rgb, but data.stream is flow"):
        build_model(dataclasses.replace(config, model=model), 8, pictures)


def test_points_have_no_flow(folder):
    train = read_folder(folder)["train"]
    glosses = Vocabulary.from_samples(train)
    with pytest.raises(UserError, match=r"data.stream is flow, but the model reads keypoints"):
        loader_for(train, glosses, contract("stark_79"), ClipOptions(stream="flow"))


def test_recordings_have_no_flow_to_recognise(folder):
    config = recipe(folder, stream="flow")
    run = SimpleNamespace(config=config, path="runs/flow", decoding=config.decoding)
    with pytest.raises(UserError, match=r"runs/flow: the run reads optical flow.*slr evaluate"):
        Recogniser(run)


def test_predictions_are_of_the_flow_that_was_there(folder):
    dev = read_folder(folder)["dev"]
    before = flow_digest(dev)
    assert before == flow_digest(dev)
    path = flow_file(folder, dev[2])
    os.utime(path, ns=(0, 0))
    assert flow_digest(dev) != before
