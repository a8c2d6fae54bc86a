"""Values that passed the recipe ended in a traceback later.

A seed of 2^32, an empty list of devices, a batch of 10^40 clips or a path with the character NUL
were accepted, or raised an OverflowError. Every key now has its range.
"""

import dataclasses
import json
import math
import typing

import pytest

from slr_keras.config import Config, load_config, parse_config, read_run_config, to_yaml
from slr_keras.training.schedule import learning_rate
from slr_keras.utils.errors import UserError

NUMBERS = [-(2**70), -1, 0, 1, 2**31, 2**32, 2**63, 10**40, 10**5000]
NUMBERS += [math.nan, math.inf, -math.inf, -1e308, 1e308, 5e-324, -0.0]
TEXTS = ["", "\0", "a\0b", "x" * 300, "x" * 100_000, "\ud800", "1e999", "nan", "../..", "a/b"]
LISTS = [[], [None], [[]], [-1], [2**70], [10**5000], [1, 1], [0, 0], [5, 1], [-1.0, 1e308]]
LISTS += [[math.nan, 1], [5e-324, 1e308], [""], ["\0"], ["a"] * 3, ["x" * 300], [[[[[]]]]]]
OTHERS = [None, True, {}, {1: 2}, {"a": {"b": []}}, {None: None}, 1j, b"a", object()]
EXTREMES = [*NUMBERS, *TEXTS, *LISTS, *OTHERS]

SECTIONS = typing.get_type_hints(Config)
KEYS = [
    (section.name, key.name)
    for section in dataclasses.fields(Config)
    for key in dataclasses.fields(SECTIONS[section.name])
]


def _accepted(section, key, value):
    tree = {"data": {"folder": "data"}}
    tree.setdefault(section, {})[key] = value
    try:
        return parse_config(tree)
    except UserError:
        return None


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_takes_or_refuses_extreme_values_in_words(section, key, tmp_path):
    for value in EXTREMES:
        config = _accepted(section, key, value)
        if config is None or (section == "model" and key == "options"):
            continue
        # A run writes its config and reads it when it continues.
        path = tmp_path / "config.yaml"
        path.write_text(to_yaml(config), encoding="utf-8")
        assert read_run_config(path) == config


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_refuses_values_that_are_none(section):
    for value in EXTREMES:
        if value is None or value == {}:
            continue
        with pytest.raises(UserError):
            parse_config({"data": {"folder": "data"}, section: value})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training", "seed", 4294967296),
        ("training", "schedule_milestones", [-1]),
        ("data", "buckets", [-4]),
        ("data", "batch_size", 2**40),
        ("data", "train", "../train"),
        ("distribution", "devices", []),
        ("distribution", "devices", ["CPU:0", "cpu:0"]),
        ("distribution", "devices", [""]),
        ("composition", "sentences", 10**12),
        ("augmentation", "temporal_range", [0.5, 1e308]),
        ("augmentation", "jitter", 1e308),
        ("decoding", "beam", 2**40),
    ],
)
def test_a_value_that_training_cannot_use_is_refused_by_the_recipe(section, key, value):
    with pytest.raises(UserError, match=key):
        parse_config(
            {"data": {"folder": "data", **({key: value} if section == "data" else {})}}
            | ({} if section == "data" else {section: {key: value}})
        )


def test_every_accepted_learning_rate_is_a_finite_number():
    names = [field.name for field in dataclasses.fields(SECTIONS["training"])]
    for name in names:
        for value in EXTREMES:
            config = _accepted("training", name, value)
            if config is not None:
                for epoch, step in ((0, 0), (10, 100), (10**6, 10**8)):
                    assert math.isfinite(learning_rate(config.training, epoch, step, 10))


@pytest.mark.parametrize("folder", ["x" * 300, "a/" * 3000, "\0"])
def test_a_folder_that_no_file_system_has_is_refused(folder, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"data: {{folder: {json.dumps(folder)}}}\n")
    with pytest.raises(UserError):
        load_config(path)
