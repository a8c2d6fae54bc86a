"""Weights that a new model takes from files."""

import dataclasses
import threading

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import ModelConfig
from slr_keras.config.schema import TrainingConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.backbones import make_backbone
from slr_keras.models.gloss_lm import CausalLanguageModel, save_language_model
from slr_keras.models.registry import create_model
from slr_keras.training.folder import RunFolder
from slr_keras.training.initial_weights import freeze, load_component_weights, load_initial_run
from slr_keras.training.model import build_model
from slr_keras.training.run import Run
from slr_keras.training.trainer import Trainer
from slr_keras.utils.errors import UserError
from slr_keras.weights import save_backbone_weights

WORDS = Vocabulary(("RAIN", "NORTH", "WIND"))
SIZES = {"width": 8, "blocks": 1, "heads": 2}
CONFIG = ModelConfig(name="c2st_tiny")


@pytest.fixture(scope="module")
def model():
    return create_model(
        "c2st_tiny",
        len(WORDS),
        image_size=(32, 32),
        width=16,
        language_model="causal",
        language_model_options={**SIZES, "frozen": True},
    )


def test_a_gloss_language_model_is_taken_over_and_stays_as_it_was_trained(model, tmp_path):
    trained = CausalLanguageModel(len(WORDS), **SIZES)
    save_language_model(tmp_path / "lm.npz", trained, WORDS)
    config = dataclasses.replace(CONFIG, language_model=str(tmp_path / "lm.npz"))
    load_component_weights(model, config, WORDS)
    ours = model.context.language_model
    for mine, theirs in zip(ours.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    learning = {id(weight) for weight in model.trainable_weights}
    assert not learning & {id(weight) for weight in ours.weights}


@pytest.mark.parametrize(
    ("sizes", "vocabulary", "says"),
    [
        ({**SIZES, "width": 16}, WORDS, "language_model_options"),
        (SIZES, Vocabulary(("RAIN", "NORTH", "SUN")), "recogniser"),
    ],
)
def test_a_language_model_that_does_not_fit_is_refused(model, tmp_path, sizes, vocabulary, says):
    save_language_model(tmp_path / "lm.npz", CausalLanguageModel(5, **sizes), vocabulary)
    config = dataclasses.replace(CONFIG, language_model=str(tmp_path / "lm.npz"))
    with pytest.raises(UserError, match=says):
        load_component_weights(model, config, WORDS)


def words_model(**options):
    sizes = {"language_model": "words", "language_model_options": {"width": 2, **options}}
    return create_model("c2st_tiny", len(WORDS), image_size=(32, 32), width=16, **sizes)


@pytest.mark.parametrize("first_line", ["3 2\n", ""])
def test_word_vectors_are_taken_from_fasttext_and_glove_files(tmp_path, capsys, first_line):
    path = tmp_path / "words.vec"
    path.write_text(f"{first_line}Rain 1 2\nnorth 3 4\nSun 5 6\n")
    model = words_model(frozen=True)
    config = dataclasses.replace(CONFIG, language_model=str(path))
    found = load_component_weights(model, config, WORDS)
    assert found["language_model"]["file"] == str(path)
    vectors = model.context.language_model.words.numpy()
    # After <unk>; RAIN is found as Rain, NORTH as north, WIND not at all.
    np.testing.assert_array_equal(vectors[1:3], [[1, 2], [3, 4]])
    assert "vectors of 2 glosses" in (said := capsys.readouterr().err)
    assert "random vectors for 1: WIND" in said
    contexts = model.contexts(np.array([[2, 3]]), np.array([2]))["video"].numpy()
    mean = np.array([[2.0, 3.0]], np.float32)
    adapted = model.context.adapted(mean)["video"]
    np.testing.assert_allclose(contexts[0, 2], model.classify_context("video", adapted)[0], 1e-5)
    learning = {id(weight) for weight in model.trainable_weights}
    assert id(model.context.language_model.words) not in learning


def test_word_vectors_of_another_width_are_refused(tmp_path):
    (tmp_path / "words.txt").write_text("Rain 1 2 3\n")
    config = dataclasses.replace(CONFIG, language_model=str(tmp_path / "words.txt"))
    with pytest.raises(UserError, match=r"have 3 dimensions.*width to 3"):
        load_component_weights(words_model(), config, WORDS)


def test_a_backbone_is_taken_over_and_its_file_named(model, tmp_path, capsys):
    backbone = make_backbone("resnet_micro")
    backbone.build((None, 32, 32, 3))
    save_backbone_weights(backbone, tmp_path / "weights.safetensors")
    config = dataclasses.replace(CONFIG, backbone_weights=str(tmp_path / "weights.safetensors"))
    load_component_weights(model, config, WORDS)
    assert "weights.safetensors" in capsys.readouterr().err
    mine, theirs = model.frame_encoder.backbone.named_weights(), backbone.named_weights()
    assert set(mine) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(mine[name], value)


def test_a_backbone_of_flow_starts_from_one_of_rgb_and_says_so(tmp_path, capsys):
    model = create_model("stepnet_tiny", len(WORDS), stream="flow", temporal=False)
    rgb = make_backbone("tsm_micro")
    save_backbone_weights(rgb, tmp_path / "weights.safetensors")
    config = ModelConfig("stepnet_tiny", backbone_weights=str(tmp_path / "weights.safetensors"))
    load_component_weights(model, config, WORDS)
    assert "the mean over RGB" in capsys.readouterr().err
    mine, theirs = model.frame_encoder.backbone.named_weights(), rgb.named_weights()
    assert set(mine) == set(theirs)
    for name in set(theirs) - {"stem/convolution/kernel"}:
        np.testing.assert_array_equal(mine[name], theirs[name])
    kernel = np.asarray(theirs["stem/convolution/kernel"]).mean(2, keepdims=True)
    found = mine["stem/convolution/kernel"]
    np.testing.assert_allclose(found, np.repeat(kernel, 10, axis=2), atol=1e-6)


def test_a_model_without_such_a_part_says_so():
    stark = create_model("stark_tiny", len(WORDS))
    for part in ("backbone_weights", "language_model"):
        config = ModelConfig(name="stark_tiny", **{part: "file"})
        with pytest.raises(UserError, match=part):
            load_component_weights(stark, config, WORDS)


def test_most_of_a_run_is_taken_over_and_the_layers_named_begin_anew(tiny, trained, tmp_path):
    run = Run.load(trained)
    before = _by_layer(run.model())
    model = run.model()
    for weight in model.variables:
        weight.assign(weight + 1)
    changed = _by_layer(model)
    settings = TrainingConfig(initial_run=str(trained), initial_except=("head_fuse",))
    load_initial_run(model, settings, run.vocabulary)
    for name, weights in _by_layer(model).items():
        expected = changed[name] if name == "head_fuse" else before[name]
        for one, two in zip(weights, expected, strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)


def test_a_run_of_another_shape_is_refused_and_its_layer_named(tiny, trained):
    run = Run.load(trained)
    wider = build_model(
        dataclasses.replace(
            run.config,
            model=dataclasses.replace(
                run.config.model, options={**run.config.model.options, "head_width": 24}
            ),
        ),
        len(run.vocabulary),
        run.contract,
    )
    with pytest.raises(UserError, match=r"layer 'head_(body|left|fuse)'"):
        load_initial_run(wider, TrainingConfig(initial_run=str(trained)), run.vocabulary)
    wrong = TrainingConfig(initial_run=str(trained), initial_except=("head_fuze",))
    with pytest.raises(UserError, match="did you mean 'head_fuse'"):
        load_initial_run(wider, wrong, run.vocabulary)


@pytest.mark.parametrize("option", ["streams", "points", "channels", "image_size"])
def test_an_option_that_the_contract_decides_is_refused(trained, option):
    run = Run.load(trained)
    model = dataclasses.replace(run.config.model, options={**run.config.model.options, option: 3})
    config = dataclasses.replace(run.config, model=model)
    with pytest.raises(UserError, match=rf"model.options.{option}: the contract .* remove it"):
        build_model(config, len(run.vocabulary), run.contract)


def test_a_frozen_layer_keeps_its_weights_and_statistics_and_the_others_learn(tiny, trained):
    config = tiny.config(trained.parent / "data", frozen=("encoder_body",), epochs=1)
    folder = RunFolder(trained.parent / "frozen")
    folder.open(config)
    trainer = Trainer(config, folder, tf.distribute.get_strategy())
    before = _by_layer(trainer.model)
    trainer.run_epoch(0, threading.Event())
    after = _by_layer(trainer.model)
    for name, weights in before.items():
        same = [np.array_equal(*pair) for pair in zip(weights, after[name], strict=True)]
        assert all(same) == (name == "encoder_body"), name


def test_freezing_mistakes_are_named(trained):
    model = Run.load(trained).model()
    with pytest.raises(UserError, match="did you mean"):
        freeze(model, ("encoder_bodi",))
    with pytest.raises(UserError, match="all layers"):
        freeze(model, tuple(_by_layer(model)))


def _by_layer(model):
    # Without the counters of dropout, which go on in a frozen layer.
    return {
        layer.name: [weight.numpy() for weight in layer.weights]
        for layer in model.layers
        if layer.variables
    }


def test_a_model_of_other_signs_begins_from_a_run_whose_heads_are_left_out(tiny, tmp_path_factory):
    folder = tiny.trained_signs(tmp_path_factory)
    run = Run.load(folder)
    others = Vocabulary((*run.vocabulary.glosses, "ONE-MORE"))
    model = build_model(run.config, len(others), run.contract)
    heads = tuple(head.name for head in model.head_layers.values())
    some = TrainingConfig(initial_run=str(folder), initial_except=heads[:1])
    with pytest.raises(UserError, match="vocabular"):
        load_initial_run(model, some, others)
    load_initial_run(model, TrainingConfig(initial_run=str(folder), initial_except=heads), others)
    before, after = _by_layer(run.model()), _by_layer(model)
    for name in set(after) - set(heads):
        for one, two in zip(before[name], after[name], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)
