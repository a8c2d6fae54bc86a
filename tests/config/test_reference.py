"""The reference of a recipe's keys names every key, with all that the loader knows of it."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from slr_keras.config import Config, parse_config
from slr_keras.config.loading import _all_names
from slr_keras.config.reference import markdown, model_sections, plain, recipe_sections
from slr_keras.models.option_reference import FOUND
from slr_keras.models.registry import families
from slr_keras.utils.errors import UserError

SECTIONS = {field.name for field in dataclasses.fields(Config)}
KEYS = {name for name in _all_names(Config) if name not in SECTIONS}


def test_every_key_is_there_with_a_default_and_a_meaning():
    keys = [key for section in recipe_sections() for key in section.keys]
    assert {key.name for key in keys} == KEYS
    assert [key.name for key in keys if not key.default] == ["data.folder"]
    assert [key.name for key in keys if len(key.text) < 8 or not key.takes] == []
    assert [section.name for section in recipe_sections() if not section.text] == []


def test_a_shown_default_is_the_default():

    from slr_keras.config.loading import to_tree

    tree = to_tree(parse_config({"data": {"folder": "data"}}))
    for section in recipe_sections():
        for key in section.keys:
            if key.default:
                name = key.name.rpartition(".")[2]
                assert json.loads(key.default) == tree[section.name][name]


def test_limits_and_choices_are_shown():
    assert "batch_size: a whole number, from 1 to 65,536 (default: 8)" in plain(
        "data.batch_size", 80
    )
    assert "label_smoothing: a number, from 0 to 1 (default: 0.0)" in plain("training", 80)
    assert "one of adam, adamw, momentum" in plain("training.optimiser", 80)
    assert "betas: a list of 2 numbers, from 0 to 1" in plain("training.betas", 80)


def test_a_part_is_shown_by_its_name_and_a_wrong_name_gets_the_nearest():
    assert plain("data", 80).count("\n  folder: text (required)") == 1
    assert "learning_rate" not in plain("data", 80)
    assert "batch_size" not in plain("data.folder", 80)
    with pytest.raises(UserError, match=r"--help-config data.foldr: .*did you mean 'data.folder'"):
        plain("data.foldr")
    with pytest.raises(UserError, match=r"did you mean 'model.options.stem_width'"):
        plain("model.options.stem_widht")


@pytest.mark.parametrize("width", [50, 80, 140])
def test_no_line_is_wider_than_the_width(width):
    assert max(len(line) for line in plain("", width).splitlines()) <= width


def test_the_options_of_every_family_are_there_and_are_accepted():
    sections = {section.name.rpartition(" ")[2]: section for section in model_sections()}
    assert set(families()) == set(sections)
    for family, section in sections.items():
        names = {key.name.removeprefix("model.options.") for key in section.keys}
        for preset in families()[family].presets.values():
            assert set(preset) <= names | set(FOUND)
    stark = {key.name: key for key in sections["stark"].keys}
    assert stark["model.options.heads"].default == "6"
    assert stark["model.options.heads"].text.startswith("number of attention heads")
    assert "stem_width: a whole number (default: 64)" in plain("model.options.stem_width", 80)


def test_the_page_has_a_table_for_each_section_and_whole_rows():
    text = markdown()
    for section in [*recipe_sections(), *model_sections()]:
        assert f"## {section.name}\n" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_the_option_prints_the_keys_at_once_and_needs_no_recipe():
    program = (
        "import sys\n"
        "from slr_keras import fit\n"
        "try:\n    fit.main(['--help-config'])\n"
        "except SystemExit as exit:\n"
        "    print(exit.code, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "70"},
        timeout=60,
    )
    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    assert last == "0 False False"
    assert "training: Optimiser, schedule, loss and checkpoints." in done.stdout
    assert max(map(len, lines)) <= 70
