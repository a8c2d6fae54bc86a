"""A model of two frames a step: evaluation, prediction, bundle and SavedModel agree."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_run import drawn_run

from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.data.manifest import FolderWriter
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.data import evaluation_dataset, read_split
from slr_keras.training.evaluation import Predictor, evaluate
from slr_keras.training.model import make_decoder
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

STRIDE, LONGEST = 2, 64
# Frames of the clips of the test split; the last is read in windows by all but the evaluation.
FRAMES = (5, 20, 39, 64, 150)


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stride")
    generator = np.random.default_rng(5)
    with FolderWriter(folder / "data", tiny.tiny_contract()) as writer:
        for split in ("train", "dev", "test"):
            for frames in FRAMES:
                glosses = [str(gloss) for gloss in generator.choice(tiny.GLOSSES, 13)]
                points = tiny.clip(glosses, generator)[:frames]
                glosses = glosses[: max(frames // 12, 1)]
                writer.add(split, id=f"{split}-{frames}", glosses=glosses, keypoints=points)
    tree = tiny.tree(folder / "data", options={"stride": STRIDE})
    tree["data"]["max_frames"] = LONGEST
    tree["decoding"] = {"method": "greedy"}
    return Run.load(drawn_run(folder / "run", tree))


@pytest.fixture(scope="module")
def clips(run):
    manifest = read_split(run.config.data, "test")
    return [manifest.load(row) for row in range(len(manifest))]


@pytest.fixture(scope="module")
def keras(run):
    """The run's own recogniser, whose scores are the mean of all heads."""
    return Recogniser(run)


@pytest.fixture(scope="module", params=["bundle", "SavedModel"])
def exported(request, run, tmp_path_factory):
    """A recogniser of the exported run, which knows nothing of the run's folder."""
    folder = tmp_path_factory.mktemp("exported")
    if request.param == "bundle":
        from export.tflite import main

        pytest.importorskip("ai_edge_litert")
        options = ["--precision", "fp32", "--head", "ensemble", "--no-verify", "--no-latency"]
        main([str(run.path), "--to", str(folder / "bundle"), "--frames", str(LONGEST), *options])
        with bundle_recogniser(Bundle.load(folder / "bundle")) as recogniser:
            yield recogniser
        return
    from export.saved_model import main
    from export.serving.assets import Assets
    from export.serving.model import ServedModel
    from export.serving.scorer import served_recogniser

    main([str(run.path), str(folder), "--frames", str(LONGEST), "--no-verify", "--no-warmup"])
    model = ServedModel(folder / "1")
    client = SimpleNamespace(
        predict=lambda inputs, name="": model.run(name, inputs), target=SimpleNamespace(url="here")
    )
    yield served_recogniser(client, Assets.load(folder))
    model.close()


def test_evaluation_and_prediction_give_the_same_scores_and_times(run, keras, clips):
    data = replace(run.config.data, test="test")
    config = replace(run.config, data=data)
    short = read_split(data, "test").subset(range(len(FRAMES) - 1))
    dataset = evaluation_dataset(config, short, run.vocabulary, run.contract)
    predictor = Predictor(run.model(), decoder=make_decoder(run.model(), config))
    given = {}
    for rows, steps, scores in predictor(dataset):
        given |= {row: scores[ENSEMBLE][n, : steps[n]] for n, row in enumerate(rows)}
    hypotheses = evaluate(predictor, dataset, run.vocabulary, run.decoding).hypotheses[ENSEMBLE]
    for row, frames in enumerate(FRAMES[:-1]):
        scores = keras.logits([clips[row]])[0][ENSEMBLE]
        assert len(scores) == max(frames // 4, 1) * 4 // STRIDE
        np.testing.assert_allclose(given[row], scores, atol=1e-4)
        times = [(a * STRIDE / 25, b * STRIDE / 25) for a, b in hypotheses[row].spans]
        result = keras.recognise(clips[row])
        assert result.glosses == run.vocabulary.decode(hypotheses[row].ids)
        np.testing.assert_allclose(np.reshape(result.times, (-1, 2)), np.reshape(times, (-1, 2)))
    assert any(hypotheses)


def test_windows_are_joined_step_by_step(keras, clips):
    long = clips[-1]
    points = np.stack(list(keras.preparation.prepared(long)))
    joined = keras.scores(points)
    assert len(joined) == len(points) // STRIDE
    starts = (0, 16, 32, 48, 64, 80, len(points) - LONGEST)
    windows = {start: keras.scores(points[start : start + LONGEST]) for start in starts}
    for step, row in enumerate(joined):
        seen = [
            scores[step - start // STRIDE]
            for start, scores in windows.items()
            if start <= step * STRIDE < start + LONGEST
        ]
        assert any(np.allclose(row, other, atol=1e-4) for other in seen), step


def test_an_exported_run_gives_the_scores_and_times_of_prediction(keras, exported, clips):
    assert exported.scorer.stride == STRIDE
    said = 0
    for raw in clips:
        frames = list(exported.preparation.prepared(raw))
        expected = keras.scores(list(keras.preparation.prepared(raw)))
        np.testing.assert_allclose(exported.scores(frames), expected, atol=1e-4)
        result, wanted = exported.recognise(raw), keras.recognise(raw)
        assert (result.glosses, result.times) == (wanted.glosses, wanted.times)
        assert all(0 <= start < end <= (len(raw) + 3) / 25 for start, end in result.times)
        said += len(result.glosses)
    assert said


def test_a_step_of_eight_frames_is_refused_by_name(run, tiny, tmp_path):
    tree = tiny.tree(run.config.data.folder, options={"stride": 8})
    with pytest.raises(UserError, match=r"model\.options\.stride: 8 frames"):
        drawn_run(tmp_path / "run", tree)
