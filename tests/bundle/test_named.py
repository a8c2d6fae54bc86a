"""Models by name in commands and in Python: presets, runs, bundles, and the default."""

import json
import shutil

import numpy as np
import pytest

from slr_keras import Recogniser
from slr_keras.bundle.named import model_and_inputs, model_path
from slr_keras.evaluate import main as evaluate
from slr_keras.hub.preset import Preset
from slr_keras.hub.shipped import DEFAULT, EXAMPLES, folders
from slr_keras.models.presets import load_preset_model
from slr_keras.predict import main as predict
from slr_keras.presets import main as presets
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def points():
    """A clip of 75 points that moves: a hand goes up and down."""
    rng = np.random.default_rng(0)
    clip = np.repeat(rng.uniform(200, 400, (1, 75, 4)), 24, axis=0)
    clip[:, 54:, 1] += 60 * np.sin(np.linspace(0, 6, 24))[:, None]
    clip[..., 3] = 1
    return clip.astype(np.float32)


@pytest.fixture
def clip(points, tmp_path):
    np.save(tmp_path / "clip.npy", points)
    return tmp_path / "clip.npy"


def test_a_preset_gives_its_bundle_and_other_paths_stay(tmp_path):
    assert model_path(DEFAULT) == str(Preset.load(folders()[DEFAULT]).bundle)
    assert model_path(str(tmp_path)) == str(tmp_path)


def test_a_folder_with_the_name_of_a_preset_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT).mkdir()
    assert model_path(DEFAULT) == DEFAULT


def test_the_first_argument_is_the_model_only_if_it_is_one(clip, capsys):
    model, inputs = model_and_inputs([DEFAULT, str(clip)])
    assert (model, inputs) == (model_path(DEFAULT), [str(clip)])
    assert capsys.readouterr().err == ""
    model, inputs = model_and_inputs([str(clip), str(clip)])
    assert (model, inputs) == (model_path(DEFAULT), [str(clip)] * 2)
    assert capsys.readouterr().err == f"no model was named; reading with the preset {DEFAULT}\n"


def test_a_model_without_input_and_a_misspelled_model_are_refused(clip):
    with pytest.raises(UserError, match="is a model; name what it should recognise"):
        model_and_inputs([DEFAULT])
    with pytest.raises(
        UserError, match=r"asl-wrds: there is no such run.*did you mean 'asl-words'"
    ):
        model_and_inputs(["asl-wrds", str(clip)])


def test_predict_reads_a_clip_without_a_model_and_says_with_which(clip, capsys):
    assert predict([str(clip)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("clip: ")
    assert err == f"no model was named; reading with the preset {DEFAULT}\n"


@pytest.mark.parametrize("name", sorted(folders()))
def test_the_files_of_a_preset_give_the_scores_of_its_keras_model(name, points):
    model = load_preset_model(name)
    with Recogniser.from_preset(name) as recogniser:
        found = recogniser.logits([points])[0]["ensemble"]
        prepared = recogniser.trained.contract.prepare(points)
    assert len(prepared) % getattr(model, "stride", 1) == 0
    mask = np.ones((1, len(prepared)), np.float32)
    outputs = model({"keypoints": prepared[None], "mask": mask})
    logits = np.array(outputs[model.reported_heads[0]], np.float64).reshape(len(found), -1)
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(found[:, -logits.shape[1] :], expected, atol=1e-4)


@pytest.mark.parametrize("name", sorted(folders()))
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_smaller_files_of_a_preset_read_clips_too(name, precision, points):
    with Recogniser.from_preset(name, precision) as recogniser:
        known = recogniser.trained.vocabulary.glosses
        assert set(recogniser.recognise(points).glosses) <= set(known)


def test_a_file_and_its_array_give_the_same_result(points, clip):
    with Recogniser.from_preset() as recogniser:
        assert recogniser.recognise(str(clip)) == recogniser.recognise(points)
        with pytest.raises(UserError, match="no such file"):
            recogniser.recognise("nothing.mp4")


def test_an_unknown_precision_is_refused():
    with pytest.raises(UserError, match="has no precision 'int4'; it has fp32, fp16, int8"):
        Recogniser.from_preset(precision="int4")


def test_evaluate_scores_a_preset_on_a_data_folder(points, tmp_path, capsys):
    from slr_keras.data.contract import KeypointContract
    from slr_keras.data.manifest import FolderWriter

    contract = KeypointContract.read(folders()[DEFAULT] / "keypoints.json")
    with FolderWriter(tmp_path / "data", contract) as writer:
        for number in range(3):
            writer.add("test", id=f"c{number}", glosses=["hello"], keypoints=points)
    assert evaluate([DEFAULT, "--data", str(tmp_path / "data"), "--split", "test"]) == 0
    assert "3 clips" in capsys.readouterr().out


def test_presets_are_listed_with_signs_size_and_licence(capsys):
    assert presets([]) == 0
    out = capsys.readouterr().out
    assert f"{DEFAULT} *" in out
    assert "MIT" in out
    assert presets(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["name"] for one in listed} == set(folders())
    assert presets([DEFAULT, "--where"]) == 0
    assert capsys.readouterr().out.strip() == str(folders()[DEFAULT])


def test_the_default_preset_reads_its_examples_of_real_signing(capsys):
    assert presets([DEFAULT, "--examples"]) == 0
    folder = capsys.readouterr().out.strip()
    assert predict([DEFAULT, folder]) == 0
    assert "WER 0.00 % of 8 glosses in 8 clips" in capsys.readouterr().out


def test_examples_are_few_clips_of_landmarks_alone_with_a_notice():
    assert "MIT License" in (EXAMPLES / "NOTICE").read_text()
    clips = [line for file in EXAMPLES.glob("*/*.jsonl") for line in file.read_text().splitlines()]
    assert 0 < len(clips) <= 40
    suffixes = {path.suffix for path in EXAMPLES.rglob("*") if path.is_file()}
    assert suffixes == {"", ".json", ".jsonl", ".npy"}


def test_the_card_of_a_preset_has_scores_limits_and_licence(capsys):
    assert presets([DEFAULT, "--card"]) == 0
    out = capsys.readouterr().out
    for expected in ("## Scores", "## Must not be used for", "MIT License"):
        assert expected in out


def test_a_damaged_preset_is_refused_by_predict(clip, tmp_path):
    copy = shutil.copytree(folders()[DEFAULT], tmp_path / "copy")
    (copy / "tflite" / "labels.txt").write_text("other\n")
    with pytest.raises(UserError, match=r"labels\.txt: not the file"):
        predict([str(copy), str(clip)])
