"""A trained keypoint model as one function: raw points in, log-probabilities out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from export.lite.preparation import SCOPE, prepare
from slr_keras.bundle.recogniser import FRAMES, KEYPOINTS, SCORES
from slr_keras.models.stark.block import SPATIAL_SOFTMAX
from slr_keras.models.stark.window import TEMPORAL_SOFTMAX
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

    from slr_keras.data.contract import KeypointContract
    from slr_keras.training.run import Run

FUSE, ENSEMBLE = HEADS = ("fuse", "ensemble")

# What eight bits do not hold: coordinates in pixels; the first layer, that reads fractions of them;
# logits beside the -1e9 that masks them; a softmax over all points, whose shares are below a step;
# means and deviations of layer normalisation; log-probabilities.
FLOAT_SCOPES = (
    rf"{SCOPE}/",
    r"/points_\w+/|/encoder_\w+/transpose|/stem(_\d+)?/",
    f"{TEMPORAL_SOFTMAX}/",
    f"{SPATIAL_SOFTMAX}/",
    r"head_\w+/(inner|output)_norm",
)
# And the products of two activations. Both may hold -128, and processors without dot products of
# eight bits (such as cortex-a53) add two such products in sixteen, where they do not fit; weights
# hold no -128. In float32 they are also several times faster, for nothing is changed to and fro.
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
    if run.modality == "keypoints":
        return
    reasons = {
        "c2st": "its decoder asks for the context of every gloss so far, which is no static graph",
        "ustm": "its encoder joins windows over time in tensors of more than four axes, and its "
        "recurrent layers are no built-in graph",
        "stepnet": "its pictures are found, cropped and resized outside the graph, and only "
        "keypoints have a contract that a phone can follow",
    }
    family = name.partition("_")[0]
    raise UserError(
        f"{run.path}: {name} sees video and does not become a TFLite bundle: "
        f"{reasons.get(family, 'a bundle takes keypoints')}; serve it as a SavedModel"
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
        "log_probabilities" `(1, T / 4, classes)`, or `(1, 1, classes)`.
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
