"""Checkpoints of TSM, ImageNet and I3D fill backbones of clips, for RGB and for flow."""

import numpy as np
import pytest

from slr_keras.convert import main
from slr_keras.models.backbones import I3d, ResNet, make_backbone
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_backbone_weights, save_backbone_weights
from slr_keras.weights.safetensors import write_safetensors

FRAMES = 3
DEPTHS, WIDTHS = (1, 2), (4, 6)
PREFIX = "module.base_model."


def make_tsm(**options) -> ResNet:
    sizes = {"depths": DEPTHS, "widths": WIDTHS, "bottleneck": True, "pooled": False}
    return ResNet(**{**sizes, "clip_frames": FRAMES, "name": "small", **options})


def put(state, module, norm, *shape, generator):
    state[f"{module}.weight"] = generator.normal(0, 0.4, shape).astype("float32")
    for leaf in ("weight", "bias", "running_mean", "running_var"):
        state[f"{norm}.{leaf}"] = generator.uniform(0.5, 1.5, shape[0]).astype("float32")
    state[f"{norm}.num_batches_tracked"] = np.array(7)


def resnet_state(wrapped=True, channels=3, prefix=PREFIX):
    """A state dictionary of `make_tsm` in the layout of torchvision, or as TSM wraps it."""
    generator, state = np.random.default_rng(0), {}
    put(state, "conv1", "bn1", WIDTHS[0], channels, 7, 7, generator=generator)
    inside = WIDTHS[0]
    for stage, (depth, width) in enumerate(zip(DEPTHS, WIDTHS), 1):
        for index in range(depth):
            place = f"layer{stage}.{index}"
            first = f"{place}.conv1.net" if wrapped else f"{place}.conv1"
            put(state, first, f"{place}.bn1", width, inside, 1, 1, generator=generator)
            for number, shape in ((2, (width, width, 3, 3)), (3, (4 * width, width, 1, 1))):
                put(
                    state,
                    f"{place}.conv{number}",
                    f"{place}.bn{number}",
                    *shape,
                    generator=generator,
                )
            if index == 0:
                names = (f"{place}.downsample.0", f"{place}.downsample.1")
                put(state, *names, 4 * width, inside, 1, 1, generator=generator)
            inside = 4 * width
    state = {prefix + name: value for name, value in state.items()}
    head = "module.new_fc" if wrapped else f"{prefix}fc"
    state[f"{head}.weight"] = np.zeros((5, inside), "float32")
    return state


# === The network in NumPy, from the file's own layout ===


def convolution(x, kernel, stride):
    side = kernel.shape[-1] // 2
    x = np.pad(x, ((0, 0), (0, 0), (side, side), (side, side)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], kernel)


def unit(x, state, module, norm, stride=1):
    y = convolution(x, state[f"{module}.weight"].astype(np.float64), stride)
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
    shift = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return y * scale[:, None, None] + shift[:, None, None]


def shifted(x):
    moved = x.shape[1] // 8
    y = np.zeros_like(x)
    y[:-1, :moved] = x[1:, :moved]
    y[1:, moved : 2 * moved] = x[:-1, moved : 2 * moved]
    y[:, 2 * moved :] = x[:, 2 * moved :]
    return y


def literal(x, state, prefix=PREFIX):
    """One clip `(frames, channels, height, width)` through a TSM."""
    state = {name.removeprefix(prefix).replace(".net", ""): v for name, v in state.items()}
    x = np.maximum(unit(x, state, "conv1", "bn1", 2), 0)
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    x = windows[:, :, ::2, ::2].max((-2, -1))
    for stage, depth in enumerate(DEPTHS, 1):
        for index in range(depth):
            place, stride = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            y = np.maximum(unit(shifted(x), state, f"{place}.conv1", f"{place}.bn1"), 0)
            y = np.maximum(unit(y, state, f"{place}.conv2", f"{place}.bn2", stride), 0)
            y = unit(y, state, f"{place}.conv3", f"{place}.bn3")
            if index == 0:
                x = unit(x, state, f"{place}.downsample.0", f"{place}.downsample.1", stride)
            x = np.maximum(x + y, 0)
    return x


def write(state, path):
    path.write_bytes(write_safetensors(state))
    return path


def clip(channels=3):
    return np.random.default_rng(1).normal(size=(FRAMES, 20, 24, channels)).astype("float32")


def outputs(backbone, frames):
    return np.asarray(backbone(frames)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_filled_network_is_the_file_s_network(wrapped, tmp_path):
    prefix = PREFIX if wrapped else ""
    state = resnet_state(wrapped, prefix=prefix)
    backbone = make_tsm()
    record = load_backbone_weights(backbone, write(state, tmp_path / "a.safetensors"))
    expected = literal(clip().transpose(0, 3, 1, 2), state, prefix)
    assert expected.std() > 1
    np.testing.assert_allclose(outputs(backbone, clip()), expected, rtol=1e-4, atol=1e-4)
    assert record.library == ("TSM" if wrapped else "torchvision or timm")
    assert record.weights == len(backbone.weights)
    left = {name for name in record.left_over if "num_batches_tracked" not in name}
    assert left == {"module.new_fc.weight" if wrapped else "fc.weight"}
    assert record.spread == ()


def test_a_network_of_flow_takes_ten_channels_as_they_are(tmp_path):
    state, backbone = resnet_state(channels=10), make_tsm(channels=10)
    record = load_backbone_weights(backbone, write(state, tmp_path / "flow.safetensors"))
    expected = literal(clip(10).transpose(0, 3, 1, 2), state)
    np.testing.assert_allclose(outputs(backbone, clip(10)), expected, rtol=1e-4, atol=1e-4)
    assert record.spread == ()


@pytest.mark.parametrize("own", [False, True])
def test_a_network_of_flow_starts_from_the_mean_over_rgb(own, tmp_path):
    state = resnet_state()
    path = write(state, tmp_path / "rgb.safetensors")
    if own:
        rgb = make_tsm()
        load_backbone_weights(rgb, path)
        save_backbone_weights(rgb, path := tmp_path / "own.safetensors")
    backbone = make_tsm(channels=10)
    record = load_backbone_weights(backbone, path)
    assert record.spread == ("stem/convolution/kernel",)
    kernel = state[f"{PREFIX}conv1.weight"]
    state[f"{PREFIX}conv1.weight"] = np.repeat(kernel.mean(1, keepdims=True), 10, axis=1)
    expected = literal(clip(10).transpose(0, 3, 1, 2), state)
    np.testing.assert_allclose(outputs(backbone, clip(10)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(f"{PREFIX}layer2.1.conv1.net.weight"), r"lacks '.*layer2\.1\.conv1\.net"),
        (lambda s: s.update({f"{PREFIX}layer3.0.conv2.weight": np.ones(3)}), "has, beyond"),
        (lambda s: s.update({f"{PREFIX}bn1.bias": np.ones(5, "float32")}), r"bn1.bias has shape"),
        (
            lambda s: s.update({f"{PREFIX}conv1.weight": np.ones((4, 5, 7, 7), "float32")}),
            r"conv1.weight has shape \(4, 5, 7, 7\)",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(change, message, tmp_path):
    state, backbone = resnet_state(), make_tsm()
    change(state)
    backbone.build(backbone.example_shape)
    before = [np.array(weight) for weight in backbone.weights]
    with pytest.raises(UserError, match=message):
        load_backbone_weights(backbone, write(state, tmp_path / "a.safetensors"))
    for weight, value in zip(backbone.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_rgb_weights_of_flow_are_not_taken_for_rgb(tmp_path):
    path = write(resnet_state(channels=10), tmp_path / "flow.safetensors")
    with pytest.raises(UserError, match=r"\(4, 10, 7, 7\), which does not fit our \(7, 7, 3, 4\)"):
        load_backbone_weights(make_tsm(), path)


def test_the_command_converts_a_torch_file_and_says_what_was_spread(checkpoints, tmp_path, capsys):
    """`tsm_micro` in TSM's names, in a file as TSM's training writes it."""
    state = {}
    for name, value in checkpoints.resnet_state(prefix=PREFIX).items():
        state[name.replace(".0.conv1.", ".0.conv1.net.")] = value
    source, target = tmp_path / "ckpt.pth", tmp_path / "own.safetensors"
    # TSM's scripts name the architecture and the epoch beside the weights.
    around = {"around": lambda inner: {"epoch": 50, "arch": "resnet50", "state_dict": inner}}
    source.write_bytes(checkpoints.torch_save(state, **around))
    assert main([str(source), "--backbone", "tsm_micro", "--to", str(target)]) == 0
    assert "names of TSM" in capsys.readouterr().out
    flow = make_backbone("tsm_micro", channels=10)
    record = load_backbone_weights(flow, target)
    assert record.origin["library"] == "TSM"
    kernel = state[f"{PREFIX}conv1.weight"].mean(1)
    for channel in range(10):
        found = flow.named_weights()["stem/convolution/kernel"][:, :, channel]
        np.testing.assert_allclose(found, kernel.transpose(1, 2, 0), atol=1e-6)


# === I3D ===


def i3d_state(backbone):
    """A backbone's weights by the names of the PyTorch I3D."""
    stem = {"stem_1a": "Conv3d_1a_7x7", "stem_2b": "Conv3d_2b_1x1", "stem_2c": "Conv3d_2c_3x3"}
    leaves = {
        "convolution/kernel": "conv3d.weight",
        "norm/gamma": "bn.weight",
        "norm/beta": "bn.bias",
        "norm/moving_mean": "bn.running_mean",
        "norm/moving_variance": "bn.running_var",
    }
    state = {"logits.conv3d.weight": np.zeros((4, 1024, 1, 1, 1), "float32")}
    for name, weight in backbone.named_weights().items():
        unit_, leaf = name.rsplit("/", 2)[0], "/".join(name.rsplit("/", 2)[1:])
        place = stem.get(unit_) or unit_.replace("mixed_", "Mixed_").replace("/", ".")
        value = np.asarray(weight)
        state[f"{place}.{leaves[leaf]}"] = (
            value.transpose(4, 3, 0, 1, 2) if value.ndim == 5 else value
        )
    return state


def test_i3d_is_filled_from_the_pytorch_names_and_for_flow_by_the_mean(tmp_path):
    source = make_backbone("i3d")
    source.build(source.example_shape)
    state = i3d_state(source)
    for name in (
        "Conv3d_2c_3x3.bn.running_var",
        "Mixed_3b.b1b.conv3d.weight",
        "Mixed_5c.b3b.bn.bias",
    ):
        assert name in state
    path = write(state, tmp_path / "i3d.safetensors")
    filled, flow = I3d(name="filled"), I3d(channels=2, name="flow")
    record = load_backbone_weights(filled, path)
    assert record.library == "the PyTorch I3D"
    assert record.left_over == ("logits.conv3d.weight",)
    ours = source.named_weights()
    for name, weight in filled.named_weights().items():
        np.testing.assert_array_equal(weight, ours[name], err_msg=name)
    assert load_backbone_weights(flow, path).spread == ("stem_1a/convolution/kernel",)
    with pytest.raises(UserError, match="its names are not those of"):
        load_backbone_weights(make_tsm(), path)
