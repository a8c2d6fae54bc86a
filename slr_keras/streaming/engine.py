"""Engines compute the scores of a stream, with Keras or with a TFLite file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slr_keras.bundle.interpreter import SHIPPED, Interpreter

if TYPE_CHECKING:
    from slr_keras.streaming.step_model import StepModel


class Engine(Protocol):
    """Computes the scores of a few frames a call and keeps the state between calls.

    Attributes:
        frames: frames of a call.
        delay: number of calls before the first valid row of scores.
    """

    frames: int
    delay: int

    def reset(self) -> None:
        """Begin a new sentence."""

    def step(self, frames: np.ndarray | None) -> np.ndarray:
        """Log-probabilities `(classes,)` after a call.

        Args:
            frames: `(frames, points, channels)` in the coordinates of the model, finite; None
                after the end of the sentence, to get the remaining rows.
        """


class KerasEngine(Engine):
    """Runs a `StepModel` as one TensorFlow function.

    Args:
        model: see `slr_keras.streaming.loading.step_model_of`.
    """

    def __init__(self, model: "StepModel"):
        import tensorflow as tf

        self.frames = model.frames
        self.delay = model.delay
        self._shapes = model.input_shapes
        specs = {name: tf.TensorSpec(shape, name=name) for name, shape in self._shapes.items()}
        self._call = tf.function(model, input_signature=[specs], autograph=False)
        self._initial = {name: tf.constant(value) for name, value in model.initial_state().items()}
        self._nothing = np.zeros(self._shapes["keypoints"], np.float32)
        self._zero, self._one = (tf.constant([[value]], tf.float32) for value in (0.0, 1.0))
        self.reset()

    @property
    def state_bytes(self) -> int:
        """Size of the state in bytes."""
        return sum(int(np.prod(value.shape)) * 4 for value in self._initial.values())

    def reset(self) -> None:
        """See `Engine`."""
        self._state = dict(self._initial)

    def step(self, frames: np.ndarray | None) -> np.ndarray:
        """See `Engine`."""
        keypoints = self._nothing if frames is None else np.asarray(frames, np.float32)[None]
        valid = self._zero if frames is None else self._one
        outputs = self._call({"keypoints": keypoints, "valid": valid, **self._state})
        row = outputs.pop("log_probabilities").numpy()[0]
        self._state = outputs
        return row


class TfliteEngine(Engine):
    """Runs a `.tflite` file of a bundle in a child process, to be used in a `with` block.

    Args:
        path: of the file.
        about: the entry `streaming` of the bundle's `metadata.json`.
        runtime: see `slr_keras.bundle.interpreter`.
        threads: of the runtime.

    Raises:
        UserError: the runtime is not installed.
        RuntimeFailure: the runtime does not load the file.
    """

    def __init__(
        self,
        path: str | Path,
        about: Mapping[str, Any],
        runtime: str = SHIPPED,
        threads: int = 1,
    ):
        self.frames = int(about["frames"])
        self.delay = int(about["delay"])
        self._initial = {
            name: np.zeros(shape, np.float32)
            for name, shape in about["inputs"].items()
            if name.startswith("state_")
        }
        self._nothing = np.zeros(about["inputs"]["keypoints"], np.float32)
        self._interpreter = Interpreter(path, runtime, threads)
        self.reset()

    def __enter__(self) -> "TfliteEngine":
        return self

    def __exit__(self, *exception: object) -> None:
        self._interpreter.close()

    def reset(self) -> None:
        """See `Engine`."""
        self._state = dict(self._initial)

    def step(self, frames: np.ndarray | None) -> np.ndarray:
        """See `Engine`."""
        keypoints = self._nothing if frames is None else np.asarray(frames, np.float32)[None]
        valid = np.full((1, 1), frames is not None, np.float32)
        outputs = self._interpreter.run(keypoints=keypoints, valid=valid, **self._state)
        row = outputs.pop("log_probabilities")[0]
        self._state = outputs
        return row
