"""Checkpoints of other libraries fill our backbones, strictly."""

import hashlib
import json

import numpy as np
import pytest

from slr_keras.models.backbones import Swin, make_backbone
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_backbone_weights, save_backbone_weights
from slr_keras.weights.safetensors import write_safetensors

LIBRARIES = ["torchvision", "timm", "timm before 0.9", "Hugging Face"]


def swin(checkpoints):
    backbone = Swin(**checkpoints.SWIN, name="small")
    backbone.build((None, 32, 32, 3))
    return backbone


def frames(seed=1):
    return np.random.default_rng(seed).normal(size=(2, 40, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def expected(checkpoints):
    """Features with the weights of seed 0, filled by hand from torchvision's names."""
    backbone = swin(checkpoints)
    state = checkpoints.swin_state("torchvision")
    for name, weight in backbone.named_weights().items():
        parts = name.replace("/", " ").replace("stage_", "").split()
        leaf = {"kernel": "weight", "gamma": "weight", "beta": "bias"}.get(parts[-1], parts[-1])
        if parts[0] == "patches":
            theirs = "features.0.0"
        elif parts[0] == "patches_norm":
            theirs = "features.0.2"
        elif parts[0] == "norm":
            theirs = "norm"
        elif "merging" in name:
            theirs = f"features.2.{parts[1]}"
        else:
            stage, _, index = parts[0].split("_")
            part = {
                "norm_1": "norm1",
                "norm_2": "norm2",
                "widen": "mlp.0",
                "narrow": "mlp.3",
                "qkv": "attn.qkv",
                "projection": "attn.proj",
                "attention": "attn",
            }[parts[-2]]
            theirs = f"features.{2 * int(stage) + 1}.{index}.{part}"
        if leaf == "position_bias":
            value = state[f"{theirs}.relative_position_bias_table"]
        else:
            value = state[f"{theirs}.{leaf}"]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
        weight.assign(value)
    return np.asarray(backbone(frames()))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("prefix", ["", "module.visual."])
def test_the_same_weights_under_any_names_give_the_same_features(
    checkpoints, expected, library, prefix, tmp_path
):
    state = checkpoints.swin_state(library, prefix=prefix)
    path = tmp_path / "swin.safetensors"
    path.write_bytes(write_safetensors(state))
    backbone = swin(checkpoints)
    record = load_backbone_weights(backbone, path)
    np.testing.assert_allclose(backbone(frames()), expected, atol=1e-6)
    assert record.library == library
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.weights == len(backbone.weights)
    left = [name for name in record.left_over if "relative_position_index" not in name]
    assert len(left) == 2
    assert all("head" in name or "classifier" in name for name in left)


GOLDEN = (
    0.053031,
    -0.473928,
    0.26555,
    0.097902,
    -0.418031,
    -0.771786,
    -0.268335,
    0.032701,
    0.306427,
    -0.03575,
    -0.18008,
    -0.108707,
    -0.518417,
    -0.005465,
    0.181358,
    -0.447666,
)


def test_a_published_checkpoint_has_a_known_result(checkpoints, tmp_path):
    """The golden numbers were computed once by transformers' Swin from these very weights."""
    path = tmp_path / "swin.safetensors"
    path.write_bytes(write_safetensors(checkpoints.swin_state("Hugging Face", prefix="swin.")))
    backbone = swin(checkpoints)
    load_backbone_weights(backbone, path)
    pixels = np.random.default_rng(1).normal(size=(1, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(backbone(pixels))[0], GOLDEN, atol=1e-4)


@pytest.mark.parametrize("around", [None, lambda state: {"epoch": 3, "model": state}])
def test_a_state_dictionary_of_torch_fills_a_resnet(checkpoints, around, tmp_path):
    path = tmp_path / "resnet.pth"
    state = checkpoints.resnet_state()
    path.write_bytes(checkpoints.torch_save(state, around=around))
    backbone = make_backbone("resnet_micro")
    record = load_backbone_weights(backbone, path)
    weights = backbone.named_weights()
    for ours, theirs in (
        ("stem/norm/moving_variance", "bn1.running_var"),
        ("stage_1_block_0/shortcut/norm/beta", "layer2.0.downsample.1.bias"),
        ("stage_3_block_0/branch_2/norm/moving_mean", "layer4.0.bn2.running_mean"),
    ):
        np.testing.assert_array_equal(weights[ours], state[theirs])
    kernel = state["layer2.0.conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(weights["stage_1_block_0/branch_1/convolution/kernel"], kernel)
    assert {"fc.weight", "fc.bias", "bn1.num_batches_tracked"} < set(record.left_over)


def test_our_own_format_round_trips_with_its_record(checkpoints, tmp_path):
    source = tmp_path / "resnet.pth"
    source.write_bytes(checkpoints.torch_save(checkpoints.resnet_state(), metadata=False))
    one, other = make_backbone("resnet_micro"), make_backbone("resnet_micro")
    record = load_backbone_weights(one, source)
    save_backbone_weights(one, tmp_path / "own.safetensors", record)
    again = load_backbone_weights(other, tmp_path / "own.safetensors")
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.library == "slr_keras"
    assert again.origin == json.loads(json.dumps(record.as_json()))
    assert again.origin["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()


def broken(change):
    """A torchvision checkpoint of Swin after a change to its tensors."""

    def write(checkpoints, path):
        state = checkpoints.swin_state("torchvision")
        change(state)
        path.write_bytes(write_safetensors(state))

    return write


def set_to(name, value):
    return broken(lambda state: state.__setitem__(name, np.asarray(value, "float32")))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (broken(lambda state: state.pop("norm.bias")), "lacks 'norm.bias'"),
        (set_to("features.1.2.norm1.weight", np.ones(8)), "has, beyond .*features.1.2.norm1"),
        (set_to("norm.bias", np.ones(17)), r"norm.bias has shape \(17,\)"),
        (set_to("features.3.0.attn.qkv.weight", np.ones((16, 48))), "does not fit our"),
        (set_to("norm.bias", np.full(16, np.nan)), "not finite"),
        (set_to("other.features.0.0.weight", 1), "several backbones"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(checkpoints, write, message, tmp_path):
    path = tmp_path / "swin.safetensors"
    write(checkpoints, path)
    backbone = swin(checkpoints)
    before = [np.array(weight) for weight in backbone.weights]
    with pytest.raises(UserError, match=message):
        load_backbone_weights(backbone, path)
    for weight, value in zip(backbone.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_checkpoint_of_another_model_is_refused(checkpoints, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(write_safetensors(checkpoints.resnet_state()))
    with pytest.raises(UserError, match="its names are not those of 'small'"):
        load_backbone_weights(swin(checkpoints), path)
