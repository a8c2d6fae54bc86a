"""USTM through the commands: simulated frames in, a run folder and scores out."""

import json

import numpy as np
import pytest
import yaml

from slr_keras.data.simulator import simulate_folder
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.models.summary import summarise
from slr_keras.utils.errors import UserError

OPTIONS = {
    "width": 16,
    "adapter_width": 8,
    "backbone_options": {"embedding": 8, "depths": [1], "heads": [1], "window": 4, "stem": []},
    "chunk": 16,
    "recompute": True,
}
RECIPE = {
    "model": {"name": "ustm_tiny", "options": OPTIONS},
    "video_augmentation": {"crop_margin": 2, "flip": 0.0},
    "training": {"epochs": 1, "learning_rate": 0.003},
    "decoding": {"beam": 3},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "data"
    return simulate_folder(
        folder, "demo", {"train": 6, "dev": 1, "test": 1}, frames=(32, 32), video="npy"
    )


def recipe(folder, data, **changes):
    path = folder / "recipe.yaml"
    tree = {"data": {"folder": str(data), "batch_size": 2}, **RECIPE, **changes}
    path.write_text(yaml.safe_dump(tree))
    return str(path)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ustm")
    assert fit([recipe(folder, data), "--to", str(folder / "run")]) == 0
    return folder / "run"


def test_a_run_keeps_the_terms_of_its_loss(run):
    (record,) = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    assert record["terms"] == ["convolution", "sequence", "distillation", "lifting"]
    values = [record[name] for name in ("loss", *record["terms"])]
    assert np.isfinite(values).all()
    assert min(values) > 0


def test_the_result_is_that_of_the_sequence_head(run, capsys):
    assert evaluate([str(run), "--split", "dev", "--json"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert list(sets) == ["ensemble", "convolution", "sequence"]
    assert sets["ensemble"] == sets["sequence"]
    assert sets == json.loads((run / "dev_scores.json").read_text())["sets"]


def test_clips_that_the_table_has_no_room_for_are_refused_before_training(data, tmp_path):
    model = {"name": "ustm_tiny", "options": {**OPTIONS, "positions": 40}}
    path = recipe(tmp_path, data, model=model)
    with pytest.raises(UserError, match=r"train.jsonl:\d+: sample .* room for 28: set data.max_f"):
        fit([path, "--to", str(tmp_path / "run")])


def test_frames_that_the_patch_does_not_divide_are_refused(data, tmp_path):
    options = {**OPTIONS, "backbone_options": {**OPTIONS["backbone_options"], "patch": 5}}
    path = recipe(tmp_path, data, model={"name": "ustm_tiny", "options": options})
    with pytest.raises(UserError, match=r"image_size is .32, 32.; .*multiples of the patch of 5"):
        fit([path, "--to", str(tmp_path / "run")])


def test_the_summary_lists_every_module():
    modules = [module["module"] for module in summarise("ustm_tiny", 22, 64)["modules"]]
    assert modules == ["frame_encoder", "streams", "convolution", "recurrent", "classifier"]
