"""Base of streaming forms: a few frames and a state to one row of log-probabilities and a state."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from slr_keras.utils.errors import UserError

KEYPOINTS, VALID, SCORES = "keypoints", "valid", "log_probabilities"
#: Prefix of the names of the state tensors.
STATE = "state_"


class StepModel(keras.Model):
    """Reads a few frames a call and keeps its state in explicit tensors.

    Every call returns a row of scores; the first `delay` rows belong to no frames. After the last
    frames of a clip, `delay` calls with `valid` 0 return the remaining rows. The rows equal those
    of `clip_model` on the complete clip. A new clip begins with a state of zeros.

    Inputs, a dictionary:
        `keypoints` `(1, frames, points, channels)`, `valid` `(1, 1)`: 1 for frames of the clip,
        and the state with the shapes of `state_shapes`.

    Outputs, a dictionary:
        `log_probabilities` `(1, vocabulary_size)`, and the new state under the same names.

    Attributes:
        heads: heads whose mean probability is computed.
        delay: number of calls before the first valid row.
        state_shapes: shapes of the state by name, each of which begins with `STATE`.
    """

    heads: tuple[str, ...]
    delay: int
    state_shapes: dict[str, tuple[int, ...]]

    @property
    def clip_model(self) -> keras.Model:
        """The model of complete clips whose weights this form shares."""
        raise NotImplementedError

    @property
    def frames(self) -> int:
        """Frames of a call."""
        return self.clip_model.stride

    @property
    def vocabulary_size(self) -> int:
        """Columns of a row."""
        return self.clip_model.vocabulary_size

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs by name; all are float32."""
        model = self.clip_model
        frames = (1, self.frames, model.points, model.channels)
        return {KEYPOINTS: frames, VALID: (1, 1), **self.state_shapes}

    def initial_state(self) -> dict[str, np.ndarray]:
        """The state before a clip: zeros."""
        return {name: np.zeros(shape, np.float32) for name, shape in self.state_shapes.items()}


def checked_heads(asked: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The heads that were asked for.

    Raises:
        UserError: the model lacks one; names those that it has.
    """
    for name in asked:
        if name not in known:
            raise UserError(f"the model has no head {name!r}: {', '.join(known)}")
    return tuple(asked)


def log_probabilities(logits: Sequence):
    """Logarithm of the mean probability of rows of logits `(1, classes)`."""
    if len(logits) == 1:
        return ops.log_softmax(logits[0], axis=-1)
    mean = sum(ops.softmax(row, axis=-1) for row in logits) / len(logits)
    # The least normal float32: decoders do not accept infinities.
    return ops.log(ops.maximum(mean, 1.2e-38))
