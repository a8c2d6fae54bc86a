"""A STARK of a few hundred weights, none of them special, and its stream call by call."""

import keras
import literal_stark
import numpy as np
import tensorflow as tf

from slr_keras.models.stark.model import Stark
from slr_keras.streaming.model import SCORES, StreamingStark

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


def offline(model, clip, head):
    """Log-probabilities of the whole clip."""
    mask = np.ones(clip.shape[:2], "float32")
    logits = model({"keypoints": clip, "mask": mask})[head]
    return keras.ops.convert_to_numpy(keras.ops.log_softmax(logits[0], axis=-1))


class traced:
    """The streaming model as one function, which is faster to call a hundred times."""

    def __init__(self, step):
        self.delay, self.initial_state = step.delay, step.initial_state
        self.function = tf.function(step, autograph=False, reduce_retracing=True)

    def __call__(self, inputs):
        return self.function({name: tf.constant(value) for name, value in inputs.items()})


def call(step, frames, valid, state):
    """One call of the streaming model: the row, and the new state."""
    flag = np.full((1, 1), valid, "float32")
    found = step({"keypoints": frames, "valid": flag, **state})
    found = {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}
    return found.pop(SCORES), found


def streamed(model, clip, head):
    """The same rows, a step a call; after the clip's end the frames are nonsense."""
    step, stride = traced(StreamingStark(model, (head,))), model.stride
    state, rows = step.initial_state(), []
    for first in range(0, clip.shape[1] + stride * step.delay, stride):
        real = first < clip.shape[1]
        frames = clip[:, first : first + stride] if real else np.full_like(clip[:, :stride], 7.0)
        row, state = call(step, frames, float(real), state)
        rows.append(row)
    return np.concatenate(rows)[step.delay :]
