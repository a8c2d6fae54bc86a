"""Presets of runs: complete, with a card of what was scored, and equal when made again."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_run
import yaml

from export.preset import main
from export.presets.facts import PresetFacts, ScoreRow
from export.presets.scores import score_rows
from slr_keras.hub.preset import DESCRIPTION, Preset
from slr_keras.models.presets import load_preset_model
from slr_keras.predict import main as predict
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

FACTS = {
    "name": "tiny-signs",
    "title": "four directions",
    "language": "none",
    "licence": "MIT",
    "data": ["simulated"],
    "attribution": ["nobody"],
    "recipe": "recipe.yaml",
    "use": "Tests.",
    "not_for": ["people"],
    "untested": ["people"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run.trained_signs(tmp_path_factory)


def predictions(path, rows):
    lines = [
        json.dumps({"id": id, "reference": [reference], "hypothesis": hypothesis})
        for id, reference, hypothesis in rows
    ]
    Path(path).write_text("\n".join(lines))
    return str(path)


@pytest.fixture(scope="module")
def preset(run, tmp_path_factory):
    """A preset of the run, and the facts that it was made of."""
    folder = tmp_path_factory.mktemp("preset")
    rows = [("a-s1-0", "NORTH", ["NORTH"]), ("b-s1-1", "EAST", ["EAST"]), ("c-s2-0", "WEST", [])]
    scores = [
        {
            "system": "tiny",
            "clips": "sessions",
            "predictions": [predictions(folder / "p.jsonl", rows)],
            "by": "-(s[0-9])-",
        }
    ]
    facts = {**FACTS, "recipe": str(run.parent / "recipe.yaml"), "scores": scores}
    (folder / "facts.yaml").write_text(yaml.safe_dump(facts))
    return made(run, folder, "one"), folder


def made(run, folder, name):
    to = folder / name
    # In a process of its own: names in the files count the models that a process has made.
    arguments = [run, folder / "facts.yaml", "--to", to, "--frames", "32"]
    done = tiny_run.command("-m", "export.preset", *arguments, "--calibration-clips", "8")
    assert done.returncode == 0, done.stderr[-2000:]
    return to


def test_a_preset_has_model_bundle_card_and_licence_and_predict_reads_it(preset, tmp_path, capsys):
    path, _ = preset
    loaded = Preset.load(path)
    assert (loaded.name, loaded.description["glosses"]) == ("tiny-signs", 4)
    np.save(tmp_path / "clip.npy", tiny_run.clip(["EAST"], np.random.default_rng(1)))
    capsys.readouterr()
    assert predict([str(path), str(tmp_path / "clip.npy")]) == 0
    assert capsys.readouterr().out == "clip: EAST\n"


def test_the_weights_are_those_of_the_run(preset, run):
    model, ours = load_preset_model(preset[0]), Run.load(run).model()
    for mine, theirs in zip(model.weights, ours.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_card_scores_the_predictions_together_and_by_group(preset):
    card = (preset[0] / "CARD.md").read_text()
    assert "| tiny | sessions | 3 | 66.67 |" in card
    assert "| tiny | sessions: s1 | 2 | 100.00 |" in card
    assert "| tiny | sessions: s2 | 1 | 0.00 |" in card


def test_a_preset_that_is_made_again_has_equal_weights_and_float_files(preset, run):
    path, folder = preset
    again = made(run, folder, "again")
    first, second = (json.loads((p / DESCRIPTION).read_text())["files"] for p in (path, again))
    # The ranges of int8 files are found by several threads; HDF5 leaves some bytes undefined.
    for name in ("config.json", "keypoints.json", "vocabulary.txt", "recipe.yaml"):
        assert first[name] == second[name]
    for precision in ("fp32", "fp16"):
        name = f"tflite/model_{precision}_32.tflite"
        assert first[name] == second[name]
    models = [load_preset_model(folder) for folder in (path, again)]
    for one, other in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_with_other_files_is_not_replaced(preset, run, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="is no preset and not empty"):
        main([str(run), str(preset[1] / "facts.yaml"), "--to", str(tmp_path)])
    assert (tmp_path / "precious.txt").read_text() == "mine"


def facts_file(tmp_path, **changed):
    values = {key: value for key, value in {**FACTS, **changed}.items() if value is not None}
    (tmp_path / "facts.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "facts.yaml"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"licence": None}, "the key 'licence' is missing"),
        ({"license": "MIT"}, "there is no key 'license'; did you mean 'licence'"),
        ({"data": "simulated"}, "data must be a list of texts"),
        ({"use": 3}, "use must be a text"),
        ({"name": "Tiny Signs"}, "must be words joined by hyphens"),
        ({"scores": [{"system": "a"}]}, "scores: the key 'clips' is missing"),
        (
            {"scores": [{"system": "a", "clips": "b", "predictions": ["c"], "by": "("}]},
            "scores: by: ",
        ),
        (
            {"scores": [{"system": "a", "clips": "b", "predictions": ["c"], "by": "s"}]},
            "by needs one group",
        ),
    ],
)
def test_facts_with_a_mistake_are_refused_by_key(tmp_path, changed, message):
    with pytest.raises(UserError, match=message):
        PresetFacts.read(facts_file(tmp_path, **changed))


@pytest.mark.parametrize("text", ["", "- a", "{", "a: !!python/object/apply:os.system [ls]"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "facts.yaml").write_text(text)
    with pytest.raises(UserError, match=r"facts\.yaml"):
        PresetFacts.read(tmp_path / "facts.yaml")


def test_the_facts_of_the_shipped_presets_can_be_read(root):
    files = sorted((root / "configs" / "presets").glob("*.yaml"))
    assert files
    for file in files:
        facts = PresetFacts.read(file)
        assert facts.name == file.stem
        assert (root / facts.recipe).is_file()


def test_only_clips_of_the_manifest_count_also_under_the_name_that_merge_gave_them(tmp_path):
    data = tiny_run.write_signs(tmp_path / "mine")
    ids = [json.loads(line)["id"] for line in (data / "test.jsonl").read_text().splitlines()]
    rows = [(ids[0], "NORTH", ["NORTH"]), (f"mine/{ids[1]}", "EAST", []), ("other", "WEST", [])]
    file = predictions(tmp_path / "p.jsonl", rows)
    row = ScoreRow("a", "b", (file,), manifest=str(data / "test.jsonl"))
    (score,) = score_rows([row], accuracy=True)
    assert (score.count, score.value) == (2, 50.0)
