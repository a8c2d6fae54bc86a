"""What every registered model promises, at a size that a CPU takes in moments.

A model that is registered is tested here at once. One that is too large for that gets options in
`SMALLER`; they change sizes alone, neither the class nor what it is made of.
"""

import dataclasses
import functools
import re
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.registry import create_model, family_of, list_models

VOCABULARY, FRAMES = 6, (16, 8, 12)
POINTS = 5
STREAMS = {"body": (0, 1, 2, 3, 4), "left": (0, 1), "right": (0, 2), "face": (3, 4)}

STARK = {"points": POINTS, "streams": STREAMS, "stem_width": 8, "heads": 2, "window": 3}
ISOLATED = {**STARK, "widths": (8, 8, 8, 12)}
SENTENCES = {**ISOLATED, "head_width": 16, "feed_forward_width": 24}
C2ST = {"image_size": (32, 32), "width": 16, "language_model_options": {"width": 8}}
CONVOLUTIONS = {"points": POINTS, "width": 8, "block_dropout": 0.0}
SWIN = {"embedding": 4, "depths": (1, 2), "heads": (1, 2), "window": 2, "stochastic_depth": 0.0}
USTM = {"image_size": (16, 16), "adapter_width": 3, "positions": 64, "width": 8}
STEPNET = {"image_size": (32, 32), "clip_frames": 8, "width": 8}
SMALLER = {
    "c2st": {**C2ST, "backbone": "swin_nano"},
    "c2st_r18": {**C2ST, "backbone": "resnet_micro"},
    "c2st_tiny": C2ST,
    "sign_conv": CONVOLUTIONS,
    "sign_conv_isolated": CONVOLUTIONS,
    "sign_conv_isolated_large": {**CONVOLUTIONS, "attention_heads": 2},
    "sign_conv_isolated_small": CONVOLUTIONS,
    "sign_conv_large": CONVOLUTIONS,
    "sign_conv_small": CONVOLUTIONS,
    "stark": SENTENCES,
    "stark_isolated": ISOLATED,
    "stark_isolated_tiny": {**ISOLATED, "widths": (8, 8, 12)},
    "stark_mobile": SENTENCES,
    "stark_small": SENTENCES,
    "stark_tiny": {**SENTENCES, "widths": (8, 8, 12)},
    "stepnet": {**STEPNET, "backbone_options": {"depths": (1, 1, 1), "widths": (4, 4, 8)}},
    "stepnet_i3d": {
        **STEPNET,
        "image_size": (64, 64),
        "backbone_options": {"time_strides": (2, 1, 1)},
    },
    "stepnet_tiny": {**STEPNET, "backbone_options": {"depths": (1, 1), "widths": (8, 16)}},
    "ustm_b": {**USTM, "backbone_options": SWIN},
    "ustm_s": {**USTM, "backbone_options": SWIN},
    "ustm_t": {**USTM, "backbone_options": SWIN},
    "ustm_tiny": {**USTM, "backbone_options": {**SWIN, "stem": (4, 8), "patch": 4}},
}

STARK_HEADS = ("fuse", "left", "right", "body")
#: Where a leading name stands for several models, the longest that fits counts.
HEADS = {
    "c2st": ("chunk", "video"),
    "sign_conv": ("glosses",),
    "sign_conv_isolated": ("sign",),
    "stark": STARK_HEADS,
    "stark_isolated_tiny": ("fuse", "left", "right"),
    "stark_mobile": ("fuse",),
    "stark_tiny": ("fuse", "left", "right"),
    "stepnet": (
        *("left", "right", "top", "bottom", "left_right", "top_bottom"),
        *("global", "spatial", "temporal", "fused"),
    ),
    "ustm": ("convolution", "sequence"),
}
#: Biases that are added right before a normalisation takes the mean away: their gradient is 0 but
#: for rounding. The shift of the Swin's last norm is the same for all frames, and after a linear
#: map the batch normalisation of C²ST's convolutions takes it away as well.
BEFORE_NORMALISATION = re.compile(
    r"(/stem/linear|encoder/stem|/block_\d+/(feed_forward|output|residual_\d+)|head_\w+/input"
    r"|/K\d_\d/convolution|/P\d_\d/weigh_(approximation|detail)/convolution"
    r"|/adapter_\d+/((far|near)_\d|mix)/convolution)/bias$|/swin_nano/norm/beta$"
)
# Of the largest gradient: a weight that acts has more, also at the far end of I3D.
ROUNDING = 1e-7
#: Presets that differ by their sizes alone from one that the usual suite has; with `SMALLER` they
#: are nearly the same model. A model that is registered later is in the usual suite.
SAME_PARTS = (
    *("c2st_tiny", "sign_conv_isolated_small", "sign_conv_large", "sign_conv_small"),
    *("stark_isolated", "stark_mobile", "stark_small", "stark_tiny", "stepnet_tiny"),
    *("ustm_b", "ustm_s", "ustm_tiny"),
)
every_model = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in SAME_PARTS else [])
        for name in list_models()
    ],
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A small model, and a batch of clips for it: the first is the longest."""

    model: keras.Model
    inputs: dict[str, np.ndarray]
    isolated: bool


@functools.cache
def case_of(name):
    """Weights are away from their first values: a weight of zero would hide others."""
    keras.utils.set_random_seed(3)
    options = {"dropout": 0.0, **SMALLER.get(name, {})}
    if name.startswith("stark"):
        options["attention_dropout"] = 0.0
    model = create_model(name, vocabulary_size=VOCABULARY, **options)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        sign = 1 if "variance" in weight.path else rng.choice([-1, 1], weight.shape)
        weight.assign(weight + 0.1 * sign * rng.uniform(0.5, 1.5, weight.shape))
    return Case(model, inputs_of(model, name), family_of(name).output == "sign")


def inputs_of(model, name, seed=0):
    """Clips with noise behind their ends, which a model must not see."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    fixed = getattr(model, "clip_frames", None)
    frames = np.array([fixed] * len(FRAMES) if fixed else FRAMES)
    shape = (len(frames), frames.max())
    inputs = {"mask": (np.arange(frames.max()) < frames[:, None]).astype("float32")}
    if family_of(name).modality == "keypoints":
        inputs["keypoints"] = rng.normal(size=(*shape, POINTS, 3)).astype("float32")
    else:
        size = (*shape, *model.image_size, 3)
        inputs["video"] = rng.integers(0, 256, size).astype("uint8")
    if name.startswith("c2st"):
        inputs["labels"] = np.array([[1, 2, 2], [5, 0, 0], [3, 4, 0]], np.int32)
        inputs["label_lengths"] = np.array([3, 1, 2], np.int32)
    return inputs


def heads_of(name):
    return HEADS[max((key for key in HEADS if name.startswith(key)), key=len)]


def require_close(found, expected, what, tolerance=1e-5):
    """Within a tolerance of the largest of the expected values, or of 1."""
    expected = np.asarray(expected)
    bound = tolerance * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound, err_msg=str(what))


@every_model
def test_every_head_gives_scores_of_every_step_or_of_the_clip(name):
    case = case_of(name)
    outputs = {key: tuple(x.shape) for key, x in case.model(case.inputs).items()}
    clips, frames = case.inputs["mask"].shape
    scores = (clips, VOCABULARY - 2) if case.isolated else (clips, frames // 4, VOCABULARY)
    expected = dict.fromkeys(heads_of(name), scores)
    if name.startswith(("c2st", "ustm")):
        expected["lifting"] = (clips,)
    if name.startswith("c2st"):
        contexts = (clips, case.inputs["labels"].shape[1] + 1, VOCABULARY)
        expected |= {f"{level}_context": contexts for level in heads_of(name)}
    assert outputs == expected


@every_model
def test_a_clip_alone_gives_what_it_gives_in_a_padded_batch(name):
    case = case_of(name)
    together = case.model(case.inputs)
    for row, frames in enumerate(case.inputs["mask"].sum(1).astype(int)):
        alone = {key: value[row : row + 1] for key, value in case.inputs.items()}
        for key in ("mask", "video", "keypoints"):
            if key in alone:
                alone[key] = alone[key][:, :frames]
        for head, found in case.model(alone).items():
            steps = found.shape[1] if len(found.shape) == 3 else None
            expected = together[head][row, :steps] if steps else together[head][row]
            require_close(found[0], expected, (head, row))


@every_model
def test_every_trainable_weight_receives_a_gradient(name):
    case = case_of(name)
    paths = [weight.path for weight in case.model.trainable_weights]
    assert len(paths) > 10
    allowed = np.array([bool(BEFORE_NORMALISATION.search(path)) for path in paths])
    largest = np.zeros(len(paths))
    state = [weight.numpy() for weight in case.model.non_trainable_weights]
    for seed in range(3):
        largest = np.maximum(largest, gradient_sizes(case.model, inputs_of(case.model, name, seed)))
        silent = (largest <= ROUNDING * largest.max()) & ~allowed
        if not silent.any():
            break
    for weight, value in zip(case.model.non_trainable_weights, state, strict=True):
        # Statistics that training moved: other tests see the model, too.
        weight.assign(value)
    assert [path for path, is_silent in zip(paths, silent) if is_silent] == []


def gradient_sizes(model, inputs):
    """The largest entry of each weight's gradient, of a sum that every output has a part in."""
    rng = np.random.default_rng(0)
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=True)
        loss = tf.add_n(
            [
                tf.reduce_sum(value * rng.normal(size=value.shape).astype("float32"))
                for _, value in sorted(outputs.items())
            ]
        )
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    paths = [weight.path for weight in model.trainable_weights]
    for path, gradient in zip(paths, gradients, strict=True):
        assert gradient is not None, f"{path}: no gradient"
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), f"{path}: not finite"
    return np.array([np.abs(tf.convert_to_tensor(gradient)).max() for gradient in gradients])


@every_model
def test_a_model_is_made_again_from_its_config(name):
    model = case_of(name).model
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    shapes = [tuple(weight.shape) for weight in model.weights]
    assert [tuple(weight.shape) for weight in again.weights] == shapes
    assert len(again.trainable_weights) == len(model.trainable_weights)


LOADING = """
import sys
from pathlib import Path

import slr_keras.models
import keras
import numpy as np

for file in sorted(Path(sys.argv[1]).glob("*.keras")):
    with np.load(file.with_suffix(".in.npz")) as inputs:
        outputs = keras.saving.load_model(file)(dict(inputs))
    np.savez(file.with_suffix(".out.npz"), **{key: np.asarray(x) for key, x in outputs.items()})
"""


@pytest.fixture(scope="module")
def loaded_elsewhere(tmp_path_factory, tiny, root):
    """A function from a model's name to the outputs of its file in a process of its own."""
    folder = tmp_path_factory.mktemp("keras_files")
    for name in list_models():
        case = case_of(name)
        case.model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.in.npz", **case.inputs)
    done = tiny.command("-c", LOADING, folder, PYTHONPATH=str(root))

    def outputs(name):
        file = folder / f"{name}.out.npz"
        assert file.is_file(), done.stderr
        with np.load(file) as arrays:
            return dict(arrays)

    return outputs


@every_model
def test_a_saved_model_is_the_same_in_a_fresh_process_without_custom_objects(
    name, loaded_elsewhere
):
    case = case_of(name)
    expected, found = case.model(case.inputs), loaded_elsewhere(name)
    assert set(found) == set(expected)
    for head, value in expected.items():
        require_close(found[head], value, head, 1e-6)
