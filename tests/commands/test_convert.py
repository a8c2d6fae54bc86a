"""`slr_keras.convert` writes our own format and says what it was made of."""

import hashlib
import json

import numpy as np
import pytest

from slr_keras.config import ModelConfig
from slr_keras.convert import main
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models import create_model
from slr_keras.models.backbones import make_backbone
from slr_keras.training.initial_weights import load_component_weights
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_backbone_weights
from slr_keras.weights.models import named_weights
from slr_keras.weights.safetensors import write_safetensors
from slr_keras.weights.ustm import source_names


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A `resnet_micro` in torchvision's names."""
    state = {"fc.bias": np.zeros(5, "float32")}
    backbone = make_backbone("resnet_micro")
    backbone.build((None, 32, 32, 3))
    for name, weight in backbone.named_weights().items():
        if name.startswith("stem/"):
            module = "conv1" if "convolution" in name else "bn1"
        else:
            place, part, kind, _ = name.split("/")
            convolution = kind == "convolution"
            number = part.removeprefix("branch_")
            inner = f"conv{number}" if convolution else f"bn{number}"
            if part == "shortcut":
                inner = "downsample.0" if convolution else "downsample.1"
            module = f"layer{int(place[6]) + 1}.0.{inner}"
        leaf = {
            "kernel": "weight",
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }[name.split("/")[-1]]
        value = np.asarray(weight)
        state[f"{module}.{leaf}"] = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
    path = tmp_path_factory.mktemp("convert") / "micro.safetensors"
    path.write_bytes(write_safetensors(state))
    return path


def test_the_written_file_fills_a_backbone_and_remembers_its_source(source, tmp_path, capsys):
    target = tmp_path / "own.safetensors"
    assert main([str(source), "--backbone", "resnet_micro", "--to", str(target)]) == 0
    printed = capsys.readouterr().out
    checksum = hashlib.sha256(source.read_bytes()).hexdigest()
    assert f"sha256 {checksum}" in printed
    assert "left over: fc.bias" in printed
    assert "60 weights" in printed
    record = load_backbone_weights(make_backbone("resnet_micro"), target)
    assert record.origin["sha256"] == checksum
    assert record.origin["sources"]["stem/convolution/kernel"] == ["conv1.weight"]


def test_the_record_is_printed_as_json(source, tmp_path, capsys):
    target = tmp_path / "own.safetensors"
    main([str(source), "--backbone", "resnet_micro", "--to", str(target), "--json"])
    assert json.loads(capsys.readouterr().out)["library"] == "torchvision or timm"


@pytest.mark.parametrize(
    ("backbone", "target", "message"),
    [
        ("resnet_mikro", "a.safetensors", "did you mean"),
        ("swin_micro", "a.safetensors", "its names are not those of"),
        ("resnet18", "a.safetensors", "lacks"),
        ("resnet_micro", "a.h5", "safetensors"),
    ],
)
def test_mistakes_are_explained_and_write_nothing(source, backbone, target, message, tmp_path):
    with pytest.raises(UserError, match=message):
        main([str(source), "--backbone", backbone, "--to", str(tmp_path / target)])
    assert list(tmp_path.iterdir()) == []


def test_the_source_is_never_overwritten(source):
    before = source.read_bytes()
    with pytest.raises(UserError, match="the source itself"):
        main([str(source), "--backbone", "resnet_micro", "--to", str(source)])
    assert source.read_bytes() == before


def test_a_whole_model_needs_its_vocabulary_and_is_a_ustm(source, tmp_path):
    target, vocabulary = str(tmp_path / "a.safetensors"), tmp_path / "vocabulary.txt"
    Vocabulary(("RAIN", "SUN")).write(vocabulary)
    with pytest.raises(UserError, match="go together"):
        main([str(source), "--model", "ustm_tiny", "--to", target])
    with pytest.raises(UserError, match="go together"):
        main([str(source), "--backbone", "swin_t", "--vocabulary", "v.txt", "--to", target])
    arguments = [str(source), "--vocabulary", str(vocabulary), "--to", target, "--model"]
    with pytest.raises(UserError, match="only checkpoints of USTM"):
        main([*arguments, "stark_tiny"])
    with pytest.raises(UserError, match=r"it lacks classifier.weight, .* it has, beyond"):
        main([*arguments, "ustm_t"])
    with pytest.raises(UserError, match="convolutional stem, which the authors' code does not"):
        main([*arguments, "ustm_tiny"])


def test_a_whole_model_is_written_and_starts_a_run(tmp_path, capsys):
    vocabulary = Vocabulary(("RAIN", "SUN"))
    vocabulary.write(tmp_path / "vocabulary.txt")
    state = {"module.prems_classifier.weight": np.zeros(3, "float32")}
    model = create_model("ustm_t", 3)
    for name, weight in named_weights(model).items():
        value = np.asarray(weight)
        names = source_names(name)
        if name == "classifier/kernel":
            pass
        elif name.endswith("depthwise/kernel"):
            value = value.transpose(1, 2, 0)
        elif name.endswith("kernel"):
            value = value.transpose(value.ndim - 1, value.ndim - 2, *range(value.ndim - 2))
        # Of a sum, the first part is all of it.
        for theirs in names:
            state[f"module.{theirs}"] = value if theirs == names[0] else np.zeros_like(value)
    source, target = tmp_path / "best.safetensors", tmp_path / "own.safetensors"
    source.write_bytes(write_safetensors(state))
    arguments = ["--vocabulary", str(tmp_path / "vocabulary.txt"), "--to", str(target)]
    assert main([str(source), "--model", "ustm_t", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "ignored, as the published code never uses them: prems_classifier" in printed
    started = create_model("ustm_t", len(vocabulary))
    load_component_weights(started, ModelConfig("ustm_t", weights=str(target)), vocabulary)
    ours, theirs = named_weights(started), named_weights(model)
    for name, weight in theirs.items():
        if name != "classifier/kernel":
            np.testing.assert_array_equal(ours[name], weight, err_msg=name)
