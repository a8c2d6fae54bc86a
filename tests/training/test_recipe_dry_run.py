"""The full-size recipes for corpora of video take one step of training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import load_config
from slr_keras.data.video.contract import FrameContract
from slr_keras.training.model import build_model
from slr_keras.training.objectives.factory import make_objective
from slr_keras.training.step import TrainingStep, make_optimiser

CONFIGS = Path(__file__).parents[2] / "configs"
CONTRACT = FrameContract(size=(210, 260), resize=(256, 256), crop=(224, 224))
CLASSES = {"phoenix14": 1296, "phoenix14t": 1116, "csl_daily": 2001}
# The loss that counts.
TERMS = {"c2st": "video", "ustm": "sequence"}


def make_batch(classes):
    rng = np.random.default_rng(0)
    return {
        "video": tf.constant(rng.integers(0, 256, (2, 12, *CONTRACT.shape)).astype(np.uint8)),
        "mask": tf.constant([[1.0] * 12, [1.0] * 8 + [0.0] * 4]),
        "frames": tf.constant([12, 8]),
        "labels": tf.constant(rng.integers(1, classes, (2, 2)), tf.int32),
        "label_lengths": tf.constant([2, 1]),
        "index": tf.constant([0, 1]),
        "weight": tf.ones(2),
    }


@pytest.mark.long
@pytest.mark.parametrize("corpus", CLASSES)
@pytest.mark.parametrize("system", TERMS)
def test_a_recipe_of_full_size_takes_a_step_of_its_last_epoch(system, corpus):
    name, classes = f"{system}_{corpus}", CLASSES[corpus]
    config = load_config(CONFIGS / f"{name}.yaml")
    # The smallest chunk that shows that frames are taken in several.
    options = {**config.model.options, "chunk": 8}
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, options=options))
    model = build_model(config, classes, CONTRACT)
    batch = make_batch(classes)
    shapes = {"video": (None, None, *CONTRACT.shape)}
    spec = {
        key: tf.TensorSpec(shapes.get(key, [None] * value.shape.rank), value.dtype)
        for key, value in batch.items()
    }
    step = TrainingStep(
        tf.distribute.get_strategy(),
        model,
        make_objective(model, config),
        make_optimiser(model, config.training),
        config.training,
        spec,
    )
    before = model.trainable_variables[0].numpy()
    outcome = step(batch, config.training.learning_rate, epoch=config.training.epochs - 1)
    values = {key: float(value) for key, value in outcome.items()}
    assert np.isfinite(list(values.values())).all(), values
    assert values["clips"] == 2
    assert values[TERMS[system]] > 0
    assert (model.trainable_variables[0].numpy() != before).any()
