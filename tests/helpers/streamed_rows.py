"""A streaming form call by call, as tests compare it with the model of complete clips."""

import keras
import numpy as np
import tensorflow as tf

from slr_keras.streaming.step_model import SCORES


class traced:
    """The streaming model as one function, which is faster to call a hundred times."""

    def __init__(self, step):
        self.delay, self.initial_state = step.delay, step.initial_state
        self.frames, self.state_shapes = step.frames, step.state_shapes
        self.function = tf.function(step, autograph=False, reduce_retracing=True)

    def __call__(self, inputs):
        return self.function({name: tf.constant(value) for name, value in inputs.items()})


def call(step, frames, valid, state):
    """One call of the streaming model: the row, and the new state."""
    flag = np.full((1, 1), valid, "float32")
    found = step({"keypoints": frames, "valid": flag, **state})
    found = {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}
    return found.pop(SCORES), found


def rows_of(step, clip):
    """The rows of a clip, a call a step; after the clip's end the frames are nonsense."""
    state, rows = step.initial_state(), []
    for first in range(0, clip.shape[1] + step.frames * step.delay, step.frames):
        real = first < clip.shape[1]
        frames = clip[:, first : first + step.frames] if real else np.full_like(clip[:, :1], 7.0)
        frames = np.broadcast_to(frames, (1, step.frames, *clip.shape[2:]))
        row, state = call(step, frames, float(real), state)
        rows.append(row)
    return np.concatenate(rows)[step.delay :]


def whole(model, clip, head):
    """Log-probabilities of the whole clip."""
    mask = np.ones(clip.shape[:2], "float32")
    logits = model({"keypoints": clip, "mask": mask})[head]
    return keras.ops.convert_to_numpy(keras.ops.log_softmax(logits[0], axis=-1))
