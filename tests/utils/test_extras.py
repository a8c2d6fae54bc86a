"""What an error says of an optional part can be installed, from a checkout, too."""

import ast
import tomllib

import import_graph

from slr_keras.utils.extras import install


def strings_and_calls(root):
    """(file, text) of every string of the packages, and (file, names) of calls of `install`."""
    strings, calls = [], []
    for file in import_graph.modules_of(root, ("slr_keras", "export")).values():
        if file.name == "extras.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.append((file.name, node.value))
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "install":
                calls.append((file.name, [ast.literal_eval(name) for name in node.args]))
    return strings, calls


def test_every_extra_that_is_named_exists(root):
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    _, calls = strings_and_calls(root)
    assert len(calls) >= 8
    known = set(extras["optional-dependencies"])
    assert [(file, names) for file, names in calls if not set(names) <= known] == []


def test_no_text_names_the_installed_package_alone(root):
    strings, _ = strings_and_calls(root)
    assert [
        (file, text) for file, text in strings if "slr-keras[" in text and ".[" not in text
    ] == []


def test_the_hint_names_both_ways():
    assert install("a", "b") == (
        "pip install 'slr-keras[a,b]' (in a checkout: pip install '.[a,b]')"
    )
