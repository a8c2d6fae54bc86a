"""Some models could not run in float64.

The temporal convolution of USTM and C²ST added the float64 losses of its lift pooling to a sum in
float32, and the objective added the result to losses in float32.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import parse_config
from slr_keras.models.registry import create_model, list_models
from slr_keras.models.temporal import TemporalConvolution
from slr_keras.training.objectives.factory import make_objective

SWIN = {"embedding": 4, "depths": (1, 2), "heads": (1, 2), "window": 2, "stem": (4, 8), "patch": 4}
SMALL = {
    "ustm_tiny": {
        "image_size": (16, 16),
        "adapter_width": 3,
        "positions": 64,
        "width": 8,
        "backbone_options": SWIN,
    },
    "c2st_tiny": {"image_size": (32, 32), "width": 16, "language_model_options": {"width": 8}},
    "stepnet_tiny": {
        "image_size": (32, 32),
        "clip_frames": 8,
        "width": 8,
        "backbone_options": {"depths": (1, 1), "widths": (8, 16)},
    },
    "stark_tiny": {"attention_dropout": 0.0},
    "stark_isolated_tiny": {"attention_dropout": 0.0},
    "sign_conv": {"block_dropout": 0.0},
    "sign_conv_isolated": {"block_dropout": 0.0},
}


def _batch(model, name):
    rng = np.random.default_rng(0)
    clips, frames = 2, getattr(model, "clip_frames", 0) or 8
    batch = {
        "mask": np.ones((clips, frames), "float32"),
        "frames": np.full(clips, frames, "int32"),
        "labels": np.array([[2], [3]], "int32"),
        "label_lengths": np.ones(clips, "int32"),
    }
    if "video" in model.clip_inputs:
        shape = (clips, frames, *model.image_size, 3)
        batch["video"] = rng.integers(0, 256, shape).astype("uint8")
    else:
        batch["keypoints"] = rng.normal(size=(clips, frames, 79, 3)).astype("float32")
    return {key: tf.constant(value) for key, value in batch.items()}


@pytest.mark.parametrize("name", SMALL)
def test_the_objective_of_every_family_is_the_same_in_float64(name):
    config = parse_config({"data": {"folder": "data"}, "model": {"name": name}})
    totals, weights = {}, None
    for dtype in ("float32", "float64"):
        keras.utils.set_random_seed(0)
        options = {"dropout": 0.0, **SMALL[name]}
        model = create_model(name, vocabulary_size=6, dtype=dtype, **options)
        if weights is not None:
            for ours, value in zip(model.weights, weights, strict=True):
                ours.assign(value)
        weights = weights or [np.asarray(weight) for weight in model.weights]
        objective = make_objective(model, config)
        controls = {key: tf.constant(value) for key, value in objective.at(0).items()}
        keras.utils.set_random_seed(0)
        with tf.GradientTape() as tape:
            total, _ = objective(model, _batch(model, name), controls)
            mean = tf.reduce_mean(total)
        assert any(g is not None for g in tape.gradient(mean, model.trainable_variables))
        totals[dtype] = float(mean)
    assert totals["float32"] > 0
    assert totals["float64"] == pytest.approx(totals["float32"], rel=1e-3)


def test_every_family_is_tried():
    families = {name.partition("_")[0] for name in list_models()}
    assert families == {name.partition("_")[0] for name in SMALL}


@pytest.mark.parametrize("pooling", ["lift", "max"])
def test_a_layer_declares_the_dtypes_that_it_gives(pooling):
    layer = TemporalConvolution(4, pooling=pooling, dtype="float64")
    features = np.ones((1, 16, 4))
    specs = layer.compute_output_spec(keras.KerasTensor(features.shape, "float64"))
    outputs = layer(features)
    assert [spec.dtype for spec in specs] == [value.dtype.name for value in outputs]
