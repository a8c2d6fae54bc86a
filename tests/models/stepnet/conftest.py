"""A small StepNet whose every weight shows in the result, and clips for it."""

import types

import keras
import numpy as np
import pytest

from slr_keras.models.stepnet import StepNet

CLASSES, FRAMES, SIDE = 5, 8, 16
OPTIONS = {
    "vocabulary_size": CLASSES + 2,
    "image_size": (SIDE, SIDE),
    "clip_frames": FRAMES,
    "backbone": "tsm_micro",
    "backbone_options": {"depths": (1, 1), "widths": (8, 16)},
    "width": 8,
    "dropout": 0.0,
}


def make_model(**options) -> StepNet:
    """A model whose weights are all away from their first values."""
    keras.utils.set_random_seed(3)
    model = StepNet(**{**OPTIONS, **options})
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + 0.2 * generator.uniform(0.1, 1, weight.shape))
    return model


def make_clips(count=2, channels=3, seed=0, frames=FRAMES):
    generator = np.random.default_rng(seed)
    shape = (count, frames, SIDE, SIDE, channels)
    mask = np.ones((count, frames), "float32")
    return {"video": generator.integers(0, 256, shape).astype("uint8"), "mask": mask}


@pytest.fixture(scope="session")
def small():
    """The functions of this file."""
    return types.SimpleNamespace(
        CLASSES=CLASSES, OPTIONS=OPTIONS, make_model=make_model, make_clips=make_clips
    )


@pytest.fixture(scope="session")
def model():
    """One small model; tests that change or train one make their own."""
    return make_model()
