"""The streaming form of a run as `.tflite` files: a few frames and a state in, a row of scores out.

`metadata.json` describes them under `streaming`: `policy`, `frames` of a call, `delay` (calls
before the first row that means something), `signature` of the files, shapes of `inputs` and
`outputs` (`tensors` says which is what; what begins with `tensors.state` comes back under the same
name, and is zeros before a sentence), `files` by precision, and the numbers of the `recogniser`
around them, so that a phone has them from here. The frames are in the model's coordinates, gaps
filled: `slr_keras/streaming/landmarks.py` says how.
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
from slr_keras.streaming.loading import require_streamable
from slr_keras.streaming.model import KEYPOINTS, SCORES, STATE, VALID, StreamingStark, with_policy
from slr_keras.streaming.recogniser import FARTHEST, StreamConfig
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.models.stark.model import Stark
    from slr_keras.training.run import Run


def step_function(model: StreamingStark) -> Any:
    """One call as a `tf.function` of named tensors."""
    import tensorflow as tf

    shapes = model.input_shapes
    specs = [tf.TensorSpec(shape, name=name) for name, shape in shapes.items()]

    @tf.function(input_signature=specs, autograph=False)
    def function(*tensors):
        return model(dict(zip(shapes, tensors, strict=True)))

    return function


def write_streaming(
    run: "Run",
    stark: "Stark",
    heads: Sequence[str],
    policy: str,
    precisions: Sequence[str],
    clip: np.ndarray,
    folder: Path,
    parity: float | None,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write the files and give what `metadata.json` says of them.

    Args:
        run: what is exported.
        stark: its model.
        heads: whose mean probability is given.
        policy: of the spatial attention.
        precisions: of the files; there is none in int8, whose state would lose what it sums up.
        clip: raw points to compare with Keras on.
        folder: of the bundle.
        parity: largest relative error of fp32; None compares nothing.
        tell: told what is being done.

    Raises:
        UserError: the model has no streaming form, or a file differs from Keras; nothing is written
            then.
    """
    require_streamable(run)
    stark = with_policy(stark, policy)
    model = StreamingStark(stark, heads)
    frames = run.contract.prepare(clip)
    frames = frames[: len(frames) // stark.stride * stark.stride]
    expected = _whole_clip(stark, heads, frames)
    about = {
        "policy": policy,
        "frames": stark.stride,
        "delay": model.delay,
        "signature": SIGNATURE,
        "tensors": {"keypoints": KEYPOINTS, "valid": VALID, "scores": SCORES, "state": STATE},
        "recogniser": describe_recogniser(),
        "inputs": {name: list(shape) for name, shape in model.input_shapes.items()},
        "outputs": {
            SCORES: [1, stark.vocabulary_size],
            **{name: list(shape) for name, shape in model.state_shapes.items()},
        },
    }
    files = {}
    for precision in precisions:
        if precision == INT8:
            continue
        tell(f"converting the stream to {precision}")
        file = convert(step_function(model), precision)
        path = folder / f"stream_{precision}.tflite"
        require_builtin(file, path.name)
        path.write_bytes(file)
        found = {
            name: _streamed(path, name, about, frames) for name in RUNTIMES if has_runtime(name)
        }
        errors = {name: relative_error(rows, expected) for name, rows in found.items()}
        if precision == FLOAT32 and parity is not None and max(errors.values()) > parity:
            raise UserError(
                f"{path.name}: streamed, a golden clip's scores differ from Keras' of the whole "
                f"clip by {max(errors.values()):.2g} of the largest, limit {parity:g} (--parity); "
                "nothing was written"
            )
        entry = describe_file(path, file, tuple(found))
        files[precision] = {**entry, "relative_error": errors}
    if not files:
        raise UserError("--streaming: there is no stream in int8 alone; add fp32, fp16 or dynamic")
    return {**about, "files": files}


def describe_recogniser(config: StreamConfig | None = None) -> dict[str, Any]:
    """Every number and name of `slr_keras.streaming` that no contract, run or file holds.

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


def _whole_clip(stark: "Stark", heads: Sequence[str], frames: np.ndarray) -> np.ndarray:
    """Keras' log-probabilities of a whole clip under the model's policy."""
    from slr_keras.losses import ensemble_log_probabilities

    mask = np.ones((1, len(frames)), np.float32)
    logits = stark({KEYPOINTS: frames[None], "mask": mask}, training=False)
    return ensemble_log_probabilities(logits, tuple(heads))[0].numpy()


def _streamed(path: Path, runtime: str, about: dict[str, Any], frames: np.ndarray) -> np.ndarray:
    """The same rows, from a file."""
    try:
        with TfliteEngine(path, about, runtime) as engine:
            calls = [*frames.reshape(-1, engine.frames, *frames.shape[1:]), *[None] * engine.delay]
            return np.stack([engine.step(call) for call in calls])[engine.delay :]
    except RuntimeFailure as error:
        raise UserError(f"{error}; this file would not run on every device promised") from None
