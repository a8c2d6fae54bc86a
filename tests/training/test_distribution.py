"""The same training on one device, two devices, and two processes."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from slr_keras.config import DistributionConfig
from slr_keras.training import distribution
from slr_keras.training.distribution import chosen_devices, is_chief, make_strategy
from slr_keras.training.folder import RunFolder
from slr_keras.utils.errors import UserError


def test_three_steps_and_an_evaluation_on_two_devices_equal_one(tiny, tmp_path):
    data = tiny.write_data(tmp_path / "data", dev=5, streams=("body",))
    script = Path(__file__).with_name("two_devices.py")
    done = tiny.command(script, data, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert found["replicas"] == "2 MirroredVariable"
    assert found["steps"] == "3"
    assert float(found["losses"]) < 1e-5
    assert float(found["weights"]) < 1e-5
    assert float(found["evaluation"]) < 1e-5


@pytest.mark.long
def test_calibration_on_two_devices_equals_that_on_one(tiny, tmp_path):
    script = Path(__file__).with_name("c2st_two_devices.py")
    done = tiny.command(script, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (found["one"], found["two"], found["steps"]) == ("1", "2", "2")
    for name in ("clips", "loss", "calibration", "gradient_norm"):
        difference, least = map(float, found[name].split())
        assert difference < 1e-3, name
        assert least > 0, name


def test_two_workers_train_together_and_only_the_chief_writes(tiny, light_data, tmp_path):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", light_data, epochs=2)
    addresses = [f"localhost:{free_port()}" for _ in range(2)]
    processes = []
    for index in range(2):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        words = ["-W", "ignore", "-m", "slr_keras.fit", recipe, "--to", tmp_path / "run"]
        words += ["--set", "distribution.strategy=multi_worker"]
        processes.append(
            subprocess.Popen(
                [sys.executable, *map(str, words)],
                env=tiny.environment(TF_CONFIG=json.dumps(cluster)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [process.communicate(timeout=1200) for process in processes]
    for process, (_, errors) in zip(processes, outputs):
        assert process.returncode == 0, errors[-3000:]
    assert "epoch 2/2" in outputs[0][0]
    assert outputs[1][0] == ""
    folder = RunFolder(tmp_path / "run")
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    assert records[-1]["step"] == 6
    assert folder.report.is_file()
    assert folder.best.is_file()
    assert len(list(folder.tensorboard.iterdir())) == 1


def free_port():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


@pytest.mark.parametrize("value", [None, "", "{", "[]", '{"cluster": 3, "task": {}}'])
def test_multi_worker_without_a_usable_tf_config_is_a_user_error(monkeypatch, value):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(UserError, match="TF_CONFIG"):
        is_chief(DistributionConfig(strategy="multi_worker"))


@pytest.mark.parametrize(
    ("jobs", "kind", "index", "chief"),
    [
        (("worker",), "worker", 0, True),
        (("worker",), "worker", 1, False),
        (("chief", "worker"), "chief", 0, True),
        (("chief", "worker"), "worker", 0, False),
    ],
)
def test_a_cluster_has_one_chief(monkeypatch, jobs, kind, index, chief):
    machines = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    task = {"type": kind, "index": index}
    cluster = {"cluster": {job: machines[job] for job in jobs}, "task": task}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert is_chief(DistributionConfig(strategy="multi_worker")) is chief
    assert is_chief(DistributionConfig())


def test_devices_that_do_not_exist_are_named_with_those_that_do():
    assert chosen_devices(None) == ["CPU:0"]
    assert chosen_devices(1) == ["CPU:0"]
    with pytest.raises(UserError, match="no device GPU:3; available are CPU:0"):
        chosen_devices(("GPU:3",))
    with pytest.raises(UserError, match="2 requested; available are CPU:0"):
        chosen_devices(2)


def test_several_devices_are_refused_without_the_mirrored_strategy(monkeypatch):
    monkeypatch.setattr(distribution, "chosen_devices", lambda devices: list(devices))
    with pytest.raises(UserError, match="use strategy mirrored"):
        make_strategy(DistributionConfig(devices=("GPU:0", "GPU:1")))
