"""A run of random weights that recognises plenty of signs, its data, and the command to try."""

import contextlib
import copy
import json
import zlib

import numpy as np
import pytest
from tiny_run import GLOSSES, MODEL

from slr_keras.config import parse_config
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter
from slr_keras.predict import main

FRAMES = (40, 21, 1, 33, 4, 64, 7, 40)


def moving_body(frames, rng, points=133):
    """A body that jumps about an image of 210 x 260 every eight frames: `(frames, points, 3)`."""
    values = np.empty((frames, points, 3), np.float32)
    jumps = rng.uniform(-60, 60, (frames // 8 + 1, 1, 2)).repeat(8, axis=0)[:frames]
    values[..., :2] = rng.uniform(70, 140, (points, 2)) + jumps + rng.normal(0, 2, jumps.shape)
    values[..., 2] = rng.uniform(0.5, 1, (frames, points))
    return values


def give_weights(model, points):
    """Weights that depend on names alone and recognise many signs in `(time, points, 3)`."""
    classifiers = {}
    for weight in model.weights:
        if weight.path.endswith("kernel"):
            rng = np.random.default_rng(zlib.crc32(weight.path.encode()))
            weight.assign(rng.normal(0, 1 / np.sqrt(weight.shape[-2]), weight.shape))
        elif weight.path.endswith("output/bias") and weight.path.startswith("head_"):
            classifiers[weight.path.split("/")[0].removeprefix("head_")] = weight
    inputs = {"keypoints": points[None], "mask": np.ones((1, len(points)), np.float32)}
    for head, logits in model(inputs, training=False).items():
        # Every class is the best one now and then, but the unknown gloss never.
        bias = np.array(classifiers[head]) - np.mean(logits[0], axis=0)
        bias[1] -= 50
        classifiers[head].assign(bias)


@pytest.fixture(scope="session")
def whole_body():
    return contract("coco_wholebody_133", image_size=(210, 260), fps=25.0)


@pytest.fixture(scope="session")
def data(tmp_path_factory, whole_body):
    """A data folder with clips of many lengths."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("predict") / "data"
    with FolderWriter(folder, whole_body) as writer:
        for split, signer in (("train", "a"), ("dev", "b"), ("test", "c")):
            for number, frames in enumerate(FRAMES):
                writer.add(
                    split,
                    id=f"{split}-{number}",
                    glosses=[GLOSSES[number % 4], GLOSSES[(number + 1) % 4]],
                    keypoints=moving_body(frames, rng),
                    signer=signer,
                )
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory, data, whole_body):
    """A run as `fit` leaves it; its weights are random, which recognises plenty of signs."""
    from slr_keras.training.data import open_run_data
    from slr_keras.training.folder import RunFolder
    from slr_keras.training.model import build_model
    from slr_keras.training.run import write_description
    from slr_keras.utils.arrays import save_arrays

    recipe = {
        "data": {"folder": str(data)},
        "model": {"name": "stark_tiny", "options": MODEL},
        "decoding": {"method": "greedy"},
    }
    config = parse_config(recipe)
    folder = RunFolder(tmp_path_factory.mktemp("predict") / "run")
    folder.open(config)
    task = open_run_data(config)
    model = build_model(config, len(task.vocabulary), whole_body)
    give_weights(model, whole_body.prepare(moving_body(400, np.random.default_rng(0))))
    write_description(folder, config, task, model.count_params())
    save_arrays(folder.best, {"model": model.variables}, {"epoch": 1, "wer": 50.0})
    return folder.path


@pytest.fixture(scope="session")
def recognisers():
    """Recognisers that share one model, and for the same heads its graph: both take seconds."""
    from slr_keras.decoding.outputs import CtcDecoder
    from slr_keras.recognition.recogniser import Recogniser

    by_heads = {}

    def make(run, decoding):
        if not by_heads:
            by_heads[decoding.heads] = Recogniser(run, decoding)
        if decoding.heads not in by_heads:
            other = copy.copy(next(iter(by_heads.values())))
            other.decoding, other.scorer = decoding, copy.copy(other.scorer)
            other.scorer.decoder, other.scorer._predict = CtcDecoder(decoding.heads), None
            by_heads[decoding.heads] = other
        by_heads[decoding.heads].scorer._forward()
        sharing = copy.copy(by_heads[decoding.heads])
        sharing.decoding = decoding
        return sharing

    return make


@pytest.fixture
def predict(trained, recognisers, capsys, monkeypatch):
    """Run the command in this process: (exit code, standard output, standard error)."""
    monkeypatch.setattr("slr_keras.recognition.recogniser.Recogniser", recognisers)

    def call(*arguments):
        with contextlib.suppress(SystemExit):
            code = main([str(trained), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def recognised(predict):
    """The clips of the command's JSON."""

    def call(*arguments):
        code, out, err = predict(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)["clips"]

    return call


@pytest.fixture(scope="session")
def moving():
    """The function that makes clips."""
    return moving_body


@pytest.fixture(scope="session")
def lengths():
    """Frames of the clips in every split."""
    return FRAMES


@pytest.fixture(scope="session")
def same():
    """The function that asserts that two lists of clips were recognised alike."""
    return assert_same


def assert_same(clips, others):
    assert [[g["gloss"] for g in c["glosses"]] for c in clips] == [
        [g["gloss"] for g in c["glosses"]] for c in others
    ]
    for clip, other in zip(clips, others, strict=True):
        for a, b in zip(clip["glosses"], other["glosses"], strict=True):
            assert (a["start"], a["end"]) == (b["start"], b["end"])
            assert a["confidence"] == pytest.approx(b["confidence"], abs=2e-4)
