"""A trained keypoint model as one function: raw points in, log-probabilities out."""

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

# Eight bits do not hold coordinates in pixels; the family of a model says what else they do not
# hold.
PREPARATION_SCOPE = rf"{SCOPE}/"
# Eight bits do not hold log-probabilities either. Nor do products of two activations work in them:
# both factors may hold -128, and processors without dot products of eight bits (such as cortex-a53)
# add two such products in sixteen bits, where the sum does not fit; weights hold no -128. These
# operations are also several times faster in float32, which needs no conversion to and fro.
FLOAT_OPERATIONS = ("LOG_SOFTMAX", "BATCH_MATMUL")


def require_exportable(run: "Run") -> None:
    """Refuse runs whose model no bundle can hold.

    Raises:
        UserError: the model sees video, or frames that are sampled; says why that is no bundle.
    """
    name = run.config.model.name
    if run.modality == "keypoints" and run.config.data.clip_frames:
        raise UserError(
            f"{run.path}: {name} sees {run.config.data.clip_frames} frames sampled from each clip "
            "(data.clip_frames), which a bundle does not do; train with data.clip_frames: 0"
        )
    obstacle = run.family.lite_obstacle
    if run.modality == "keypoints" and not obstacle:
        return
    raise UserError(
        f"{run.path}: {name} sees {run.modality} and does not become a TFLite bundle: "
        f"{obstacle or 'a bundle takes keypoints'}; serve it as a SavedModel"
    )


def chosen_heads(run: "Run", model: "keras.Model", head: str) -> tuple[str, ...]:
    """Heads whose mean probability a bundle gives: `fuse` alone, or those that the run decodes."""
    if head == FUSE:
        return (FUSE,)
    return run.decoding.heads or tuple(getattr(model, "reported_heads", ())) or tuple(model.output)


def network(
    model: "keras.Model", contract: "KeypointContract", heads: Sequence[str], frames: int
) -> Any:
    """A `tf.function` of raw points, with preparation, encoders and heads.

    Args:
        model: gives logits by head, `(batch, steps, classes)`, or `(batch, classes)` where it
            names the sign of a clip.
        contract: how raw points are prepared.
        heads: whose mean probability is given.
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
    """Of the mean probability; as `ensemble_log_probabilities`, of fewer operations."""
    import tensorflow as tf

    logits = [x[:, None] if x.shape.rank == 2 else x for x in logits]
    if len(logits) == 1:
        return tf.nn.log_softmax(logits[0])
    mean = tf.add_n([tf.nn.softmax(x) for x in logits]) / len(logits)
    # float32's least normal number: the decoders take no infinities.
    return tf.math.log(tf.maximum(mean, 1.2e-38))
