"""The authors' checkpoints of USTM fill our model: names and shapes of docs/papers/ustm.md §15."""

import numpy as np
import pytest

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.ustm import Ustm
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_model_weights, load_ustm_checkpoint, save_model_weights
from slr_keras.weights.models import named_weights

BACKBONE = {"embedding": 4, "depths": (1, 2), "heads": (1, 2), "window": 2}
# Python's order is CLOUD, RAIN, SUN.
GLOSSES = ("RAIN", "SUN", "CLOUD")
WIDTH, POSITIONS = 4, 40


def make_model(classes=4):
    return Ustm(
        classes,
        image_size=(16, 16),
        backbone="swin_micro",
        backbone_options=BACKBONE,
        adapter_width=3,
        positions=POSITIONS,
        width=WIDTH,
        name="ustm_small",
    )


def published_state(classes=4):
    """A state dictionary as the authors' code writes it, of the small model."""
    generator = np.random.default_rng(0)
    state = {}

    def put(name, *shape):
        state[name] = generator.uniform(0.2, 1.0, shape).astype("float32")

    def layer(name, *shape):
        put(f"{name}.weight", *shape)
        put(f"{name}.bias", shape[0])

    def batch_norm(name, width):
        layer(name, width)
        put(f"{name}.running_mean", width)
        put(f"{name}.running_var", width)
        state[f"{name}.num_batches_tracked"] = np.array(7)

    layer("conv2d.features.0.0", 4, 3, 4, 4)
    layer("conv2d.features.0.2", 4)
    for stage, (depth, heads, width) in enumerate(zip((1, 2), (1, 2), (4, 8))):
        for index in range(depth):
            block = f"conv2d.features.{2 * stage + 1}.swin_layer.{index}"
            layer(f"{block}.norm1", width)
            put(f"{block}.attn.relative_position_bias_table", 9, heads)
            state[f"{block}.attn.relative_position_index"] = np.zeros(16, "int64")
            layer(f"{block}.attn.qkv", 3 * width, width)
            layer(f"{block}.attn.proj", width, width)
            layer(f"{block}.norm2", width)
            layer(f"{block}.mlp.0", 4 * width, width)
            layer(f"{block}.mlp.3", width, 4 * width)
        tape = f"conv2d.features.{2 * stage + 1}.temporal_adapter"
        layer(f"{tape}.norm1", width)
        layer(f"{tape}.down_proj", 3, width)
        put(f"{tape}.temporal_pos_emb", 1, POSITIONS, 3)
        layer(f"{tape}.block1_conv1x1", 3, 3, 1, 1, 1)
        for name in (
            "block1_conv3x3_1",
            "block1_conv3x3_2",
            "block2_conv3x3_1",
            "block2_conv3x3_2",
        ):
            layer(f"{tape}.{name}", 3, 3, 3, 3, 3)
        for name in ("block1_bn1", "block1_bn2", "block1_bn3", "block2_bn1", "block2_bn2"):
            batch_norm(f"{tape}.{name}", 3)
        layer(f"{tape}.norm2", 3)
        layer(f"{tape}.up_proj", width, 3)
    layer("conv2d.features.2.norm", 16)
    put("conv2d.features.2.reduction.weight", 8, 16)
    layer("conv2d.norm", 8)
    layer("conv2d.head", 512, 8)
    for stream in range(6):
        layer(f"conv1d.streams.{stream}.0", WIDTH, 8, 1)
        if stream > 1:
            layer(f"conv1d.streams.{stream}.2", WIDTH, WIDTH, 3)
    for number, inside in ((1, 6 * WIDTH), (2, WIDTH)):
        layer(f"conv1d.post_conv{number}.0", WIDTH, inside, 5)
        batch_norm(f"conv1d.post_conv{number}.1", WIDTH)
        for name in ("predictor", "updater"):
            layer(f"conv1d.tlp{number}.{name}.0", WIDTH, 1, 3)
            layer(f"conv1d.tlp{number}.{name}.2", WIDTH, WIDTH, 1)
        for name in ("weight1", "weight2"):
            layer(f"conv1d.tlp{number}.{name}.conv", WIDTH, WIDTH, 5)
            layer(f"conv1d.tlp{number}.{name}.insnorm", WIDTH)
    for number in (0, 1):
        for end in ("", "_reverse"):
            for kind, inside in (("ih", WIDTH), ("hh", WIDTH // 2)):
                put(f"temporal_model.rnn.weight_{kind}_l{number}{end}", 4 * WIDTH // 2, inside)
                put(f"temporal_model.rnn.bias_{kind}_l{number}{end}", 4 * WIDTH // 2)
    put("classifier.weight", WIDTH, classes)
    put("prems_conv1d.fc.weight", 2, 2)
    layer("prems_classifier", 2, 2)
    return state


def write(checkpoints, path, state, prefix="", around=None):
    state = {prefix + name: value for name, value in state.items()}
    path.write_bytes(checkpoints.torch_save(state, around=around))
    return path


TAPE = "conv2d.features.3.temporal_adapter"
PAIRS = {
    "frame_encoder/swin_micro/patches/kernel": (
        "conv2d.features.0.0.weight",
        lambda x: x.transpose(2, 3, 1, 0),
    ),
    "frame_encoder/swin_micro/stage_1_block_1/attention/qkv/kernel": (
        "conv2d.features.3.swin_layer.1.attn.qkv.weight",
        np.transpose,
    ),
    "frame_encoder/swin_micro/stage_1_merging/norm/gamma": ("conv2d.features.2.norm.weight", None),
    "frame_encoder/adapter_1/table": (f"{TAPE}.temporal_pos_emb", lambda x: x[0]),
    "frame_encoder/adapter_1/far_2/convolution/kernel": (
        f"{TAPE}.block2_conv3x3_2.weight",
        lambda x: x.transpose(2, 3, 4, 1, 0),
    ),
    "frame_encoder/adapter_1/near_2/norm/moving_variance": (f"{TAPE}.block1_bn3.running_var", None),
    "frame_encoder/adapter_1/mix/norm/beta": (f"{TAPE}.block1_bn1.bias", None),
    "streams/entry_5/kernel": ("conv1d.streams.5.0.weight", lambda x: x[:, :, 0].T),
    "streams/dilated_1/kernel": ("conv1d.streams.2.2.weight", lambda x: x.transpose(2, 1, 0)),
    "convolution/K5_2/convolution/kernel": (
        "conv1d.post_conv2.0.weight",
        lambda x: x.transpose(2, 1, 0),
    ),
    "convolution/P2_3/update/depthwise/kernel": (
        "conv1d.tlp2.updater.0.weight",
        lambda x: x.transpose(2, 0, 1),
    ),
    "convolution/P2_1/predict/pointwise/kernel": (
        "conv1d.tlp1.predictor.2.weight",
        lambda x: x[:, :, 0].T,
    ),
    "convolution/P2_1/weigh_detail/norm/gamma": ("conv1d.tlp1.weight2.insnorm.weight", None),
    "recurrent/layer_1/backward_lstm/lstm_cell/recurrent_kernel": (
        "temporal_model.rnn.weight_hh_l1_reverse",
        np.transpose,
    ),
    "classifier/kernel": ("classifier.weight", None),
}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_weight_is_filled_in_its_own_layout(checkpoints, tmp_path, prefix):
    state = published_state()
    around = (lambda tensors: {"epoch": 3, "model_state_dict": tensors}) if prefix else None
    path = write(checkpoints, tmp_path / "best.pt", state, prefix, around)
    model = make_model()
    record = load_ustm_checkpoint(model, path)
    weights = {name: np.asarray(weight) for name, weight in named_weights(model).items()}
    for ours, (theirs, change) in PAIRS.items():
        expected = state[theirs] if change is None else change(state[theirs])
        np.testing.assert_array_equal(weights[ours], expected, err_msg=ours)
    bias = sum(state[f"temporal_model.rnn.bias_{kind}_l0"] for kind in ("ih", "hh"))
    np.testing.assert_allclose(weights["recurrent/layer_0/forward_lstm/lstm_cell/bias"], bias)
    # All numbers of the file are in the model, but for those that are ignored.
    used = [name for names in record.sources.values() for name in names]
    assert len(used) == len(set(used))
    assert sorted([*used, *record.left_over]) == sorted(state)
    assert all(value.min() >= 0.2 and value.max() <= 2 for value in weights.values())
    assert {"conv2d.head.bias", "prems_conv1d.fc.weight"} < set(record.left_over)


def test_classes_are_put_in_the_order_of_the_vocabulary(checkpoints, tmp_path):
    state = published_state()
    path = write(checkpoints, tmp_path / "best.pt", state)
    vocabulary = Vocabulary(GLOSSES)
    model = make_model(len(vocabulary))
    load_ustm_checkpoint(model, path, vocabulary)
    kernel = np.asarray(model.classifier.kernel)
    blank, cloud, rain, sun = state["classifier.weight"].T
    expected = np.stack([blank, np.zeros(WIDTH), rain, sun, cloud], 1)
    np.testing.assert_array_equal(kernel, expected)
    clip = {"video": np.zeros((1, 8, 16, 16, 3), "uint8"), "mask": np.ones((1, 8), "float32")}
    np.testing.assert_array_equal(model(clip)["sequence"][..., 1], 0)


def test_our_own_file_fills_another_model_of_the_same_vocabulary(checkpoints, tmp_path):
    path = write(checkpoints, tmp_path / "best.pt", published_state())
    vocabulary = Vocabulary(GLOSSES)
    one, other = make_model(len(vocabulary)), make_model(len(vocabulary))
    record = load_ustm_checkpoint(one, path, vocabulary)
    own = tmp_path / "own.safetensors"
    save_model_weights(one, own, vocabulary, record)
    load_model_weights(other, own, vocabulary)
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)
    with pytest.raises(UserError, match="use the vocabulary that it was converted with"):
        load_model_weights(other, own, Vocabulary(GLOSSES[::-1]))
    with pytest.raises(UserError, match="not the weights of a whole model"):
        load_model_weights(other, path, vocabulary)


def change(name, value=None):
    """The state with a tensor replaced or, without a value, removed."""

    def apply(state):
        if value is None:
            del state[name]
        else:
            state[name] = np.asarray(value, "float32")

    return apply


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (change("conv2d.norm.bias"), "it lacks conv2d.norm.bias"),
        (change("conv1d.streams.6.0.bias", [1]), "beyond that model's weights, conv1d.streams.6"),
        (
            change("conv1d.post_conv1.0.weight", np.ones((4, 24, 3))),
            r"of another shape are conv1d.post_conv1.0.weight \(4, 24, 3\), ours \(5, 24, 4\)",
        ),
        (change(f"{TAPE}.temporal_pos_emb", np.ones((64, 3))), "temporal_pos_emb"),
        (change("classifier.weight", np.ones((4, 9))), "8 glosses and the blank, the model 3"),
        (change("conv2d.norm.bias", np.full(8, np.nan)), "not finite"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(checkpoints, tmp_path, apply, message):
    state = published_state()
    apply(state)
    path = write(checkpoints, tmp_path / "best.pt", state)
    model = make_model()
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(UserError, match=message):
        load_ustm_checkpoint(model, path)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_one_error_lists_all_that_is_wrong(checkpoints, tmp_path):
    state = published_state()
    del state["conv2d.norm.bias"]
    state["conv2d.norm.extra"] = state["conv2d.norm.weight"]
    state["conv2d.norm.weight"] = np.ones(3, "float32")
    path = write(checkpoints, tmp_path / "best.pt", state)
    with pytest.raises(UserError, match=r"lacks.*norm.bias; .*norm.extra; .*norm.weight \(3,\)"):
        load_ustm_checkpoint(make_model(), path)


def test_another_vocabulary_is_refused_with_both_sizes(checkpoints, tmp_path):
    path = write(checkpoints, tmp_path / "best.pt", published_state(classes=9))
    vocabulary = Vocabulary(GLOSSES)
    with pytest.raises(UserError, match=r"8 glosses and the blank, the vocabulary .* 3 and the"):
        load_ustm_checkpoint(make_model(len(vocabulary)), path, vocabulary)
