"""The structure of the code: imports go down from floor to floor, and never in a circle."""

import ast
import shutil
from pathlib import Path

import import_graph
import pytest

PACKAGES = ("slr_keras", "export")
# From the ground up. A folder imports itself and lower floors alone.
FLOORS = (
    ("slr_keras", "export"),
    ("slr_keras.utils",),
    ("slr_keras.text", "slr_keras.losses", "slr_keras.hub"),
    ("slr_keras.data", "slr_keras.metrics"),
    ("slr_keras.decoding", "slr_keras.models", "slr_keras.extraction", "slr_keras.baselines"),
    ("slr_keras.config", "slr_keras.weights"),
    ("slr_keras.training",),
    (
        "slr_keras.recognition",
        "slr_keras.comparison",
        "slr_keras.benchmarks",
        "slr_keras.jax_training",
    ),
    ("slr_keras.bundle",),
    ("slr_keras.enrolment",),
    ("slr_keras.streaming", "export.common"),
    ("export.lite", "export.graph", "slr_keras.dictionary"),
    ("export.serving", "export.presets"),
    (import_graph.COMMANDS,),
)


@pytest.fixture(scope="module")
def tree(root) -> tuple[dict[str, Path], dict[str, set[str]]]:
    modules = import_graph.modules_of(root, PACKAGES)
    return modules, import_graph.imports_of(modules)


def test_no_module_imports_a_higher_floor_or_a_neighbour(tree):
    modules, imports = tree
    assert import_graph.upward(imports, modules, FLOORS) == []


def test_no_modules_import_one_another_in_a_circle(tree):
    assert import_graph.circles(tree[1]) == []


def test_every_floor_names_folders_that_are_there(tree):
    modules, _ = tree
    folders = {import_graph.folder_of(module, modules) for module in modules}
    assert {folder for floor in FLOORS for folder in floor} == folders


def test_an_upward_import_and_a_circle_are_noticed_where_they_are_put_in(root, tmp_path):
    for package in PACKAGES:
        shutil.copytree(root / package, tmp_path / package, ignore=lambda *_: ["__pycache__"])
    errors = tmp_path / "slr_keras/utils/errors.py"
    errors.write_text(errors.read_text() + "\n\ndef f():\n    import slr_keras.data.manifest\n")
    modules = import_graph.modules_of(tmp_path, PACKAGES)
    imports = import_graph.imports_of(modules)
    assert import_graph.upward(imports, modules, FLOORS) == [
        "slr_keras.utils.errors (1) -> slr_keras.data.manifest (3)"
    ]
    assert "slr_keras.utils.errors" in import_graph.circles(imports)[0]


def test_no_module_is_longer_than_contributing_says(tree):
    lengths = {name: file.read_text().count("\n") for name, file in tree[0].items()}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_command_is_imported_by_another_module_than_the_list_of_commands(tree):
    modules, imports = tree
    commands = {name for name in modules if import_graph.folder_of(name, modules) == "commands"}
    wrong = [f"{name} -> {target}" for name in imports for target in imports[name] & commands]
    assert wrong == []


def test_a_family_of_models_is_named_in_its_own_folder_alone(root):
    """No code outside a model's folder asks for a model's class."""
    classes = {"C2st", "Ustm", "StepNet", "Stark", "StarkIsolated", "SignConv", "SignConvIsolated"}
    wrong = []
    for module, file in import_graph.modules_of(root, PACKAGES).items():
        if module.startswith("slr_keras.models."):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                names = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                wrong += [f"{module}:{node.lineno}: {name}" for name in names & classes]
    assert wrong == []
