"""The literal transcriptions, importable under pytest's importlib mode, and a small USTM."""

import keras
import literal_swin
import literal_ustm
import numpy as np
import pytest

from slr_keras.models.ustm import Ustm

BACKBONE = {"embedding": 4, "depths": (1, 2), "heads": (1, 2), "window": 2}
OPTIONS = {
    "vocabulary_size": 5,
    "image_size": (16, 16),
    "backbone": "swin_micro",
    "backbone_options": {**BACKBONE, "stochastic_depth": 0.0},
    "adapter_width": 3,
    "positions": 64,
    "width": 4,
    "pixels": "slowfast",
    "dropout": 0.0,
}


def make_model(**options) -> Ustm:
    """A small model whose every weight shows in the result, those that begin at zero too."""
    keras.utils.set_random_seed(3)
    model = Ustm(**{**OPTIONS, **options})
    generator = np.random.default_rng(0)
    for weight in model.weights:
        sign = 1 if "variance" in weight.path else generator.choice([-1, 1], weight.shape)
        weight.assign(weight + 0.2 * sign * generator.uniform(0.5, 1.5, weight.shape))
    return model


def make_clips(frames=(12, 4, 7), size=16, seed=0):
    generator = np.random.default_rng(seed)
    longest = max(frames)
    video = generator.integers(0, 256, (len(frames), longest, size, size, 3)).astype("uint8")
    mask = (np.arange(longest) < np.array(frames)[:, None]).astype("float32")
    return {"video": video, "mask": mask}


@pytest.fixture(scope="session")
def small():
    """The functions of this file."""
    import types

    return types.SimpleNamespace(
        BACKBONE=BACKBONE, OPTIONS=OPTIONS, make_model=make_model, make_clips=make_clips
    )


@pytest.fixture(scope="session")
def literal():
    """The module of the second transcription of USTM; `swin` is that of Swin."""
    literal_ustm.swin = literal_swin
    return literal_ustm
