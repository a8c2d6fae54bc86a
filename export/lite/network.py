"""A trained keypoint model as one TensorFlow function: raw points to log-probabilities."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from export.lite.preparation import SCOPE, prepare
from slr_keras.bundle.scorer import FRAMES, KEYPOINTS, SCORES
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.data.contract import KeypointContract
    from slr_keras.training.run import Run

FUSE, ENSEMBLE = HEADS = ("fuse", "ensemble")

# Eight bits are too few for pixel coordinates. The model family names further scopes.
PREPARATION_SCOPE = rf"{SCOPE}/"
# Eight bits are also too few for log-probabilities, and for products of two activations: both
# factors may be -128, and processors without 8-bit dot products (such as cortex-a53) add two such
# products in 16 bits, which overflow; weights are never -128. These operations are also several
# times faster in float32, which needs no conversions.
FLOAT_OPERATIONS = ("LOG_SOFTMAX", "BATCH_MATMUL")


def require_exportable(run: "Run") -> None:
    """Refuse runs that cannot be exported as a TFLite bundle.

    Raises:
        UserError: the model reads video or sampled frames, or its family has no TFLite form.
    """
    name = run.config.model.name
    if run.modality == "keypoints" and run.config.data.clip_frames:
        raise UserError(
            f"{run.path}: {name} reads {run.config.data.clip_frames} frames sampled from each clip "
            "(data.clip_frames), which a bundle does not support; train with data.clip_frames: 0"
        )
    obstacle = run.family.lite_obstacle
    if run.modality == "keypoints" and not obstacle:
        return
    raise UserError(
        f"{run.path}: {name} reads {run.modality} and cannot be exported as a TFLite bundle: "
        f"{obstacle or 'a bundle takes keypoints'}; serve it as a SavedModel"
    )


def chosen_heads(run: "Run", model: "keras.Model", head: str) -> tuple[str, ...]:
    """Heads whose mean probability a bundle gives: `fuse` alone, or those that the run decodes.

    A model without the head `fuse` gives those that the run decodes.
    """
    if head == FUSE and FUSE in model.output:
        return (FUSE,)
    return run.decoding.heads or tuple(getattr(model, "reported_heads", ())) or tuple(model.output)


def network(
    model: "keras.Model", contract: "KeypointContract", heads: Sequence[str], frames: int
) -> Any:
    """A `tf.function` of raw points with preparation, encoders and heads.

    Args:
        model: computes logits by head, `(batch, steps, classes)`, or `(batch, classes)` for one
            sign of each clip.
        contract: preparation of the raw points.
        heads: heads whose mean probability is computed.
        frames: T, of the bucket.

    Returns:
        From "keypoints" `(1, T, source points, source channels)` and "frames" `(1,)` int32 to
        "log_probabilities" `(1, T / stride, classes)`, or `(1, 1, classes)`.
    """
    import tensorflow as tf

    source = contract.source
    specs = [
        tf.TensorSpec((1, frames, len(source.points), len(source.channels)), name=KEYPOINTS),
        tf.TensorSpec((1,), tf.int32, FRAMES),
    ]

    @tf.function(input_signature=specs, autograph=False)
    def function(keypoints, frames):
        points, mask = prepare(keypoints, frames, contract)
        outputs = model({"keypoints": points, "mask": mask}, training=False)
        with tf.name_scope(SCORES):
            return {SCORES: _log_probabilities([outputs[head] for head in heads])}

    return function


def _log_probabilities(logits: list) -> Any:
    """Logarithm of the mean probability: `ensemble_log_probabilities` with fewer operations."""
    import tensorflow as tf

    logits = [x[:, None] if x.shape.rank == 2 else x for x in logits]
    if len(logits) == 1:
        return tf.nn.log_softmax(logits[0])
    mean = tf.add_n([tf.nn.softmax(x) for x in logits]) / len(logits)
    # The least normal float32: decoders do not accept infinities.
    return tf.math.log(tf.maximum(mean, 1.2e-38))
