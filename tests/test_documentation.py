"""What the documentation shows works: the examples in docstrings and in the README."""

import argparse
import contextlib
import doctest
import importlib
import importlib.util
import io
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from slr_keras.__main__ import INDEX

README = Path(__file__).resolve().parent.parent / "README.md"


def modules() -> list[str]:
    """Every module of the project's packages; none is left out, importable or not."""
    found = []
    for package in ("slr_keras", "export"):
        # A folder without __init__.py is no package yet.
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        found.append(package)
        folders = list(spec.submodule_search_locations)
        found += [module.name for module in pkgutil.walk_packages(folders, f"{package}.", _fail)]
    return found


def _fail(name: str) -> None:
    raise ImportError(f"package {name} cannot be imported")


@pytest.mark.parametrize("name", modules())
def test_the_examples_in_the_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(module, name):
        runner.run(example, out=report.write)
    assert not runner.failures, report.getvalue()


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """(line number, content) of the fenced code blocks in a language."""
    found = []
    for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found.append((text.count("\n", 0, match.start()) + 1, match.group(1)))
    return found


def command_lines(block: str) -> list[tuple[str, list[str]]]:
    """(module, arguments) of every `slr`, `python -m slr_keras...` or `export...`.

    A line may begin with a prompt, continue after a backslash, hold several commands joined by
    `&&`, `;` or `|`, redirect its output, and set variables of the environment.
    """
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars="&|;<>")
        words.whitespace_split = True
        words.commenters = "#"
        command: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("&|;<>"):
                found += _module_of(command)
                # What follows a redirection is a file, not an option.
                command = []
            else:
                command.append(word)
    return found


def _module_of(command: list[str]) -> list[tuple[str, list[str]]]:
    # Variables of the environment may come first.
    while command and re.fullmatch(r"\w+=.*", command[0]):
        command = command[1:]
    if command[:1] == ["slr"]:
        return _of_the_index(command[1:])
    if "-m" not in command:
        return []
    at = command.index("-m")
    if at == 0 or not re.fullmatch(r"(.*/)?python[0-9.]*", command[at - 1]):
        return []
    module, arguments = command[at + 1], command[at + 2 :]
    if module in ("slr_keras", "export"):
        return _of_the_index(arguments, module)
    return [(module, arguments)] if module.split(".")[0] in ("slr_keras", "export") else []


def _of_the_index(arguments: list[str], package: str = "slr_keras") -> list[tuple[str, list[str]]]:
    """The module that the first argument of `slr` or of `python -m slr_keras` names."""
    if not arguments or arguments[0].startswith("-") or arguments[0] == "help":
        return [(package, arguments)]
    package = INDEX.packages().get(arguments[0], package)
    return [(f"{package}.{arguments[0]}", arguments[1:])]


def check_command(module: str, arguments: list[str]) -> None:
    """Assert that a command exists and takes these arguments."""
    assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
    # A first argument may name a benchmark with a parser of its own.
    subcommands = getattr(importlib.import_module(module), "SUBCOMMANDS", {})
    if arguments and arguments[0] in subcommands:
        module, arguments = subcommands[arguments[0]], arguments[1:]
    build_parser = getattr(importlib.import_module(module), "build_parser", None)
    if build_parser is not None:
        parser = build_parser()
        assert isinstance(parser, argparse.ArgumentParser)
        with contextlib.suppress(SystemExit):
            parser.parse_args(arguments)
            return
        # --help ends in SystemExit too.
        understood = {"-h", "--help", "--version"} & set(arguments)
        assert understood, f"python -m {module} {shlex.join(arguments)} is not understood"
        return
    # What a first argument names may have options of its own, as the data sets of `prepare` do.
    first = [word for word in arguments[:1] if not word.startswith("-")]
    command = [sys.executable, "-m", module, *first, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert shown.returncode == 0, shown.stderr
    for option in arguments:
        if option.startswith("-"):
            name = option.partition("=")[0]
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", shown.stdout), (
                f"python -m {module} has no option {name}"
            )


def readme_blocks(language: str) -> list[tuple[int, str]]:
    return blocks(README.read_text(encoding="utf-8"), language)


def test_the_readme_shows_how_to_fit_evaluate_and_predict():
    shown = {module for _, block in readme_blocks("console") for module, _ in command_lines(block)}
    assert {"slr_keras.fit", "slr_keras.evaluate", "slr_keras.predict"} <= shown


def test_every_command_in_the_readme_exists_and_takes_its_options():
    for line, block in readme_blocks("console"):
        for module, arguments in command_lines(block):
            try:
                check_command(module, arguments)
            except AssertionError as error:
                raise AssertionError(f"README.md, block at line {line}: {error}") from error


def test_every_python_example_in_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line, block in readme_blocks("python"):
        # Padding keeps the README's own line numbers in a traceback.
        code = compile("\n" * line + block, str(README), "exec")
        exec(code, {"__name__": "__readme__"})


def test_files_that_the_readme_links_to_exist(root):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", README.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (root / target).exists(), f"README.md links to {target}, which is not there"


CONSOLE = """
# python -m slr_keras.nothing
$ make demo
$ CUDA_VISIBLE_DEVICES=0 python -m slr_keras.predict runs/demo "my clip.npy" \\
    --format json > out.json  # the glosses
python -m slr_keras score a b && .venv/bin/python3.11 -m slr_keras.predict --help | head
python -m pip install .
pip install slr-keras && slr help | TF_CPP_MIN_LOG_LEVEL=3 slr tflite runs/demo
"""


def test_command_lines_are_found_in_a_console_block():
    assert command_lines(CONSOLE) == [
        ("slr_keras.predict", ["runs/demo", "my clip.npy", "--format", "json"]),
        ("slr_keras.score", ["a", "b"]),
        ("slr_keras.predict", ["--help"]),
        ("slr_keras", ["help"]),
        ("export.tflite", ["runs/demo"]),
    ]


def test_blocks_are_found_by_language_with_their_line():
    text = "a\n```python\nx = 1\n```\n\n```console\n$ y\n```\n```python\nz\n```\n"
    assert blocks(text, "python") == [(2, "x = 1\n"), (9, "z\n")]
    assert blocks(text, "console") == [(6, "$ y\n")]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("slr_keras.predict", ["runs/demo", "a.npy", "--no-such-option"]),
        ("slr_keras.predict", ["runs/demo", "a.npy", "--format", "mp3"]),
        ("slr_keras.no_such_command", []),
    ],
)
def test_a_command_that_would_not_run_is_noticed(module, arguments):
    with pytest.raises(AssertionError):
        check_command(module, arguments)
