"""Options that are numbers took values that ended in a traceback, or were ignored.

`fit --seeds -1` ended in a ValueError, `stream --fps 0` meant no rate, `evaluate --drop-hand nan`
and `--drop-points -5` were passed on. Every option that is a number now has a range.
"""

import argparse
import importlib

import pytest

from slr_keras.utils.command_index import commands_of

COMMANDS = [
    f"{package}.{name}" for package in ("slr_keras", "export") for name in commands_of(package)
]
# The command checks the value itself, with a message of its own.
CHECKED_BY_THE_COMMAND = {
    ("slr_keras.extract", "--fps"),
    ("slr_keras.extract", "--detection"),
    ("slr_keras.extract", "--tracking"),
    ("slr_keras.view", "--height"),
    ("slr_keras.view", "--frames"),
    ("slr_keras.view", "--columns"),
}


def _parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_is_a_number_has_a_range(command):
    build = getattr(importlib.import_module(command), "build_parser", None)
    if build is None:
        pytest.skip("passes its arguments on")
    for parser in _parsers(build()):
        for action in parser._actions:
            name = action.option_strings[-1] if action.option_strings else action.dest
            checked = (command, name) in CHECKED_BY_THE_COMMAND or action.choices
            # The options of a data set are those of its function, which checks them.
            if not checked and command != "slr_keras.prepare":
                assert action.type not in (int, float), name


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("slr_keras.fit", ["recipe.yaml", "--seeds", "-1"]),
        ("slr_keras.stream", ["run", "source", "--fps", "0"]),
        ("slr_keras.stream", ["run", "source", "--fps", "nan"]),
        ("slr_keras.predict", ["run", "clip", "--fps", "-25"]),
        ("slr_keras.evaluate", ["run", "--drop-points", "-5"]),
        ("slr_keras.evaluate", ["run", "--drop-hand", "nan"]),
        ("slr_keras.evaluate", ["run", "--seed", "4294967296"]),
        ("slr_keras.simulate", ["demo", "--to", "data", "--seed", "-1"]),
        ("slr_keras.fit_jax", ["recipe.yaml", "--minutes", "nan"]),
        ("slr_keras.fit_jax", ["recipe.yaml", "--dev-every", "0"]),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(command, arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(command).build_parser().parse_args(arguments)
    assert caught.value.code == 2
    assert arguments[-2] in capsys.readouterr().err
