"""Runs of several seeds, the run that they teach, and a model that resamples its clips."""

import json

import numpy as np
import pytest
import yaml

from slr_keras import evaluate, fit, predict
from slr_keras.training.run import Run
from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError

MODEL = {
    "name": "sign_conv_isolated_small",
    "options": {
        "width": 16,
        "blocks": 2,
        "dropout": 0.0,
        "inputs": {"steps": 8, "motion": [2], "hands": "wrist", "standardise": True},
    },
}
AUGMENTATION = {
    "ends": 0.05,
    "time_warp": 0.1,
    "limbs": 0.05,
    "drop_points": 0.0,
    "drop_spans": 0.0,
    "drop_hand": 0.0,
}


@pytest.fixture(scope="module")
def runs(tiny, tmp_path_factory):
    """The folder of two seeds and of the run that they taught, and the recipe's file."""
    folder = tmp_path_factory.mktemp("seeds")
    recipe = tiny.sign_tree(tiny.write_signs(folder / "data"), epochs=8)
    recipe["model"] = MODEL
    recipe["augmentation"] = AUGMENTATION
    recipe["training"]["clip_norm"] = 5.0
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe))
    assert fit.main([str(file), "--to", str(folder / "runs"), "--seeds", "2", "--distil"]) == 0
    return folder / "runs", file


def test_each_seed_is_a_run_of_its_own_and_their_spread_is_written(runs):
    folder, _ = runs
    found = json.loads((folder / "seeds.json").read_text())
    assert sorted(found["runs"]) == ["distilled", "seed_0", "seed_1"]
    values = [found["runs"][name]["value"] for name in ("seed_0", "seed_1")]
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-3)
    for name, seed in (("seed_0", 0), ("seed_1", 1)):
        run = Run.load(folder / name)
        assert run.config.training.seed == seed
        assert found["runs"][name]["value"] == pytest.approx(100 - run.best["wer"])
    first, second = (Run.load(folder / name).model().get_weights() for name in ("seed_0", "seed_1"))
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(first, second))


def test_the_signs_are_learnt_from_warped_clips(runs):
    folder, _ = runs
    assert json.loads((folder / "seeds.json").read_text())["runs"]["seed_0"]["value"] >= 75


def test_the_distilled_run_learns_what_its_teachers_say(runs):
    folder, _ = runs
    run = Run.load(folder / "distilled")
    assert run.config.training.teachers == (str(folder / "seed_0"), str(folder / "seed_1"))
    lines = (folder / "distilled" / "metrics.jsonl").read_text().splitlines()
    divergences = [json.loads(line)["teachers"] for line in lines]
    assert divergences[-1] < 0.7 * divergences[0]
    assert "teachers" in json.loads(lines[0])["terms"]


def test_the_same_command_continues_and_repeats_no_epoch(runs, capsys):
    folder, file = runs
    before = read_record(folder / "seed_0" / "checkpoints" / "best.npz")
    assert fit.main([str(file), "--to", str(folder), "--seeds", "2", "--distil"]) == 0
    shown = capsys.readouterr().out
    assert "continuing the run" in shown
    assert "loss" not in shown
    assert "mean over the seeds" in shown
    assert read_record(folder / "seed_0" / "checkpoints" / "best.npz") == before


def test_statistics_of_the_inputs_are_those_of_the_train_split_and_are_kept(runs):
    folder, _ = runs
    run = Run.load(folder / "seed_0")
    layer = run.model().input_layer
    assert np.abs(np.asarray(layer.mean)).max() > 0
    again = Run.load(folder / "seed_0").model().input_layer
    np.testing.assert_array_equal(layer.scale, again.scale)


def test_predict_gives_the_probabilities_that_evaluate_gave(runs, capsys):
    folder, file = runs
    run = folder / "seed_0"
    manifest = file.parent / "data" / "test.jsonl"
    assert evaluate.main([str(run), "--split", "test"]) == 0
    written = [json.loads(x) for x in (run / "test_predictions.jsonl").read_text().splitlines()]
    capsys.readouterr()
    assert predict.main([str(run), str(manifest), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["clips"]
    for clip, line in zip(found, written, strict=True):
        (gloss,) = clip["glosses"]
        assert [gloss["gloss"]] == line["hypothesis"]
        assert gloss["confidence"] == pytest.approx(line["confidences"][0], abs=2e-4)


def test_seeds_in_the_folder_of_one_run_are_refused(runs):
    folder, file = runs
    with pytest.raises(UserError, match="holds one run"):
        fit.main([str(file), "--to", str(folder / "seed_0"), "--seeds", "2"])


def test_distilling_without_teachers_is_refused(runs, tmp_path):
    with pytest.raises(UserError, match="--seeds"):
        fit.main([str(runs[1]), "--to", str(tmp_path), "--distil"])


def test_a_teacher_of_other_signs_is_refused(runs, tiny, tmp_path):
    folder, file = runs
    recipe = yaml.safe_load(file.read_text())
    data = tiny.write_signs(tmp_path / "data")
    for split in ("train", "dev", "test"):
        path = data / f"{split}.jsonl"
        path.write_text(path.read_text().replace("NORTH", "OTHER"))
    recipe["data"]["folder"] = str(data)
    other = tmp_path / "recipe.yaml"
    other.write_text(yaml.safe_dump(recipe))
    teachers = f"training.teachers=[{folder / 'seed_0'}]"
    with pytest.raises(UserError, match=r"training\.teachers"):
        fit.main([str(other), "--to", str(tmp_path / "run"), "--set", teachers])


def test_a_run_that_learns_from_dev_keeps_its_last_weights_and_says_so(runs, tmp_path):
    _, file = runs
    run = tmp_path / "run"
    changes = ["--set", "data.train_on_dev=true", "--set", "training.epochs=2"]
    assert fit.main([str(file), "--to", str(run), *changes]) == 0
    assert Run.load(run).best["epoch"] == 2
    first = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    data = file.parent / "data"
    clips = [len((data / f"{split}.jsonl").read_text().splitlines()) for split in ("train", "dev")]
    assert first["step"] == -(-sum(clips) // 4)
    assert "among the training clips" in (run / "report.md").read_text()
