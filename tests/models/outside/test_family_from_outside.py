"""A family of models that another package adds works in every command, with no change here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = """
import json, sys
import numpy as np
from export.saved_model import main as export
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.models.registry import families, list_models
from slr_keras.predict import main as predict

assert "mean_points" not in sys.modules
recipe = sys.argv[1]
assert {"mean_points", "mean_points_small"} <= set(list_models())
assert fit([recipe, "--to", "run"]) == 0
assert evaluate(["run", "--split", "test"]) == 0
assert predict(["run", "data/test.jsonl", "--format", "json", "--to", "predictions.json"]) == 0
assert export(["run", "served", "--clips", "2", "--no-warmup"]) == 0
from export.graph.names import DEFAULT
import tensorflow as tf
from slr_keras.data.manifest import read_manifest
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.run import Run
raw = np.asarray(read_manifest("data/test.jsonl").load(0), np.float32)
call = tf.saved_model.load("served/1").signatures[DEFAULT]
served = call(keypoints=tf.constant(raw[None]), lengths=tf.constant([len(raw)]))["logits"][0]
keras = Recogniser(Run.load("run")).logits([raw])[0]["ensemble"]
np.testing.assert_allclose(served[: len(keras)], keras, atol=1e-5 * np.abs(keras).max())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder on the path that holds the module and says, as pip would, what is installed."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "mean_points.py").write_text((HERE / "mean_points.py").read_text())
    about = folder / "mean_points-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mean-points\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[slr_keras.models]\nmean_points = mean_points:FAMILY\n"
    )
    return folder


def run(folder: Path, installed: Path, root: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(root)])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_it_trains_evaluates_predicts_and_exports(tiny, installed, root, tmp_path):
    tiny.write_data(tmp_path / "data")
    done = run(tmp_path, installed, root, "-c", PROGRAM, str(HERE / "mean_points.yaml"))
    assert done.returncode == 0, done.stderr[-3000:]
    records = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(record)["epoch"] for record in records] == [1, 2]
    clips = json.loads((tmp_path / "predictions.json").read_text())["clips"]
    assert len(clips) == 4
    assert (tmp_path / "served/1/saved_model.pb").is_file()


def test_a_family_that_cannot_be_loaded_is_named(installed, root, tmp_path):
    about = tmp_path / "broken-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[slr_keras.models]\nbroken = no_such_module:FAMILY\n")
    program = "from slr_keras.models.registry import list_models; list_models()"
    done = run(tmp_path, tmp_path, root, "-c", program)
    assert "UserError: the model family no_such_module:FAMILY" in done.stderr
    assert "package broken" in done.stderr
