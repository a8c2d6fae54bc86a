"""Every command: it explains itself, at once, and refuses what it does not know."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import slr_keras
from slr_keras.__main__ import commands

# Imports that take seconds, or that no explanation needs.
HEAVY = {"tensorflow", "keras", "matplotlib", "jiwer", "tqdm"}

# Runs `python -m <module> <arguments>` and reports what was imported on the way.
REPORTER = """
import json, runpy, sys
module, report, *arguments = sys.argv[1:]
sys.argv = [module, *arguments]
code = 0
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as exit:
    code = exit.code
finally:
    with open(report, "w") as file:
        json.dump(sorted(sys.modules), file)
sys.exit(code)
"""


def python(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=folder, timeout=120
    )


def imported(module: str, *arguments: str, folder: Path):
    report = folder / "modules.json"
    done = python("-c", REPORTER, module, str(report), *arguments)
    return done, set(json.loads(report.read_text()))


def test_the_commands_of_the_design_are_there():
    assert {"fit", "evaluate", "predict", "validate", "score", "summary", "benchmark"} <= set(
        commands()
    )


@pytest.mark.parametrize("name", commands())
def test_help_explains_with_an_example_and_loads_nothing_heavy(name, tmp_path):
    done, modules = imported(f"slr_keras.{name}", "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("usage:")
    assert f"python -m slr_keras.{name}" in done.stdout
    assert not HEAVY & modules


@pytest.mark.parametrize("name", commands())
def test_an_unknown_option_is_the_users_mistake(name):
    done = python("-m", f"slr_keras.{name}", "--no-such-option-at-all")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error:" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_summary_of_one_line(name):
    summary = commands()[name]
    assert 10 < len(summary) < 100
    assert "\n" not in summary


def test_the_package_lists_its_commands_without_importing_them(tmp_path):
    done, modules = imported("slr_keras", folder=tmp_path)
    assert done.returncode == 0
    for name, summary in commands().items():
        assert f"{name} " in done.stdout
        assert summary in done.stdout
        assert f"slr_keras.{name}" not in modules
    assert not {*HEAVY, "numpy"} & modules


def test_the_package_runs_a_command_as_the_module_does():
    through = python("-m", "slr_keras", "predict", "--help")
    assert through.returncode == 0
    assert through.stdout == python("-m", "slr_keras.predict", "--help").stdout


def test_an_unknown_command_names_the_nearest():
    done = python("-m", "slr_keras", "predct")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: there is no command 'predct'; did you mean 'predict'?"
    ]


def test_the_version_is_the_same_wherever_it_is_written(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["version"] == slr_keras.__version__
    assert f"version: {slr_keras.__version__}\n" in (root / "CITATION.cff").read_text()
    assert python("-m", "slr_keras", "--version").stdout.strip() == slr_keras.__version__


def test_importing_the_package_imports_nothing_else():
    done = python(
        "-c",
        "import sys, slr_keras; slr_keras.UserError; print(sorted(sys.modules))",
    )
    assert "'slr_keras.utils.errors'" in done.stdout
    assert "numpy" not in done.stdout
    assert "tensorflow" not in done.stdout


@pytest.mark.parametrize("name", [name for name in slr_keras.__all__ if name != "__version__"])
def test_every_public_name_is_there(name):
    value = getattr(slr_keras, name)
    # Where it is defined, or in the package that gathers it.
    assert value.__module__.startswith("slr_keras.")
    assert value.__doc__


def test_no_public_name_hides_a_module():
    import pkgutil

    modules = {module.name for module in pkgutil.iter_modules(slr_keras.__path__)}
    assert not modules & set(slr_keras.__all__)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Recognizer"):
        slr_keras.Recognizer  # noqa: B018
