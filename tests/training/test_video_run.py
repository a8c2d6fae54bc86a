"""C²ST through the commands: simulated frames in, a run folder and scores out."""

import json

import numpy as np
import pytest
import yaml

from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator import simulate_folder
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.training.distribution import make_strategy
from slr_keras.training.evaluation import Predictor
from slr_keras.training.folder import RunFolder
from slr_keras.training.model import make_decoder
from slr_keras.training.run import Run
from slr_keras.training.trainer import Trainer
from slr_keras.utils.errors import UserError

RECIPE = {
    "model": {
        "name": "c2st_tiny",
        "options": {"width": 16, "language_model_options": {"width": 8}},
    },
    "video_augmentation": {"crop_margin": 2, "flip": 0.0},
    # One epoch before calibration begins and one after.
    "training": {"epochs": 2, "learning_rate": 0.003},
    "transduction": {"hypotheses": 2},
    "decoding": {"beam": 3},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "data"
    return simulate_folder(
        folder, "demo", {"train": 12, "dev": 2, "test": 2}, frames=(32, 32), video="npy"
    )


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("c2st")
    recipe = folder / "recipe.yaml"
    tree = {"data": {"folder": str(data), "batch_size": 4}, **RECIPE}
    recipe.write_text(yaml.safe_dump(tree))
    assert fit([str(recipe), "--to", str(folder / "run")]) == 0
    return folder / "run"


def test_a_run_keeps_the_frame_contract_and_the_terms_of_its_loss(run, data):
    loaded = Run.load(run)
    assert loaded.modality == "video"
    assert loaded.contract == read_folder(data)["train"].frame_contract
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert records[0]["calibration"] == 0
    assert records[1]["calibration"] > 0
    for record in records:
        assert np.isfinite([record[name] for name in ("loss", *record["terms"])]).all()
    assert (run / "curves.png").stat().st_size > 1000


def test_the_command_evaluate_scores_every_level_as_fit_did(run, capsys):
    assert evaluate([str(run), "--split", "dev", "--json"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert list(sets) == ["ensemble", "chunk", "video"]
    assert sets["ensemble"] == sets["video"]
    assert sets == json.loads((run / "dev_scores.json").read_text())["sets"]


def test_greedy_and_context_free_decoding_are_options(run, capsys):
    for option in ("decoding.method=greedy", "decoding.context_scale=0"):
        assert evaluate([str(run), "--split", "dev", "--set", option]) == 0
    with pytest.raises(UserError, match="language_model_order"):
        evaluate([str(run), "--split", "dev", "--set", "decoding.language_model_order=2"])


def test_every_epoch_is_scored_with_the_contexts_of_its_own_weights(run, tmp_path):
    config = Run.load(run).config
    folder = RunFolder(tmp_path / "run")
    folder.open(config)
    trainer = Trainer(config, folder, make_strategy(config.distribution))

    def likelihoods():
        return [found.log_probability for found in trainer._evaluate().hypotheses["ensemble"]]

    before = likelihoods()
    for adapter in trainer.model.context.adapters:
        adapter.kernel.assign(adapter.kernel * 100)
        adapter.bias.assign(adapter.bias + 1)
    after = likelihoods()
    trainer.predictor = Predictor(trainer.model, decoder=make_decoder(trainer.model, config))
    np.testing.assert_allclose(after, likelihoods(), rtol=1e-5)
    assert np.abs(np.subtract(before, after)).max() > 1e-3


@pytest.mark.long
def test_ctc_with_context_trains_and_decodes_through_the_commands(data, tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    tree = {"data": {"folder": str(data), "batch_size": 4}, **RECIPE}
    tree = {**tree, "transduction": {"loss": "ctc_context", "ctc_epochs": 1}}
    recipe.write_text(yaml.safe_dump(tree))
    assert fit([str(recipe), "--to", str(tmp_path / "run")]) == 0
    for option in ("decoding.method=greedy", "decoding.beam=4"):
        capsys.readouterr()
        assert evaluate([str(tmp_path / "run"), "--split", "dev", "--json", "--set", option]) == 0
        assert list(json.loads(capsys.readouterr().out)["sets"]) == ["ensemble", "chunk", "video"]


@pytest.mark.parametrize("option", ["--drop-points", "--turn"])
def test_what_needs_keypoints_says_so(run, option):
    with pytest.raises(UserError, match=f"{option}.* reads video"):
        evaluate([str(run), "--split", "dev", option, "1"])


def test_every_level_can_be_the_one_that_counts(run, capsys):
    assert evaluate([str(run), "--split", "dev", "--json", "--set", "decoding.heads=[chunk]"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert sets["ensemble"] == sets["chunk"]
    with pytest.raises(UserError, match=r"no head 'left'.*chunk, video"):
        evaluate([str(run), "--split", "dev", "--set", "decoding.heads=[left]"])
    with pytest.raises(UserError, match="only one can be decoded"):
        evaluate([str(run), "--split", "dev", "--set", "decoding.heads=[chunk, video]"])
