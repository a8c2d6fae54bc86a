"""STARK converts to built-in TFLite operations and computes the same (docs/papers/stark.md §8)."""

import subprocess
import sys

import numpy as np
import pytest

from slr_keras.models.registry import create_model

FRAMES, REAL = 32, 24
# Interpreters run apart: with TensorFlow in one process they do not end cleanly.
READER = """
import sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
case = np.load(sys.argv[1])
interpreter = Interpreter(sys.argv[2])
runner = interpreter.get_signature_runner()
inputs = {
    name: case["keypoints" if detail["shape"].size == 4 else "mask"]
    for name, detail in runner.get_input_details().items()
}
np.savez(sys.argv[3], **runner(**inputs))
"""


# How much of the file is left with weights of eight bits: an isolated model is mostly its graph.
SHARES = {"stark_tiny": 0.5, "stark_isolated_tiny": 0.7}


# A model of sentences is converted by every export, too (tests/export/lite).
@pytest.fixture(
    scope="module",
    params=[pytest.param("stark_tiny", marks=pytest.mark.long), "stark_isolated_tiny"],
)
def converted(request, tmp_path_factory):
    """Case, Keras' outputs, and the model in float and with dynamic-range weights."""
    pytest.importorskip("ai_edge_litert")
    import keras
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("tflite")
    keras.utils.set_random_seed(0)
    model = create_model(request.param, vocabulary_size=22)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "moving_variance" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    case = {
        "keypoints": rng.normal(0, 0.5, (1, FRAMES, 79, 3)).astype(np.float32),
        "mask": (np.arange(FRAMES) < REAL).astype(np.float32)[None],
    }
    np.savez(folder / "case.npz", **case)
    shapes = {name: keras.InputSpec(shape=x.shape, dtype="float32") for name, x in case.items()}
    model.export(folder / "saved", input_signature=[shapes], verbose=False)
    for name in ("float", "dynamic"):
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
        # Anything beyond the built-in operations fails here.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if name == "dynamic":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        (folder / f"{name}.tflite").write_bytes(converter.convert())
    return folder, {name: value.numpy() for name, value in model(case).items()}


def run(folder, name):
    files = [folder / "case.npz", folder / f"{name}.tflite", folder / f"{name}.npz"]
    done = subprocess.run(
        [sys.executable, "-c", READER, *map(str, files)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(files[-1]))


def real(logits):
    """Those of real steps; a model of one sign has no steps."""
    return (logits if logits.ndim == 2 else logits[:, : REAL // 4]).ravel()


def test_the_float_model_equals_keras(converted):
    folder, expected = converted
    found = run(folder, "float")
    assert set(found) == set(expected)
    for head, logits in expected.items():
        error = np.abs(real(found[head] - logits)).max() / np.abs(real(logits)).max()
        assert error <= 1e-5, head


def test_weights_of_eight_bits_keep_the_direction_of_the_logits(converted, request):
    folder, expected = converted
    found = run(folder, "dynamic")
    small, large = ((folder / f"{name}.tflite").stat().st_size for name in ("dynamic", "float"))
    assert small < SHARES[request.node.callspec.params["converted"]] * large
    for head, logits in expected.items():
        ours, theirs = real(found[head]), real(logits)
        assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) >= 0.999, head
