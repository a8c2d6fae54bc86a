"""A run that was stopped, killed or asked for twice."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from slr_keras.config import override, read_run_config
from slr_keras.training.folder import RunFolder
from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256

TIMES = ("seconds", "clips_per_second", "waiting")


def start(tiny, recipe, run, *options):
    words = [sys.executable, "-W", "ignore", "-m", "slr_keras.fit", recipe, "--to", run, *options]
    return subprocess.Popen(
        [str(word) for word in words],
        env=tiny.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def stop_within_epoch(process, run, number):
    """Send a signal once a checkpoint within the second epoch or a later one is there."""
    path = RunFolder(run).last
    limit = time.monotonic() + 1200
    while time.monotonic() < limit and process.poll() is None:
        if path.is_file():
            position = read_record(path)["position"]
            if position["epoch"] >= 1 and position["batch"] >= 1:
                process.send_signal(number)
                break
        time.sleep(0.002)
    output, _ = process.communicate(timeout=1200)
    return output


def metrics(run):
    lines = RunFolder(run).metrics.read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def assert_same_arrays(first, second):
    one, two = np.load(first), np.load(second)
    assert one.files == two.files
    for name in one.files:
        if name != "record":
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_a_killed_run_ends_exactly_as_an_unbroken_one(tiny, light_data, tmp_path):
    recipe = tiny.write_recipe(
        tmp_path / "r.yaml",
        light_data,
        epochs=12,
        deterministic=True,
        checkpoint_minutes=1e-5,
        accumulate=2,
        moving_average=0.9,
    )
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    reference = start(tiny, recipe, unbroken)
    process = start(tiny, recipe, broken)
    output = stop_within_epoch(process, broken, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, output
    killed_at = read_record(RunFolder(broken).last)["position"]
    assert 1 <= killed_at["epoch"] < 12
    process = start(tiny, recipe, broken)
    output, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, output
    assert "resuming after" in output
    output, _ = reference.communicate(timeout=1200)
    assert reference.returncode == 0, output

    assert metrics(broken) == metrics(unbroken)
    one, two = RunFolder(broken), RunFolder(unbroken)
    assert_same_arrays(one.last, two.last)
    assert_same_arrays(one.best, two.best)
    assert read_record(one.best) == read_record(two.best)
    assert one.predictions("dev").read_text() == two.predictions("dev").read_text()


def test_a_termination_request_saves_within_the_epoch_and_says_so(tiny, light_data, tmp_path):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", light_data, epochs=500)
    process = start(tiny, recipe, tmp_path / "run", "--set", "training.checkpoint_minutes=1e-5")
    output = stop_within_epoch(process, tmp_path / "run", signal.SIGTERM)
    assert process.returncode == 130, output
    assert "stopped and saved" in output
    assert "Traceback" not in output
    position = read_record(RunFolder(tmp_path / "run").last)["position"]
    assert position["step"] > 0


@pytest.fixture
def folder(tiny, data, tmp_path):
    """A run folder that a config opened and that has a checkpoint."""
    folder = RunFolder(tmp_path / "run")
    folder.open(tiny.config(data))
    folder.last.parent.mkdir()
    folder.last.touch()
    return folder


def test_the_same_config_goes_on_and_another_is_refused_with_the_difference(tiny, data, folder):
    config = tiny.config(data)
    assert "continuing the run" in folder.open(config)
    with pytest.raises(UserError, match=r"training\.seed: 0 -> 5.*--restart"):
        folder.open(override(config, ["training.seed=5"]))


def test_devices_and_decoding_may_change_when_a_run_goes_on(tiny, data, folder):
    changed = override(tiny.config(data), ["decoding.beam=3", "distribution.devices=1"])
    assert "continuing the run" in folder.open(changed)
    assert "beam: 3" in folder.config.read_text()


def test_restart_moves_the_run_aside_and_keeps_it(tiny, data, folder):
    (folder.path / "metrics.jsonl").write_text("{}\n")
    config = override(tiny.config(data), ["training.seed=5"])
    assert "run.1" in folder.open(config, restart=True)
    assert (folder.path.with_name("run.1") / "metrics.jsonl").read_text() == "{}\n"
    assert not folder.metrics.exists()
    folder.open(config, restart=True)
    assert folder.path.with_name("run.2").is_dir()


def test_resume_never_begins_a_run(tiny, data, tmp_path):
    with pytest.raises(UserError, match="there is no run to resume"):
        RunFolder(tmp_path / "none").open(tiny.config(data), resume=True)
    assert not (tmp_path / "none").exists()


def test_a_folder_of_other_files_is_left_alone(tiny, data, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="holds other files"):
        RunFolder(tmp_path).open(tiny.config(data))


def test_two_processes_cannot_train_in_one_run(tiny, data, folder):
    with folder.locked():
        with pytest.raises(UserError, match="another process"), RunFolder(folder.path).locked():
            pass
        with pytest.raises(UserError, match="another process"):
            RunFolder(folder.path).open(tiny.config(data), restart=True)
    with folder.locked():
        pass


def test_the_heads_that_choose_the_best_epoch_may_not_change(tiny, data, folder):
    with pytest.raises(UserError, match=r"decoding\.heads"):
        folder.open(override(tiny.config(data), ["decoding.heads=[fuse]"]))


def test_data_that_changed_since_the_run_began_is_refused(trained):
    from slr_keras.training.data import open_run_data

    kept = read_record(RunFolder(trained).last)["data"]
    assert kept == {
        f"{split}.jsonl": sha256(trained.parent / "data" / f"{split}.jsonl")
        for split in ("train", "dev")
    }
    run_data = open_run_data(read_run_config(RunFolder(trained).config))
    run_data.require_unchanged(kept, trained)
    with pytest.raises(UserError, match=r"train\.jsonl changed since this run began"):
        run_data.require_unchanged({**kept, "train.jsonl": "0"}, trained)
