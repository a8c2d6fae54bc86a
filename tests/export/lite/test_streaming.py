"""`export.tflite --streaming`: the stream of a bundle is that of its run."""

import json

import feature_models
import pytest
from drawn_run import drawn_run

from export.tflite import main
from slr_keras.bundle.bundle import Bundle
from slr_keras.stream import main as stream
from slr_keras.streaming.endpoint import RestConfig
from slr_keras.streaming.recogniser import StreamConfig
from slr_keras.utils.errors import UserError

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    return tiny.trained_run(tmp_path_factory)


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    to = tmp_path_factory.mktemp("bundle") / "demo"
    options = ["--precision", "fp32", "--frames", "32", "--no-latency", "--limit", "fp32=100"]
    options += ["--head", "ensemble", "--streaming", "windowed", "--to", str(to)]
    assert main([str(run), *options]) == 0
    return to


def test_the_bundle_describes_the_stream(bundle):
    about = Bundle.load(bundle).metadata["streaming"]
    assert (about["policy"], about["frames"]) == ("windowed", 4)
    state = {name: shape for name, shape in about["inputs"].items() if name.startswith("state_")}
    assert state
    assert {n: s for n, s in about["outputs"].items() if n.startswith("state_")} == state
    assert max(about["files"]["fp32"]["relative_error"].values()) <= 1e-5


def test_a_phone_finds_every_number_of_the_recogniser_in_the_bundle(bundle):
    about = Bundle.load(bundle).metadata["streaming"]
    assert about["signature"] == "serving_default"
    names = about["tensors"]
    assert {names["keypoints"], names["valid"]} < set(about["inputs"])
    assert names["scores"] in about["outputs"]
    kept = {name for name in about["inputs"] if name.startswith(names["state"])}
    assert kept == set(about["inputs"]) - {names["keypoints"], names["valid"]}
    found, config = about["recogniser"], StreamConfig()
    assert (found["look_ahead"], found["stable"]) == (config.look_ahead, config.stable)
    assert RestConfig(**found["rest"]) == config.rest
    assert (found["wrists"][0][0], found["shoulders"][1][1]) == ("left_wrist", "shoulder_right")
    numbers = ("blank", "farthest", "reference_frames", "longest_still")
    assert [found[name] for name in numbers] == [0, 100.0, 250, 60]


def test_a_bundle_says_what_its_run_says(run, bundle, capsys):
    found = []
    for model in (run, bundle):
        arguments = [str(model), str(run.parent / "data"), "--sample", "2", "--json"]
        assert stream([*arguments, "--policy", "windowed"]) == 0
        found.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert [event["event"] for event in found[0]][-1] == "sentence"
    assert found[0] == found[1]


def test_another_policy_than_the_exported_one_is_refused(run, bundle):
    with pytest.raises(UserError, match="exported with --streaming windowed"):
        stream([str(bundle), str(run.parent / "data"), "--policy", "ema"])


def test_a_file_that_is_not_the_verified_one_is_refused(run, bundle):
    path = bundle / "stream_fp32.tflite"
    kept = path.read_bytes()
    path.write_bytes(kept + b"\0")
    try:
        with pytest.raises(UserError, match="not the file that was verified"):
            stream([str(bundle), str(run.parent / "data")])
    finally:
        path.write_bytes(kept)


@pytest.fixture(scope="module")
def sign_conv(tiny, tmp_path_factory):
    """A run of a causal SignConv, and its bundle."""
    folder = tmp_path_factory.mktemp("sign_conv")
    run = drawn_run(folder / "run", feature_models.tree_of("sign_conv", tiny, folder))
    options = ["--precision", "fp32", "dynamic", "--frames", "16", "--no-latency", "--clips", "2"]
    options += ["--limit", "fp32=100", "--limit", "dynamic=100", "--to", str(folder / "bundle")]
    assert main([str(run), *options, "--streaming"]) == 0
    return run, folder / "bundle"


def test_a_model_without_spatial_attention_streams_without_a_policy(sign_conv, capsys):
    run, bundle = sign_conv
    about = Bundle.load(bundle).metadata["streaming"]
    assert (about["policy"], about["frames"], about["delay"]) == ("none", 4, 0)
    assert max(about["files"]["fp32"]["relative_error"].values()) <= 1e-5
    found = []
    for model in (run, bundle):
        assert stream([str(model), str(run.parent / "data"), "--json"]) == 0
        found.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert found[0]
    assert found[0] == found[1]


def test_a_policy_of_a_model_without_spatial_attention_is_refused(sign_conv):
    run, bundle = sign_conv
    data = str(run.parent / "data")
    with pytest.raises(UserError, match="sign_conv_small has none; leave the policy out"):
        stream([str(run), data, "--policy", "ema"])
    with pytest.raises(UserError, match="sign_conv_small has none; leave the policy out"):
        main([str(run), "--streaming", "ema"])
    with pytest.raises(UserError, match="exported with --streaming; omit --policy"):
        stream([str(bundle), data, "--policy", "ema"])


def test_a_report_of_a_model_without_spatial_attention_has_a_row(sign_conv, capsys):
    run, _ = sign_conv
    arguments = [str(run), str(run.parent / "data"), "--report", "--limit", "1", "--json"]
    assert stream([*arguments, "--policy", "none"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["policy"], row["latency_frames"]) == ("none", 3)


def test_a_model_that_needs_the_complete_clip_is_refused_before_anything_is_converted(
    tiny, tmp_path
):
    tree = feature_models.tree_of("sign_conv", tiny, tmp_path)
    tree["model"]["options"] = {**feature_models.SENTENCES, "attention_blocks": 1}
    run = drawn_run(tmp_path / "run", tree)
    with pytest.raises(UserError, match="no streaming form: attention_blocks is 1"):
        main([str(run), "--streaming", "--to", str(tmp_path / "bundle")])
    assert not (tmp_path / "bundle").exists()
