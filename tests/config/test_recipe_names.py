"""A recipe is found by its path or by its name, in a checkout and in an installed package."""

import os
import subprocess
import sys
import zipfile

import pytest

from slr_keras.config import load_config
from slr_keras.config.recipes import find_recipe, recipe_listing, shipped_recipes
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("name", ["stark_demo", "stark_demo.yaml"])
def test_a_shipped_recipe_is_found_by_its_name(name, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe(name) == root / "configs" / "stark_demo.yaml"
    assert load_config(name).model.name == "stark_tiny"


def test_a_file_of_the_same_name_comes_first_and_a_folder_does_not(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stark_demo").mkdir()
    assert find_recipe("stark_demo") == root / "configs" / "stark_demo.yaml"
    (tmp_path / "stark_demo.yaml").write_text("data: {folder: mine}\n")
    assert find_recipe("stark_demo.yaml").read_text() == "data: {folder: mine}\n"


@pytest.mark.parametrize("source", ["stark_dmo", "configs/stark_demo.yaml", "../stark_demo"])
def test_a_recipe_that_is_not_there_names_the_nearest(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        load_config(source)
    assert str(caught.value) == f"{source}: no such recipe; did you mean 'stark_demo'?"


def test_a_recipe_like_no_other_says_where_the_names_are(tmp_path):
    with pytest.raises(UserError, match=r"zzz: no such recipe; give .* `slr fit --list`"):
        load_config(tmp_path / "zzz")


@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_list_names_every_recipe_with_its_summary_in_the_width(width):
    lines = recipe_listing(width).splitlines()
    assert max(map(len, lines[:-1])) <= width
    for name in shipped_recipes():
        (line,) = [line for line in lines if line.split(" ")[0] == name]
        assert len(line.split()) > 2


@pytest.fixture(scope="module")
def unzipped(root, tmp_path_factory):
    """The contents of a wheel that is built without a network from a copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "sources"
    copy.mkdir()
    for name in ("slr_keras", "export", "configs", "pyproject.toml", "setup.py"):
        os.symlink(root / name, copy / name)
    for name in ("README.md", "LICENSE"):
        os.symlink(root / name, copy / name)
    program = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "tree")
    return folder / "tree"


def test_the_wheel_holds_the_recipes_the_types_and_the_script(unzipped, root):
    recipes = {path.name for path in (root / "configs").glob("*.yaml")}
    assert {path.name for path in (unzipped / "slr_keras/configs").glob("*")} == recipes
    assert (unzipped / "slr_keras/py.typed").is_file()
    assert (unzipped / "export/py.typed").is_file()
    (entry_points,) = unzipped.glob("*.dist-info/entry_points.txt")
    assert "slr = slr_keras.__main__:script" in entry_points.read_text()
    for folder in ("slr_keras", "export"):
        sources = {path.relative_to(root) for path in (root / folder).rglob("*.py")}
        assert {path for path in sources if not (unzipped / path).is_file()} == set()
    layouts = {path.relative_to(root) for path in (root / "slr_keras").rglob("*.json")}
    assert {path for path in layouts if not (unzipped / path).is_file()} == set()


def test_the_unzipped_wheel_finds_its_own_recipes(unzipped, tmp_path):
    program = "from slr_keras.config import load_config as l; print(l('stark_demo').model.name)"
    for arguments, shown in (
        (["-m", "slr_keras", "fit", "--list"], "stark_demo "),
        (["-m", "slr_keras", "fit", "--list"], f"from {unzipped}"),
        (["-c", program], "stark_tiny"),
    ):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(unzipped)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert shown in done.stdout
