"""USTM learns two clips by heart (docs/papers/ustm.md §13, item 10)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.config import TrainingConfig
from slr_keras.decoding.greedy import greedy
from slr_keras.models.registry import create_model
from slr_keras.training.objectives.self_distillation import SelfDistillationObjective
from slr_keras.training.step import TrainingStep, make_optimiser

LABELS = ([1, 3, 2], [2, 1])
FRAMES = (32, 24)


def make_batch():
    rng = np.random.default_rng(0)
    video = rng.integers(0, 256, (2, 32, 32, 32, 3)).astype(np.uint8)
    labels = np.zeros((2, 3), np.int32)
    for row, label in zip(labels, LABELS):
        row[: len(label)] = label
    return {
        "video": tf.constant(video),
        "mask": tf.constant((np.arange(32) < np.array(FRAMES)[:, None]).astype(np.float32)),
        "frames": tf.constant(FRAMES),
        "labels": tf.constant(labels),
        "label_lengths": tf.constant([len(label) for label in LABELS]),
        "index": tf.constant([0, 1]),
        "weight": tf.ones(2),
    }


@pytest.mark.long
def test_two_clips_are_learnt_without_an_error():
    keras.utils.set_random_seed(0)
    model = create_model(
        "ustm_tiny",
        5,
        image_size=(32, 32),
        width=32,
        adapter_width=8,
        backbone_options={"embedding": 8, "depths": (1, 1), "heads": (1, 2), "window": 4},
    )
    config = TrainingConfig(learning_rate=3e-3, weight_decay=0.0, betas=(0.9, 0.98))
    batch = make_batch()
    spec = {
        name: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for name, value in batch.items()
    }
    strategy = tf.distribute.get_strategy()
    optimiser = make_optimiser(model, config)
    step = TrainingStep(strategy, model, SelfDistillationObjective(), optimiser, config, spec)
    for _ in range(150):
        step(batch, config.learning_rate)
    for row, frames in enumerate(FRAMES):
        clip = {name: batch[name][row : row + 1, :frames] for name in ("video", "mask")}
        log_probs = tf.nn.log_softmax(model(clip)["sequence"][0]).numpy()
        assert list(greedy(log_probs).ids) == LABELS[row]
