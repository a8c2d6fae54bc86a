"""A STARK of a few hundred weights, none of them special, and its stream call by call."""

import keras
import literal_stark
import numpy as np
from streamed_rows import call, rows_of, traced, whole as offline

from slr_keras.models.stark.model import Stark
from slr_keras.streaming.model import StreamingStark

__all__ = ["call", "clip", "little", "offline", "streamed", "traced"]

STREAMS = {"body": (0, 1, 2, 3, 4), "left": (0, 1), "right": (0, 2), "face": (3, 4)}
LITTLE = {
    "widths": (8, 12),
    "stem_width": 8,
    "heads": 2,
    "window": 3,
    "pools": (2, 1),
    "head_width": 16,
    "feed_forward_width": 24,
    "spatial_memory": 16,
}


def little(streams=STREAMS, seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = Stark(6, streams, points=5, **{**LITTLE, **options})
    literal_stark.randomise(model, seed)
    return model


def clip(frames, seed=0):
    return np.random.default_rng(seed).normal(size=(1, frames, 5, 3)).astype("float32")


def streamed(model, clip, head):
    """The rows of a clip, call by call."""
    return rows_of(traced(StreamingStark(model, (head,))), clip)
