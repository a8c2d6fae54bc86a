"""Every command: it explains itself, at once, and refuses what it does not know."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import slr_keras
from slr_keras.__main__ import INDEX
from slr_keras.utils.command import run
from slr_keras.utils.command_index import commands_of
from slr_keras.utils.errors import UserError

#: The package of every command, by its name.
COMMANDS = INDEX.packages()
SUMMARIES = {name: text for package in INDEX.groups for name, text in commands_of(package).items()}

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


def python(*arguments: str, root: Path | None = None) -> subprocess.CompletedProcess:
    path = {} if root is None else {"PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **path},
        timeout=120,
    )


def imported(module: str, *arguments: str, folder: Path):
    report = folder / "modules.json"
    done = python("-c", REPORTER, module, str(report), *arguments)
    return done, set(json.loads(report.read_text()))


def test_the_commands_of_the_design_are_there():
    assert {"fit", "evaluate", "predict", "validate", "score", "summary", "benchmark"} <= set(
        commands_of("slr_keras")
    )
    assert {"tflite", "saved_model", "serve", "client"} <= set(commands_of("export"))


def test_no_two_packages_have_a_command_of_the_same_name():
    names = [name for package in INDEX.groups for name in commands_of(package)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_with_an_example_and_loads_nothing_heavy(name, tmp_path):
    done, modules = imported(f"{COMMANDS[name]}.{name}", "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("usage:")
    assert f"python -m slr_keras {name}" in done.stdout
    assert not HEAVY & modules


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_the_users_mistake(name):
    done = python("-m", f"{COMMANDS[name]}.{name}", "--no-such-option-at-all")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error:" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_summary_of_one_line(name):
    summary = SUMMARIES[name]
    assert 10 < len(summary) < 100
    assert "\n" not in summary


def test_the_package_lists_its_commands_without_importing_them(tmp_path):
    done, modules = imported("slr_keras", folder=tmp_path)
    assert done.returncode == 0
    assert "usage: python -m slr_keras COMMAND" in done.stdout
    for name, summary in SUMMARIES.items():
        assert f"{name} " in done.stdout
        assert summary in done.stdout
        assert f"{COMMANDS[name]}.{name}" not in modules
    own, _, exports = done.stdout.partition("export and serving:")
    assert "  predict " in own
    assert "  tflite " in exports
    assert not {*HEAVY, "numpy"} & modules


@pytest.mark.parametrize(
    ("through", "module"),
    [
        (["slr_keras", "predict", "--help"], "slr_keras.predict"),
        (["slr_keras", "help", "predict"], "slr_keras.predict"),
        (["slr_keras", "serve", "--help"], "export.serve"),
        (["export", "serve", "--help"], "export.serve"),
    ],
)
def test_an_index_runs_a_command_as_the_module_does(through, module):
    done = python("-m", *through)
    assert done.returncode == 0
    assert done.stdout == python("-m", module, "--help").stdout


def test_the_package_of_exports_lists_its_commands_alone():
    done = python("-m", "export")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(r"^  (\w+)  ", done.stdout, re.MULTILINE)
    assert listed == list(commands_of("export"))


def test_the_console_script_runs_every_command_and_shows_its_own_name(root, tmp_path):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["slr"].partition(":")
    script = tmp_path / "slr"
    script.write_text(f"from {module} import {function}\n{function}()\n")
    listing = python(str(script), root=root)
    assert listing.returncode == 0, listing.stderr
    assert "usage: slr COMMAND" in listing.stdout
    assert "python -m" not in listing.stdout
    assert python(str(script), "help", root=root).stdout == listing.stdout
    assert python(str(script), "--version", root=root).stdout == f"{slr_keras.__version__}\n"
    shown = python(str(script), "help", "tflite", root=root).stdout
    assert shown.startswith("usage: slr tflite ")
    refused = python(str(script), "stream", "absent", "clip.npy", root=root)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")


def test_an_error_names_commands_as_the_program_was_started(monkeypatch, capsys):
    def fail(arguments):
        raise UserError("no run; `slr fit CONFIG` makes one, in /home/slr data")

    for started, shown in (("/usr/bin/slr", "slr fit"), ("a.py", "python -m slr_keras fit")):
        monkeypatch.setattr(sys, "argv", [started])
        with pytest.raises(SystemExit):
            run(fail)
        error = capsys.readouterr().err
        assert error == f"error: no run; `{shown} CONFIG` makes one, in /home/slr data\n"


def test_an_unknown_command_names_the_nearest():
    done = python("-m", "slr_keras", "predct")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: there is no command 'predct'; did you mean 'predict'?"
    ]


def test_the_version_is_the_same_wherever_it_is_written(root):
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
