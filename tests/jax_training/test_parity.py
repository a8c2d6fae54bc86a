"""A step of training in JAX beside the same step in TensorFlow."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config.schema import TrainingConfig
from slr_keras.losses import stark_losses
from slr_keras.models.registry import create_model
from slr_keras.training.optimiser import clip_by_global_norm
from slr_keras.training.step import make_optimiser

pytest.importorskip("jax")

OPTIONS = {
    "widths": (8, 8),
    "stem_width": 8,
    "pools": (2, 1),
    "head_width": 16,
    "feed_forward_width": 16,
    "attention_dropout": 0.0,
    "dropout": 0.0,
}
SETTINGS = {
    "optimiser": "adamw",
    "weight_decay": 0.01,
    "clip_norm": 0.5,
    "moving_average": 0.9,
    "distillation_weight": 0.5,
}
RATE = 1e-3
IN_JAX = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import jax, numpy as np
from slr_keras.config.schema import TrainingConfig
from slr_keras.jax_training.step import initial_state, make_step
from slr_keras.models.registry import create_model

assert "tensorflow" not in sys.modules
given = np.load(sys.argv[1])
options, settings = eval(sys.argv[3])
model = create_model("stark_tiny", 9, **options)
for number, variable in enumerate(model.variables):
    if variable.dtype == "float32":
        variable.assign(given[f"v{number}"])
batch = {name[2:]: given[name] for name in given.files if name.startswith("b/")}
config = TrainingConfig(**settings)
step = make_step(model, config)
state, sums = initial_state(model, config), {}
for _ in range(2):
    state, sums = step(state, batch, np.float32(1e-3))
    if "first" not in locals():
        first = [np.asarray(m) / (1 - config.betas[0]) for m in state.first]
        losses = {name: np.asarray(value) for name, value in sums.items()}
found = {f"g{i}": g for i, g in enumerate(first)}
found |= {f"w{i}": np.asarray(w) for i, w in enumerate(state.trainable)}
found |= {f"a{i}": np.asarray(w) for i, w in enumerate(state.average)}
found |= {f"r{i}": np.asarray(w) for i, w in enumerate(state.rest)}
np.savez(sys.argv[2], **found, **losses)
"""


@pytest.fixture(scope="module")
def batch():
    """Four clips; one is padding, one has no path for its labels."""
    rng = np.random.default_rng(0)
    frames = np.array([32, 20, 4, 0], np.int32)
    return {
        "keypoints": rng.normal(size=(4, 32, 79, 3)).astype("float32"),
        "mask": (np.arange(32) < frames[:, None]).astype("float32"),
        "frames": frames,
        "labels": np.array([[2, 3, 3], [4, 5, 0], [6, 6, 0], [0, 0, 0]], np.int32),
        "label_lengths": np.array([3, 2, 2, 0], np.int32),
        "weight": np.array([1, 1, 1, 0], np.float32),
    }


def in_tensorflow(model, batch):
    """Gradients of the first of two steps, and sums of its terms; the model changes."""
    config = TrainingConfig(**SETTINGS)
    optimiser = make_optimiser(model, config)
    seen = None
    for _ in range(2):
        with tf.GradientTape() as tape:
            logits = model({k: batch[k] for k in ("keypoints", "mask")}, training=True)
            steps = batch["frames"] // 4
            terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
            losses = terms["ctc"] + SETTINGS["distillation_weight"] * terms["distillation"]
            loss = tf.reduce_sum(batch["weight"] * losses) / 3
        gradients = tape.gradient(
            loss,
            [v.value for v in model.trainable_variables],
            unconnected_gradients="zero",
        )
        gradients, _ = clip_by_global_norm(gradients, config.clip_norm)
        if seen is None:
            sums = {k: float(tf.reduce_sum(batch["weight"] * v)) for k, v in terms.items()}
            seen = [g.numpy() for g in gradients], sums
        optimiser.apply(gradients, RATE)
    return *seen, [a.numpy() for a in optimiser.average]


def test_gradients_steps_statistics_and_averages_are_tensorflows(batch, tmp_path):
    # The rounding of gradients depends on the weights.
    keras.utils.set_random_seed(0)
    model = create_model("stark_tiny", 9, **OPTIONS)
    values = {f"v{i}": np.asarray(v) for i, v in enumerate(model.variables)}
    np.savez(tmp_path / "given.npz", **values, **{f"b/{k}": v for k, v in batch.items()})
    arguments = [
        str(tmp_path / "given.npz"),
        str(tmp_path / "found.npz"),
        repr((OPTIONS, SETTINGS)),
    ]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", IN_JAX, *arguments], check=True, env=environment)
    found = np.load(tmp_path / "found.npz")
    gradients, sums, averages = in_tensorflow(model, batch)
    for name, value in sums.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    compared = 0
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    for number, (weight, gradient) in enumerate(zip(model.trainable_variables, gradients)):
        error = np.abs(found[f"g{number}"] - gradient).max()
        assert error < 1e-4 * norm, weight.path
        # Adam makes full steps of gradients that are nothing but rounding.
        clear = np.abs(gradient) > 1e-3 * norm
        for ours, theirs in ((f"w{number}", weight), (f"a{number}", averages[number])):
            difference = np.abs(found[ours] - np.asarray(theirs))[clear]
            assert difference.max(initial=0) < 2e-5, weight.path
        compared += clear.sum()
    assert compared > 500
    for number, variable in enumerate(model.non_trainable_variables):
        if variable.dtype == "float32":
            # The second step's moments are of weights that rounding has parted.
            np.testing.assert_allclose(found[f"r{number}"], variable, atol=2e-3, rtol=2e-3)
