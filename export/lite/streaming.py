"""Export of the streaming form: a few frames and a state to a row of scores and a new state.

`metadata.json` describes the files under `streaming`:

| key | value |
| --- | --- |
| `policy` | spatial policy; "none" for a model without spatial attention |
| `frames`, `delay` | frames of a call; calls before the first valid row of scores |
| `signature` | of the files |
| `inputs`, `outputs` | shapes by name |
| `tensors` | roles of the names. Names that start with `tensors.state` are state: outputs become \
the inputs of the next call, and a sentence starts with zeros |
| `files` | by precision |
| `recogniser` | parameters of the recogniser, for apps |

The frames are in the coordinates of the model, with filled gaps, see
`slr_keras/streaming/landmarks.py`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.common.comparison import relative_error
from export.lite.checks import require_builtin
from export.lite.conversion import (
    FLOAT32,
    INT8,
    SIGNATURE,
    convert,
)
from export.lite.metadata import describe_file
from slr_keras.bundle.interpreter import RUNTIMES, RuntimeFailure, has_runtime
from slr_keras.data.rates import LONGEST_STILL
from slr_keras.decoding.hypothesis import BLANK
from slr_keras.streaming.endpoint import SHOULDERS, WRISTS
from slr_keras.streaming.engine import TfliteEngine
from slr_keras.streaming.landmarks import REFERENCE_FRAMES
from slr_keras.streaming.recogniser import FARTHEST, StreamConfig
from slr_keras.streaming.step_model import KEYPOINTS, SCORES, STATE, VALID, StepModel
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.data.contract import KeypointContract


def step_function(model: StepModel) -> Any:
    """One call of the model as a `tf.function` of named tensors."""
    import tensorflow as tf

    shapes = model.input_shapes
    specs = [tf.TensorSpec(shape, name=name) for name, shape in shapes.items()]

    @tf.function(input_signature=specs, autograph=False)
    def function(*tensors):
        return model(dict(zip(shapes, tensors, strict=True)))

    return function


def write_streaming(
    model: StepModel,
    contract: "KeypointContract",
    policy: str,
    precisions: Sequence[str],
    clip: np.ndarray,
    folder: Path,
    parity: float | None,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write the files; returns their description for `metadata.json`.

    Args:
        model: of `slr_keras.streaming.loading.step_model_of`.
        contract: preparation of the raw points.
        policy: of the spatial attention.
        precisions: of the files; int8 is skipped, since the state needs more precision.
        clip: raw points of the comparison with Keras.
        folder: of the bundle.
        parity: largest relative error of fp32; None skips the comparison.
        report: called with a message before each step.

    Raises:
        UserError: a file differs from Keras, or no precision has a streaming form. Nothing is
            written in these cases.
    """
    frames = contract.prepare(clip)
    frames = frames[: len(frames) // model.frames * model.frames]
    expected = _whole_clip(model, frames)
    about = {
        "policy": policy,
        "frames": model.frames,
        "delay": model.delay,
        "signature": SIGNATURE,
        "tensors": {"keypoints": KEYPOINTS, "valid": VALID, "scores": SCORES, "state": STATE},
        "recogniser": describe_recogniser(),
        "inputs": {name: list(shape) for name, shape in model.input_shapes.items()},
        "outputs": {
            SCORES: [1, model.vocabulary_size],
            **{name: list(shape) for name, shape in model.state_shapes.items()},
        },
    }
    files = {}
    for precision in precisions:
        if precision == INT8:
            continue
        report(f"converting the streaming form to {precision}")
        file = convert(step_function(model), precision)
        path = folder / f"stream_{precision}.tflite"
        require_builtin(file, path.name)
        path.write_bytes(file)
        scores = {
            name: _streamed(path, name, about, frames) for name in RUNTIMES if has_runtime(name)
        }
        errors = {name: relative_error(rows, expected) for name, rows in scores.items()}
        if precision == FLOAT32 and parity is not None and max(errors.values()) > parity:
            raise UserError(
                f"{path.name}: the streamed scores of a golden clip differ from those of Keras on "
                f"the complete clip by {max(errors.values()):.2g} of the largest, limit "
                f"{parity:g} (--parity); nothing was written"
            )
        entry = describe_file(path, file, tuple(scores))
        files[precision] = {**entry, "relative_error": errors}
    if not files:
        raise UserError("--streaming: int8 has no streaming form; add fp32, fp16 or dynamic")
    return {**about, "files": files}


def describe_recogniser(config: StreamConfig | None = None) -> dict[str, Any]:
    """Parameters of `slr_keras.streaming` that neither contract, run nor file contains.

    >>> from export.lite.streaming import describe_recogniser
    >>> describe_recogniser()["rest"]["low"]
    0.9
    """
    return {
        **dataclasses.asdict(config or StreamConfig()),
        "blank": BLANK,
        "farthest": FARTHEST,
        "reference_frames": REFERENCE_FRAMES,
        "longest_still": LONGEST_STILL,
        "wrists": [list(names) for names in WRISTS],
        "shoulders": list(SHOULDERS),
    }


def _whole_clip(model: StepModel, frames: np.ndarray) -> np.ndarray:
    """Log-probabilities by Keras of a complete clip."""
    from slr_keras.losses import ensemble_log_probabilities

    mask = np.ones((1, len(frames)), np.float32)
    logits = model.clip_model({KEYPOINTS: frames[None], "mask": mask}, training=False)
    return ensemble_log_probabilities(logits, model.heads)[0].numpy()


def _streamed(path: Path, runtime: str, about: dict[str, Any], frames: np.ndarray) -> np.ndarray:
    """Log-probabilities by a streaming file, call by call."""
    try:
        with TfliteEngine(path, about, runtime) as engine:
            calls = [*frames.reshape(-1, engine.frames, *frames.shape[1:]), *[None] * engine.delay]
            return np.stack([engine.step(call) for call in calls])[engine.delay :]
    except RuntimeFailure as error:
        raise UserError(f"{error}; the file would not run on every supported device") from None
