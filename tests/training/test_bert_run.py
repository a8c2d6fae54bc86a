"""C²ST with BERT through the commands: the run holds all that it needs."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

from slr_keras.config import ModelConfig, parse_config
from slr_keras.data.simulator import simulate_folder
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.models.gloss_lm import gloss_text, preset_digest
from slr_keras.models.registry import create_model
from slr_keras.training.initial_weights import load_component_weights
from slr_keras.training.model import completed
from slr_keras.training.objectives.factory import make_objective
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

WORDS = Vocabulary(("RAIN", "NORTH", "WIND"))
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def preset(tiny_bert, tmp_path_factory):
    pieces = [*MARKS, *(gloss_text(gloss) for gloss in WORDS.glosses)]
    return tiny_bert(tmp_path_factory.mktemp("preset") / "bert", pieces)


def config_of(preset, **options):
    options = {"width": 16, "dropout": 0.0, "adapter_scale": 1.0, **options}
    options["language_model"] = "bert"
    return ModelConfig("c2st_tiny", options, language_model=str(preset))


def model_of(config):
    model = create_model(config.name, len(WORDS), image_size=(32, 32), **completed(config).options)
    load_component_weights(model, config, WORDS)
    return model


def make_batch():
    rng = np.random.default_rng(0)
    return {
        "video": tf.constant(rng.integers(0, 256, (2, 16, 32, 32, 3)).astype(np.uint8)),
        "mask": tf.ones((2, 16)),
        "frames": tf.constant([16, 16]),
        "labels": tf.constant([[2, 3], [4, 0]]),
        "label_lengths": tf.constant([2, 1]),
        "index": tf.constant([0, 1]),
        "weight": tf.ones(2),
    }


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_objective_with_calibration_reaches_all_that_learns(preset, precision):
    config = parse_config(
        {
            "data": {"folder": "unused"},
            "model": {"name": "c2st_tiny"},
            "transduction": {"calibration_start": 0.0, "hypotheses": 2},
        }
    )
    model = model_of(config_of(preset, dtype=precision))
    objective = make_objective(model, config)
    controls = {name: tf.constant(value) for name, value in objective.at(0).items()}
    weights = model.trainable_variables

    @tf.function(autograph=False)
    def step(batch):
        with tf.GradientTape() as tape:
            losses, _ = objective(model, batch, controls)
            loss = tf.reduce_sum(losses)
        return losses, tape.gradient(loss, [weight.value for weight in weights])

    first, gradients = step(make_batch())
    for weight, gradient in zip(weights, gradients):
        assert gradient is not None, weight.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), weight.path
    assert not [weight.path for weight in weights if "language_model" in weight.path]
    kept = model.context.language_model.remembered
    # The five prefixes of the references: (), 2, 23, 4.
    assert kept >= 4
    again, _ = step(make_batch())
    np.testing.assert_allclose(again, first, rtol=1e-5)
    assert model.context.language_model.remembered == kept


def test_a_saved_model_needs_no_preset(preset, tmp_path):
    model = model_of(config_of(preset))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    prefixes = [(), (2,), (2, 3), (4, 1)]
    for level in ("chunk", "video"):
        expected = model.context_logits(level, prefixes)
        np.testing.assert_allclose(again.context_logits(level, prefixes), expected, atol=1e-5)
        assert np.ptp(expected, axis=0).max() > 1e-3


def test_a_prefix_of_a_beam_costs_one_pass(preset):
    model = model_of(config_of(preset))
    model.context.language_model.remember()
    model.context_logits("video", [(2, 3, 4), (2, 3)])
    assert model.context.language_model.remembered == 2


def test_what_is_missing_is_named(preset):
    with pytest.raises(UserError, match="name the folder of a BERT preset"):
        completed(ModelConfig("c2st_tiny", {"language_model": "bert"}))
    recipe = {"data": {"folder": "unused"}, "model": {"name": "c2st_tiny"}}
    config = parse_config({**recipe, "training": {"jit_compile": True}})
    with pytest.raises(UserError, match="jit_compile"):
        make_objective(model_of(config_of(preset)), config)


@pytest.mark.long
def test_a_run_scores_alike_without_the_preset_that_it_began_from(preset, tmp_path, capsys):
    data = simulate_folder(
        tmp_path / "data", "demo", {"train": 8, "dev": 2, "test": 2}, frames=(32, 32), video="npy"
    )
    mine = shutil.copytree(preset, tmp_path / "preset")
    recipe = tmp_path / "recipe.yaml"
    tree = {
        "data": {"folder": str(data), "batch_size": 4},
        "model": {
            "name": "c2st_tiny",
            "options": {"width": 16, "language_model": "bert"},
            "language_model": str(mine),
        },
        "training": {"epochs": 2, "learning_rate": 0.003},
        "transduction": {"hypotheses": 2},
        "decoding": {"beam": 3},
    }
    recipe.write_text(yaml.safe_dump(tree))
    run = tmp_path / "run"
    assert fit([str(recipe), "--to", str(run)]) == 0
    digest = preset_digest(mine)
    assert f"sha256 {digest[:16]}" in capsys.readouterr().err
    part = json.loads((run / "model.json").read_text())["parts"]["language_model"]
    assert part == {"file": str(mine), "sha256": digest}
    shutil.rmtree(mine)
    assert evaluate([str(run), "--split", "dev", "--json"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert sets == json.loads((run / "dev_scores.json").read_text())["sets"]
    assert evaluate([str(run), "--split", "dev", "--set", "decoding.method=greedy"]) == 0
    # A run that goes on has it in its checkpoint, too.
    assert fit([str(recipe), "--to", str(run), "--resume"]) == 0
    assert Run.load(run).model().context.language_model.get_config()["pieces"] == 8
