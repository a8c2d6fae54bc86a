"""The command `export.tflite`: a bundle that recognises what its run does, or none at all."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from export.lite.flatbuffer import operator_name, read_model
from export.lite.network import require_exportable
from export.tflite import main
from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.interpreter import Interpreter
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.config import parse_config
from slr_keras.data.manifest import read_manifest
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.evaluate import main as evaluate
from slr_keras.predict import main as predict
from slr_keras.training.folder import RunFolder
from slr_keras.training.run import Run
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    return tiny.trained_run(tmp_path_factory)


@pytest.fixture(scope="module")
def test_split(run):
    return run.parent / "data" / "test.jsonl"


@pytest.fixture(scope="module")
def bundle(run):
    """With two sizes, of which most clips need the larger, and the longest need windows."""
    options = ["--precision", "fp32", "int8", "--frames", "16", "32", "--repeats", "2"]
    assert main([str(run), *options, "--limit", "int8=100", "--limit", "fp32=100"]) == 0
    return Bundle.load(run / "tflite")


def test_the_bundle_says_what_it_is_and_every_file_is_what_it_says(run, bundle):
    found = bundle.metadata
    assert bundle.precisions == ("fp32", "int8")
    assert bundle.buckets == (16, 32)
    assert found["run"]["weights"] == sha256(run / "checkpoints" / "best.npz")
    assert bundle.vocabulary == Run.load(run).vocabulary
    assert bundle.contract == Run.load(run).contract
    for precision, of in found["precisions"].items():
        for bucket, entry in of["files"].items():
            path = bundle.file(precision, int(bucket))
            assert entry["bytes"] == path.stat().st_size
            assert {it["name"] for it in entry["operations"]} > {"FULLY_CONNECTED", "SOFTMAX"}
            assert "litert" in entry["runtimes"]
    verified = found["verification"]
    assert verified["status"] == "verified"
    assert verified["precisions"]["fp32"]["relative_error"] <= 1e-5
    rows = found["latency"]["rows"]
    assert len(rows) == 2 * 2 * 2
    assert all(0 < row["achieved"] < 1 for row in rows)
    profile = found["latency"]["profile"]
    assert profile["file"] == "model_fp32_32.tflite"
    assert sum(row["multiply_adds"] for row in profile["rows"]) == rows[-1]["multiply_adds"] > 0
    assert sum(row["ms"] for row in profile["rows"]) == pytest.approx(profile["sum_ms"], rel=0.01)
    card = (bundle.path / "MODEL_CARD.md").read_text()
    assert all(name in card for name in ("model_int8_16.tflite", "of peak", "| fp32 |"))


def test_in_int8_layers_have_eight_bits_and_products_of_two_activations_do_not(bundle):
    """Two activations of -128 overflow on processors without dot products of eight bits."""
    from tensorflow.lite.python.schema_py_generated import TensorType

    model = read_model(bundle.file("int8", 16).read_bytes())
    graph = model.subgraphs[0]
    found = {"FULLY_CONNECTED": set(), "BATCH_MATMUL": set()}
    for operator in graph.operators:
        name = operator_name(model.operatorCodes[operator.opcodeIndex])
        if name in found:
            found[name] |= {graph.tensors[index].type for index in operator.inputs[:2]}
    assert TensorType.INT8 in found["FULLY_CONNECTED"]
    assert found["BATCH_MATMUL"] == {TensorType.FLOAT32}


def test_golden_inputs_give_golden_outputs(bundle):
    golden = json.loads((bundle.path / "golden.json").read_text())["clips"]
    assert {clip["name"] for clip in golden} == {"three_frames", "short", "gaps"}
    for precision in bundle.precisions:
        with bundle_recogniser(bundle, precision) as recogniser:
            for clip in golden:
                raw = np.array(clip["keypoints"], np.float32).reshape(clip["shape"])
                assert list(recogniser.recognise(raw).glosses) == clip["glosses"][precision]
                expected = np.array(clip["log_probabilities"][precision])
                np.testing.assert_allclose(recogniser.scores(raw), expected, atol=1e-4)


def test_golden_arrays_hold_a_clip_that_fills_the_largest_file(bundle):
    with np.load(bundle.path / "golden.npz") as golden:
        full = golden["full/keypoints"]
        expected = golden["full/fp32"]
    assert len(full) == bundle.buckets[-1]
    with bundle_recogniser(bundle, "fp32") as recogniser:
        np.testing.assert_allclose(recogniser.scores(full), expected, atol=1e-5)


def test_predict_reads_the_same_glosses_with_bundle_and_run(run, bundle, test_split, capsys):
    found = {}
    for path, options in ((run, ["--head", "fuse"]), (bundle.path, ["--precision", "fp32"])):
        capsys.readouterr()
        assert predict([str(path), str(test_split), "--format", "json", *options]) == 0
        clips = json.loads(capsys.readouterr().out)["clips"]
        found[path] = {clip["id"]: [g["gloss"] for g in clip["glosses"]] for clip in clips}
    short = {s.id for s in read_manifest(test_split) if s.frames <= bundle.buckets[-1]}
    assert short
    assert any(found[run][clip] for clip in short)
    for clip in short:
        assert found[bundle.path][clip] == found[run][clip]


def test_predict_with_a_bundle_needs_no_tensorflow(bundle, test_split):
    program = (
        "import sys; from slr_keras.predict import main; main(sys.argv[1:]); "
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", program, str(bundle.path), str(test_split), "--limit", "1"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_clips_longer_than_any_file_are_read_in_windows(bundle, run):
    from slr_keras.recognition.recogniser import Recogniser

    split = read_manifest(run.parent / "data" / "train.jsonl")
    longest = max(range(len(split)), key=lambda row: split[row].frames)
    raw = split.load(longest)
    assert len(raw) > bundle.buckets[-1]
    with bundle_recogniser(bundle, "fp32") as recogniser:
        scores = recogniser.scores(raw)
    assert scores.shape == (len(raw) // 4, len(bundle.vocabulary))
    whole = Recogniser(Run.load(run)).logits([raw])[0]["fuse"]
    assert (scores.argmax(-1) == whole.argmax(-1)).mean() > 0.7


def test_a_turn_costs_a_bundle_what_it_costs_its_run(bundle, run, capsys):
    found = []
    for path in (bundle.path, run):
        capsys.readouterr()
        assert evaluate([str(path), "--split", "dev", "--turn", "90", "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["turn"])
    assert found[0]["plus"]["value"] != found[0]["none"]["value"]
    for key in ("none", "plus", "minus", "worst"):
        assert found[0][key] == pytest.approx(found[1][key])


def test_evaluate_gives_a_bundle_the_rate_that_the_export_found(bundle, capsys):
    capsys.readouterr()
    assert evaluate([str(bundle.path), "--split", "dev", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    verified = bundle.metadata["verification"]["precisions"]["fp32"]
    assert found["precision"] == "fp32"
    assert found["sets"]["ensemble"]["wer"] == pytest.approx(verified["wer"], abs=1e-3)


def test_a_bundle_has_only_the_head_and_precisions_that_were_exported(bundle, test_split):
    with pytest.raises(UserError, match="scores of fuse alone"):
        predict([str(bundle.path), str(test_split), "--head", "left"])
    with pytest.raises(UserError, match="it has fp32, int8"):
        predict([str(bundle.path), str(test_split), "--precision", "fp16"])
    with pytest.raises(UserError, match="no bundle"):
        predict([str(bundle.path.parent), str(test_split), "--precision", "fp16"])


def test_a_file_that_was_changed_or_lies_elsewhere_is_refused(bundle, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(bundle.path, copy)
    file = copy / "model_fp32_16.tflite"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(UserError, match=r"model_fp32_16\.tflite: not the file that was verified"):
        Bundle.load(copy).file("fp32", 16)
    described = (copy / "metadata.json").read_text()
    metadata = json.loads(described)
    metadata["precisions"]["fp32"]["files"]["16"]["file"] = "../model_fp32_16.tflite"
    (copy / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(UserError, match="must be the name of a file in the same folder"):
        Bundle.load(copy).file("fp32", 16)
    (copy / "metadata.json").write_text(described)
    (copy / "labels.txt").write_text("<blank>\n<unk>\nOTHER\n")
    with pytest.raises(UserError, match=r"labels\.txt"):
        Bundle.load(copy)


def test_an_export_that_fails_leaves_nothing(run, tmp_path):
    to = tmp_path / "bundle"
    options = ["--precision", "fp32", "--frames", "48", "--no-latency", "--to", str(to)]
    with pytest.raises(UserError, match="--parity"):
        main([str(run), *options, "--parity", "1e-12"])
    assert list(tmp_path.iterdir()) == []
    to.mkdir()
    (to / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        main([str(run), *options])
    assert (to / "notes.txt").read_text() == "mine"


def test_an_export_without_verification_says_so(tmp_path, run):
    to = tmp_path / "bundle"
    options = ["--precision", "fp16", "--frames", "48", "--no-latency", "--head", "ensemble"]
    assert main([str(run), *options, "--no-verify", "--to", str(to)]) == 0
    found = Bundle.load(to)
    assert found.metadata["verification"] == {"status": "unverified"}
    assert found.metadata["heads"] == ["fuse", "left", "body"]
    assert "**Unverified**" in (to / "MODEL_CARD.md").read_text()
    with Interpreter(found.file("fp16", 48)) as interpreter:
        scores = interpreter.run(
            keypoints=np.full((1, 48, 6, 3), np.nan, np.float32), frames=np.int32([48])
        )["log_probabilities"]
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, atol=1e-3)


@pytest.mark.long
def test_a_model_of_one_sign_exports_and_scores_the_same(tiny, tmp_path_factory, tmp_path, capsys):
    run = tiny.trained_signs(tmp_path_factory)
    to = tmp_path / "bundle"
    options = ["--precision", "fp32", "--frames", "32", "--no-latency", "--to", str(to)]
    assert main([str(run), *options]) == 0
    found = Bundle.load(to)
    assert (to / "labels.txt").read_text().splitlines() == list(found.vocabulary.glosses)
    sets = {}
    for path in (run, to):
        capsys.readouterr()
        assert evaluate([str(path), "--json"]) == 0
        sets[path] = json.loads(capsys.readouterr().out)["sets"]["ensemble"]["wer"]
    assert sets[run] == sets[to]


@pytest.mark.parametrize("model", ["c2st_tiny", "ustm_tiny", "stepnet_tiny"])
def test_models_of_video_are_refused_with_the_reason(model, tmp_path):
    recipe = parse_config({"data": {"folder": "data"}, "model": {"name": model}})
    contract = FrameContract((64, 64))
    run = Run(RunFolder(tmp_path / "run"), recipe, Vocabulary(("RAIN",)), contract)
    with pytest.raises(UserError, match=f"{model} reads video and cannot be exported"):
        require_exportable(run)


def test_help_explains_with_an_example_and_loads_nothing_heavy():
    program = "import export.tflite, sys; print(*sys.modules); export.tflite.main(['--help'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules, _, text = done.stdout.partition("\n")
    assert not {"tensorflow", "keras", "numpy"} & set(modules.split())
    assert "python -m slr_keras tflite runs/demo" in text


def test_options_that_do_not_go_together_are_refused(run):
    for options, said in (
        (["--frames", "30"], "multiple of 4"),
        (["--no-verify", "--limit", "int8=2"], "--no-verify skips"),
        (["--limit", "int7=2"], "PRECISION=POINTS"),
        (["--data", "no such folder"], "--no-verify needs no dev split"),
    ):
        with pytest.raises(UserError, match=said):
            main([str(run), *options])
    assert not is_bundle(run)
