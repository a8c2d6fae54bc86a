"""What the documentation shows works: the examples in docstrings, the pages, and their links."""

import argparse
import contextlib
import doctest
import importlib
import importlib.util
import io
import json
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import own_signs
import pytest
import tutorial
from documentation import PAGES, README, blocks, broken_links

import slr_keras
from slr_keras.__main__ import INDEX
from slr_keras.data.datasets import dataset


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
    if name.startswith("slr_keras.jax_training."):
        pytest.importorskip("jax")
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(module, name):
        runner.run(example, out=report.write)
    assert not runner.failures, report.getvalue()


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
        # --help ends in SystemExit too, and the lists of `fit` need no recipe.
        understood = {"-h", "--help", "--version", "--list", "--help-config"} & set(arguments)
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


def page_blocks(page: str, language: str) -> list[tuple[int, str]]:
    return blocks(PAGES[page].read_text(encoding="utf-8"), language)


def test_the_readme_shows_how_to_recognise_a_clip_and_is_short():
    shown = {
        module
        for _, block in page_blocks("README.md", "console")
        for module, _ in command_lines(block)
    }
    assert "slr_keras.predict" in shown
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_exists_and_takes_its_options(page):
    for line, block in page_blocks(page, "console"):
        for module, arguments in command_lines(block):
            try:
                check_command(module, arguments)
            except AssertionError as error:
                raise AssertionError(f"{page}, block at line {line}: {error}") from error


@pytest.mark.parametrize("page", [page for page in PAGES if page_blocks(page, "python")])
def test_every_python_example_of_a_page_runs(page, tmp_path, monkeypatch, portrait, film):
    monkeypatch.chdir(tmp_path)
    for line, block in page_blocks(page, "python"):
        if "clip.mp4" in block:
            pytest.importorskip("mediapipe")
            film(tmp_path / "clip.mp4", [portrait] * 12)
        if "my_signs.slr" in block:
            own_signs.use_an_encoder(monkeypatch)
            own_signs.write(tmp_path, own_signs.simulated())
            INDEX.main(["enrol", "recordings", "--to", "my_signs.slr"])
        # Padding keeps the page's own line numbers in a traceback.
        code = compile("\n" * line + block, str(PAGES[page]), "exec")
        exec(code, {"__name__": "__page__"})


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_to_files_and_headings(page):
    assert broken_links(PAGES[page]) == []


def test_links_to_no_file_and_to_no_heading_are_noticed(tmp_path):
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# One `two`, three\n## A\n## A\n")
    page.write_text("# Here\n[a](other.md#one-two-three) [b](other.md#a-1) [c](#here) `[d](e)`\n")
    assert broken_links(page) == []
    page.write_text("[a](nothing.md) [b](other.md#a-2) [c](#there) [d](https://example.org)\n")
    assert broken_links(page) == ["nothing.md", "other.md#a-2", "#there"]


def test_generated_pages_are_current(root):
    spec = importlib.util.spec_from_file_location("generate", root / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, text in generate.pages().items():
        there = (root / "docs" / name).read_text(encoding="utf-8")
        assert there == text, f"docs/{name} is not current; run python docs/generate.py"


def test_every_public_name_is_on_the_page_of_the_interface(root):
    page = (root / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    shown = {place.rpartition(".")[2] for place in re.findall(r"^::: (\S+)$", page, re.MULTILINE)}
    assert shown == set(slr_keras.__all__) - {"__version__"}


def test_every_page_of_the_site_is_in_its_navigation(root):
    navigation = (root / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in sorted((root / "docs").rglob("*.md")):
        name = page.relative_to(root / "docs").as_posix()
        assert re.search(rf"[ :]{re.escape(name)}$", navigation, re.MULTILINE), name


def run_tutorial(recordings: tutorial.Recordings) -> None:
    """Run every command of the tutorial for own recordings; the folder `recordings` is there."""
    steps = (
        PAGES["docs/guides/own-data.md"].read_text(encoding="utf-8").partition("## Recordings")[0]
    )
    done = []
    for _, block in blocks(steps, "console"):
        for module, arguments in command_lines(block):
            tutorial.run(module.partition(".")[2], arguments, recordings)
            done.append(module.partition(".")[2])
    assert {"extract", "validate", "fit", "evaluate", "tflite", "predict"} <= set(done)
    assert Path("runs/mine_live/tflite/metadata.json").is_file()


def test_the_commands_of_the_tutorial_for_own_recordings_run(tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    tutorial.write_simulated(tmp_path / "recordings")
    run_tutorial(tutorial.SIMULATED)


@pytest.mark.shared_data
def test_the_tutorial_runs_on_recordings_of_real_signs(tmp_path, monkeypatch, shared_data):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    prepare = dataset("holistic_full_sample").prepare
    prepare(shared_data / "holistic_full_sample", tmp_path / "prepared")
    tutorial.write_real(tmp_path / "recordings", tmp_path / "prepared")
    run_tutorial(tutorial.REAL)


def notebooks() -> list[Path]:
    """Every notebook of the documentation."""
    return sorted((README.parent / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(path, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict = {"__name__": "__main__"}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), str(path), "exec"), names)
        streams = [
            "".join(output["text"])
            for output in cell["outputs"]
            if output["output_type"] == "stream" and output["name"] == "stdout"
        ]
        assert printed.getvalue() == "".join(streams)
    assert any(
        "image/png" in output.get("data", {}) for c in cells for output in c.get("outputs", ())
    )


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
