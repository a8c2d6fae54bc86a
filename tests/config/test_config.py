"""Recipes: every key known, every type right, every limit kept; errors say where."""

import dataclasses

import pytest
import yaml

from slr_keras.config import (
    Config,
    differences,
    load_config,
    override,
    parse_config,
    read_run_config,
    to_yaml,
)
from slr_keras.utils.errors import UserError

MINIMAL = "data:\n  folder: data/demo\n"


@pytest.fixture
def recipe(tmp_path):
    def write(text):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return path

    return write


def test_defaults_fill_what_a_recipe_leaves_out(recipe):
    config = load_config(recipe(MINIMAL))
    assert config.training == type(config.training)()
    assert config.model.name == "stark"


def test_data_folder_is_taken_from_where_the_command_runs(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config(recipe(MINIMAL)).data.folder == str(tmp_path / "data" / "demo")


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("training: {learnin_rate: 1}", 3, "did you mean training.learning_rate"),
        ("trainin: {}", 3, "did you mean training"),
        ("training:\n  seed: 1\n  beam: 3", 5, "did you mean decoding.beam"),
        ("model: {option: {}}", 3, "did you mean model.options"),
        ("training: {epochs: many}", 3, "training.epochs: expected a whole number"),
        ("training: {epochs: 2.5}", 3, "training.epochs: expected a whole number"),
        ("training: {epochs: true}", 3, "training.epochs: expected a whole number"),
        ("training: {epochs: 0}", 3, "training.epochs: 0 is below the minimum 1"),
        ("training: {learning_rate: .nan}", 3, "training.learning_rate: nan is not a finite"),
        ("training: {learning_rate: fast}", 3, "training.learning_rate: expected a number"),
        ("training: {betas: [0.9]}", 3, "training.betas: expected 2 values"),
        ("training: {betas: [0.9, 1.0]}", 3, "below 1"),
        ("training: {optimiser: adamm}", 3, "did you mean adam"),
        ("training: {jit_compile: 1}", 3, "training.jit_compile: expected true or false"),
        ("training: [1]", 3, "training: expected keys and values"),
        ("decoding: {beam: 0}", 3, "beam"),
        ("augmentation: {rotation: 500}", 3, "rotation"),
        ("distribution: {devices: 0}", 3, "devices: 0 is below the minimum 1"),
        ("distribution: {devices: [1]}", 3, "devices: expected a list of text"),
        ("model: {name: [a]}", 3, "model.name: expected text"),
        ("training: {seed: 1}\ntraining: {epochs: 2}", 4, "given twice"),
        ("training: {seed: 1", 3, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_remedy(recipe, text, where, problem):
    path = recipe(MINIMAL + text)
    with pytest.raises(UserError) as caught:
        load_config(path)
    message = str(caught.value)
    assert problem in message
    assert message.startswith(f"{path}:{where}: ")


def test_a_missing_required_key_says_what_it_is(recipe):
    path = recipe("training: {seed: 1}\n")
    with pytest.raises(UserError, match=r"recipe\.yaml: data\.folder: missing; data folder"):
        load_config(path)


def test_absent_and_foreign_files_are_user_errors(tmp_path, recipe):
    with pytest.raises(UserError, match=r"absent\.yaml"):
        load_config(tmp_path / "absent.yaml")
    with pytest.raises(UserError, match="expected sections"):
        load_config(recipe("- 1\n- 2\n"))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"binary\.yaml"):
        load_config(tmp_path / "binary.yaml")


def test_numbers_without_a_dot_are_numbers(recipe):
    config = load_config(recipe(MINIMAL + "training: {learning_rate: 1e-3, weight_decay: 1}\n"))
    assert config.training.learning_rate == 1e-3
    assert config.training.weight_decay == 1.0


def test_overrides_win_have_yaml_types_and_are_named_in_errors(recipe):
    path = recipe(MINIMAL + "training: {epochs: 5, seed: 1}\n")
    config = load_config(
        path,
        [
            "training.epochs=7",
            "training.betas=[0.8, 0.9]",
            "training.jit_compile=true",
            "model.options.widths=[4, 8]",
            "distribution.devices=[GPU:0]",
            "data.buckets=null",
        ],
    )
    assert (config.training.epochs, config.training.seed) == (7, 1)
    assert config.training.betas == (0.8, 0.9)
    assert config.training.jit_compile is True
    assert config.model.options == {"widths": [4, 8]}
    assert config.distribution.devices == ("GPU:0",)
    with pytest.raises(UserError, match=r"--set training\.epoch=7: .*mean training\.epochs"):
        load_config(path, ["training.epoch=7"])
    for wrong in ("training.epochs", "=3", "training..epochs=3"):
        with pytest.raises(UserError, match=r"expected section\.key=value"):
            load_config(path, [wrong])


def test_written_config_reads_back_equal(recipe, tmp_path):
    text = MINIMAL + "training: {betas: [0.5, 0.6]}\nmodel: {options: {a: {b: [1, x]}}}\n"
    config = load_config(recipe(text))
    written = tmp_path / "config.yaml"
    written.write_text(to_yaml(config))
    assert read_run_config(written) == config
    assert set(yaml.safe_load(to_yaml(config))) == {f.name for f in dataclasses.fields(Config)}


def test_differences_name_every_key_that_differs():
    old = parse_config({"data": {"folder": "a"}, "model": {"options": {"heads": 2}}})
    new = override(old, ["training.epochs=3", "model.options.heads=4", "model.options.window=5"])
    assert differences(old, new) == [
        "model.options.heads: 2 -> 4",
        "training.epochs: 100 -> 3",
        "model.options.window: absent -> 5",
    ]
    assert differences(old, old) == []


def test_a_config_cannot_be_changed():
    config = parse_config({"data": {"folder": "a"}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.training.epochs = 3


def test_every_field_of_the_recipe_is_explained():
    for section in ("data", "model", "training", "distribution"):
        kind = type(getattr(parse_config({"data": {"folder": "a"}}), section))
        for field in dataclasses.fields(kind):
            assert field.metadata["help"], f"{section}.{field.name}"
