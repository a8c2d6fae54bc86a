"""A command module parses options, calls the package and prints; it holds nothing else.

The rule, for every module of `slr_keras/` and `export/` that defines `main`:

* top level: docstring, imports, constants, functions, and the call of `run`; no class;
* functions: `main`, `build_parser`, and private ones that take the parsed options, parse the text
  of an option, describe an option, or print;
* size: at most 200 lines, and at most 40 lines per function except `build_parser`.

The parser comes from `command_parser`, and `--help` imports nothing heavy.
"""

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import export
import slr_keras

LINES, FUNCTION_LINES = 200, 40
# The subcommands of `prepare` are the data sets' own, and their modules use NumPy.
NEEDS_NUMPY = {"slr_keras.prepare"}

# Parameters that hold what was parsed, or what is to be parsed: `known` is a data set with options.
PARSED = {"options", "text", "option", "known"}
# Functions that set TensorFlow up before the call.
SET_UP = {"_on_the_processor"}

CONSTANTS = (ast.Assign, ast.AnnAssign)
IMPORTS = (ast.Import, ast.ImportFrom)


def command_modules() -> dict[str, Path]:
    """Paths of the command modules by their names."""
    modules = {}
    for package in (slr_keras, export):
        (folder,) = map(Path, package.__path__)
        for path in sorted(folder.glob("[!_]*.py")):
            if any(node.name == "main" for node in functions(ast.parse(path.read_text("utf-8")))):
                modules[f"{package.__name__}.{path.stem}"] = path
    return modules


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


MODULES = command_modules()


def is_allowed(node: ast.stmt) -> bool:
    """Whether a statement may stand at the top level of a command module."""
    if isinstance(node, ast.If):
        guard = ast.unparse(node.test)
        return guard in ("TYPE_CHECKING", "__name__ == '__main__'")
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(
        node, (*IMPORTS, *CONSTANTS, ast.FunctionDef, ast.AsyncFunctionDef)
    )


def belongs(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a part of parsing, calling or printing."""
    if function.name in ("main", "build_parser", *SET_UP):
        return True
    parameters = {argument.arg for argument in function.args.args}
    prints = any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("print", "print_first")
        for node in ast.walk(function)
    )
    return function.name.startswith("_") and (prints or bool(parameters & PARSED))


@pytest.mark.parametrize("name", MODULES)
def test_a_command_module_holds_a_parser_and_calls(name):
    source = MODULES[name].read_text("utf-8")
    tree = ast.parse(source)
    strange = [ast.unparse(node)[:60] for node in tree.body if not is_allowed(node)]
    assert not strange
    assert {"main", "build_parser"} <= {node.name for node in functions(tree)}
    assert [node.name for node in functions(tree) if not belongs(node)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_command_module_and_its_functions_are_short(name):
    source = MODULES[name].read_text("utf-8")
    assert len(source.splitlines()) <= LINES
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in functions(ast.parse(source))
        if node.name != "build_parser"
    }
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}


@pytest.mark.parametrize("name", MODULES)
def test_only_the_common_builder_makes_parsers(name):
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "command_parser" in calls
    assert not [call for call in calls if call.endswith("ArgumentParser")]


# Builds all parsers in one process, and reports their help and what was imported for them.
REPORTER = """
import importlib, json, sys, time
heavy = {"numpy", "tensorflow", "keras", "jax", "matplotlib", "tqdm"}
report, before = {}, set()
for name in sys.argv[1:]:
    started = time.process_time()
    parser = importlib.import_module(name).build_parser()
    seconds = time.process_time() - started
    imported = heavy & set(sys.modules)
    report[name] = [parser.prog, parser.format_help(), sorted(imported - before), seconds]
    before |= imported
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def parsers() -> dict[str, list]:
    names = sorted(MODULES, key=lambda name: name in NEEDS_NUMPY)
    done = subprocess.run(
        [sys.executable, "-c", REPORTER, *names], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", MODULES)
def test_help_names_the_command_gives_an_example_and_imports_nothing_heavy(name, parsers):
    program, text, imported, seconds = parsers[name]
    shown = f"python -m slr_keras {name.rpartition('.')[2]}"
    assert program == shown
    assert "example" in text
    assert f"{shown} " in text.partition("example")[2]
    # A file may be called my_signs.slr.
    assert not re.search(r"(?<![.\w])slr [a-z]", text)
    assert set(imported) <= ({"numpy"} if name in NEEDS_NUMPY else set())
    # Of the processor, so that other work of the machine does not count.
    assert seconds < 1


@pytest.mark.parametrize("name", MODULES)
def test_help_of_the_console_script_shows_the_console_script(name, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/slr"])
    text = importlib.import_module(name).build_parser().format_help()
    shown = f"slr {name.rpartition('.')[2]} "
    assert text.startswith(f"usage: {shown}")
    assert shown in text.partition("example")[2]
    assert "python -m" not in text


def test_the_names_that_score_repeats_are_those_of_the_metrics():
    from slr_keras import metrics, score

    assert tuple(metrics.CLEAN) == score.CLEAN
    assert tuple(metrics.COSTS) == score.COSTS
    assert score.FORMATS == metrics.FORMATS
