"""The command `export.saved_model`: a version that does what its run does, or none at all."""

import functools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export.graph.endpoints import require_servable
from export.graph.publication import (
    check_manifest,
    next_version,
    published_version,
    versions,
)
from export.saved_model import main
from slr_keras.config import parse_config
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError

from .conftest import SYSTEMS

BUCKETS = (8, 16)
OF_VIDEO = {"serving_encoded"}
WARMED = [
    "stark",
    *(pytest.param(it, marks=pytest.mark.long) for it in ("c2st", "ustm", "stepnet")),
]
ALWAYS = {"serving_default", "serving_glosses", "serving_features"}


@pytest.fixture(scope="module")
def stark(served):
    return served("stark")


@functools.cache
def loaded(version):
    """The SavedModel, once a session; its signatures live as long as it does."""
    return tf.saved_model.load(str(version))


def description(version):
    return json.loads((version / "assets" / "serving.json").read_text())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_version_says_what_it_is_and_holds_what_it_says(system, served):
    path, version = served(system)
    run, value = Run.load(path), description(version)
    video, isolated = run.modality == "video", run.output == "sign"
    assert value["system"] == system.partition("_")[0]
    assert (value["kind"] == "isolated") is isolated
    assert value["buckets"] == list(BUCKETS)
    assert value["limits"] == {"shortest": 1, "longest": 400}
    assert value["stride"] == (None if isolated else 4)
    assert max(value["verification"]["relative_error"].values()) <= 1e-5
    assert set(value["verification"]["relative_error"]) >= {"serving_default", "together"}
    labels = (version / "assets" / "labels.txt").read_text().splitlines()
    assert tuple(labels) == (run.vocabulary.glosses if isolated else run.vocabulary.tokens)
    contract = type(run.contract).read(version / "assets" / value["contract"]["file"])
    assert contract == run.contract
    signatures = loaded(version).signatures
    assert set(signatures) >= ALWAYS | (OF_VIDEO if video else set())
    for name, signature in signatures.items():
        of = value["signatures"][name]
        inputs = signature.structured_input_signature[1]
        assert {key: spec.dtype.name for key, spec in inputs.items()} == {
            key: it["dtype"] for key, it in of["inputs"].items()
        }
        assert set(signature.structured_outputs) == set(of["outputs"])
    scores = value["signatures"]["serving_default"]["outputs"]["logits"]["shape"]
    assert scores == ([-1, len(labels)] if isolated else [-1, -1, len(labels)])
    check_manifest(version)


@pytest.mark.parametrize("system", WARMED)
def test_every_warm_up_request_runs_and_every_signature_has_one_of_each_length(system, served):
    protos = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    _, version = served(system)
    signatures = loaded(version).signatures
    file = version / "assets.extra" / "tf_serving_warmup_requests"
    seen = set()
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        request = protos.PredictionLog.FromString(record).predict_log.request
        signature = request.model_spec.signature_name
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        outputs = signatures[signature](**{key: tf.constant(x) for key, x in inputs.items()})
        assert all(np.isfinite(x).all() for x in outputs.values() if x.dtype == tf.float32)
        seen.add((signature, int(inputs["lengths"][0])))
    assert seen >= {
        (name, bucket) for name in signatures if "context" not in name for bucket in BUCKETS
    }
    assert description(version)["warmup_records"] == len(seen)


def test_glosses_of_the_graph_are_those_that_were_signed(stark):
    from slr_keras.data.manifest import read_manifest

    path, version = stark
    run = Run.load(path)
    manifest = read_manifest(path.parent / "data" / "train.jsonl")
    clips = [manifest.load(row) for row in range(len(manifest))]
    longest = max(map(len, clips))
    batch = np.stack([np.pad(c, [(0, longest - len(c)), (0, 0), (0, 0)]) for c in clips])
    found = loaded(version).signatures["serving_glosses"](
        keypoints=tf.constant(batch), lengths=tf.constant([len(clip) for clip in clips])
    )
    said = [
        run.vocabulary.decode(ids[:count])
        for ids, count in zip(found["ids"].numpy(), found["lengths"].numpy())
    ]
    right = [glosses == sample.glosses for glosses, sample in zip(said, manifest)]
    assert np.mean(right) > 0.8


def test_a_manifest_notices_every_change(stark, tmp_path):
    for change, message in (
        (lambda folder: (folder / "assets" / "labels.txt").write_text("A\n"), "is not the file"),
        (lambda folder: (folder / "assets" / "labels.txt").unlink(), "is missing"),
        (lambda folder: (folder / "more").write_text(""), "is not listed"),
    ):
        folder = Path(shutil.copytree(stark[1], tmp_path / message.replace(" ", "_")))
        change(folder)
        with pytest.raises(UserError, match=message):
            check_manifest(folder)


def test_a_version_that_is_there_is_refused_and_the_next_number_is_taken(stark):
    path, version = stark
    before = {it: it.stat().st_mtime_ns for it in version.rglob("*")}
    with pytest.raises(UserError, match="version 1 exists already"):
        main([str(path), str(version.parent), "--version", "1"])
    assert {it: it.stat().st_mtime_ns for it in version.rglob("*")} == before
    assert next_version(version.parent) == 2


@pytest.mark.long
def test_a_version_that_fails_its_checks_is_not_there(stark, tmp_path):
    path, _ = stark
    to = tmp_path / "models"
    with pytest.raises(UserError, match="differ from Keras"):
        main([str(path), str(to), "--parity", "1e-12", "--frames", "8"])
    assert list(to.iterdir()) == []


def test_readers_see_nothing_of_a_version_before_all_of_it_is_there(tmp_path):
    with published_version(tmp_path, 3) as work:
        (work / "saved_model.pb").write_text("half")
        assert versions(tmp_path) == []
        assert not work.name.isdigit()
    assert versions(tmp_path) == [3]
    assert (tmp_path / "3" / "saved_model.pb").read_text() == "half"
    with pytest.raises(RuntimeError), published_version(tmp_path, 4):
        raise RuntimeError
    with (
        pytest.raises(UserError, match="published by another export"),
        published_version(tmp_path, 3),
    ):
        pass
    assert [it.name for it in tmp_path.iterdir()] == ["3"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--frames", "10"], "multiple of 4"),
        (["--frames", "404"], "up to 400"),
        (["--longest", "10"], "multiple of 4"),
        (["--no-verify", "--limit", "1"], "skips"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_written(
    options, message, stark, tmp_path
):
    with pytest.raises(UserError, match=message):
        main([str(stark[0]), str(tmp_path / "models"), *options])
    assert not (tmp_path / "models").exists()


def test_a_version_that_servers_cannot_read_is_refused(stark, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(stark[0]), str(tmp_path / "models"), "--version", "9223372036854775808"])
    assert "--version" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_a_run_of_optical_flow_is_refused_with_the_reason(stark):
    class Flow:
        path = "runs/flow"
        config = parse_config({"data": {"folder": "a", "stream": "flow"}})

    with pytest.raises(UserError, match="reads optical flow"):
        require_servable(Flow)


@pytest.mark.long
@pytest.mark.parametrize("system", ["stark", "c2st", "ustm", "stepnet"])
@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_stays_within_its_limits(precision, system, served, tmp_path):
    path, _ = served(system)
    options = ["--precision", precision, "--frames", "16", "--clips", "4"]
    assert main([str(path), str(tmp_path), *options]) == 0
    value = description(tmp_path / "1")
    assert value["precision"] == precision
    error = value["verification"]["relative_error"]
    assert 1e-5 < max(error.values()) <= value["verification"]["limit"]
