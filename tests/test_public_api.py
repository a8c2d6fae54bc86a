"""The public names: the same for type checkers as at run time, and all of them checked."""

import ast
import tomllib

import slr_keras


def test_type_checkers_see_the_names_that_exist(root):
    stub = ast.parse((root / "slr_keras/__init__.pyi").read_text("utf-8"))
    typed = {
        (alias.name, statement.module)
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(slr_keras._PUBLIC.items())


def test_the_types_of_every_public_module_are_checked(root):
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    files = settings["tool"]["mypy"]["files"]
    for module in slr_keras._PUBLIC.values():
        path = module.replace(".", "/")
        assert f"{path}.py" in files or f"{path}/" in files, module
