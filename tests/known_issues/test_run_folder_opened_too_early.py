"""A command that could not train changed the run folder all the same.

A second `fit` on a run in training was refused after it had rewritten `config.yaml`. A first `fit`
that failed on a typo left a folder that refused the corrected command. `--restart` moved the old
run aside before anything was checked. The command now locks the folder, looks, checks, and then
writes.
"""

import fcntl
import os

import pytest
import yaml

from slr_keras.fit import main
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def data(tiny, tmp_path_factory):
    return tiny.write_data(tmp_path_factory.mktemp("early") / "data")


@pytest.fixture
def recipe(tiny, data, tmp_path):
    return tiny.write_recipe(tmp_path / "r.yaml", data, epochs=1)


@pytest.fixture
def begun(tiny, data, tmp_path):
    """The folder of a run with a checkpoint."""
    folder = RunFolder(tmp_path / "run")
    folder.open(tiny.config(data, epochs=1))
    folder.last.parent.mkdir()
    folder.last.write_bytes(b"checkpoint")
    return folder


def contents(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("options", [["--set", "decoding.beam=3"], ["--restart"], ["--resume"]])
def test_a_second_command_on_a_run_in_training_changes_nothing(begun, recipe, options):
    with begun.locked():
        before = contents(begun.path)
        with pytest.raises(UserError, match="another process is training"):
            main([str(recipe), "--to", str(begun.path), *options])
        assert contents(begun.path) == before
    assert not begun.path.with_name("run.1").exists()


MISTAKES = [
    ("model.name=stork", "no model"),
    ("model.options.width=3", "width"),
    ("training.frozen=[absent]", "no layer"),
    ("data.dev=deev", "no such split"),
    ("data.vocabulary=absent.txt", "absent"),
    ("distribution.devices=7", "7 requested"),
]


@pytest.mark.parametrize(("mistake", "problem"), MISTAKES)
def test_a_mistake_leaves_no_folder_and_no_trace_of_itself(recipe, tmp_path, mistake, problem):
    with pytest.raises(UserError, match=problem):
        main([str(recipe), "--to", str(tmp_path / "deep" / "run"), "--set", mistake])
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(("mistake", "problem"), MISTAKES[:3])
def test_a_restart_with_a_mistake_leaves_the_old_run_in_place(begun, recipe, mistake, problem):
    before = contents(begun.path)
    with pytest.raises(UserError, match=problem):
        main([str(recipe), "--to", str(begun.path), "--restart", "--set", mistake])
    assert contents(begun.path) == before
    assert not begun.path.with_name("run.1").exists()


@pytest.mark.parametrize("options", [[], pytest.param(["--restart"], marks=pytest.mark.long)])
def test_a_folder_without_a_checkpoint_takes_a_corrected_command(tiny, recipe, tmp_path, options):
    other = tiny.config(tmp_path / "absent", epochs=7)
    folder = RunFolder(tmp_path / "run")
    folder.open(other)
    # What an interrupted first epoch leaves: the description of other data.
    folder.vocabulary.write_text("<blank>\n<unk>\nOTHER\n")
    folder.model.write_text("{}")
    folder.contract.write_text("{}")
    assert main([str(recipe), "--to", str(folder.path), *options]) == 0
    assert yaml.safe_load(folder.config.read_text())["training"]["epochs"] == 1
    assert "NORTH" in folder.vocabulary.read_text()
    assert folder.best.is_file()


def test_a_folder_with_a_checkpoint_refuses_another_recipe(begun, recipe):
    with pytest.raises(UserError, match="began with another config"):
        main([str(recipe), "--to", str(begun.path), "--set", "training.seed=3"])


def test_a_run_without_its_last_state_is_not_trained_over(begun, recipe):
    begun.last.unlink()
    begun.best.write_bytes(b"weights")
    with pytest.raises(UserError, match="from which training could go on"):
        main([str(recipe), "--to", str(begun.path)])
    assert begun.best.read_bytes() == b"weights"


def test_a_lock_on_a_folder_that_was_moved_meanwhile_does_not_count(begun, monkeypatch):
    """Between the opening of the lock file and its lock, another process restarts the run."""
    lock = fcntl.flock
    moved = []

    def late(file, flags):
        if not moved:
            moved.append(True)
            os.rename(begun.path, begun.path.with_name("run.1"))
            begun.path.mkdir()
        lock(file, flags)

    monkeypatch.setattr(fcntl, "flock", late)
    with begun.locked():
        monkeypatch.undo()
        with pytest.raises(UserError, match="another process"), RunFolder(begun.path).locked():
            pass


def test_no_lock_stays_in_a_folder_of_other_files(tiny, data, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="holds other files"):
        RunFolder(tmp_path).open(tiny.config(data))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
