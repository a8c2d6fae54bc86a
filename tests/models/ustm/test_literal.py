"""The published form is the authors' arithmetic, written down a second time in float64."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.training.objectives.self_distillation import SelfDistillationObjective
from slr_keras.weights.models import named_weights

FRAMES = (13, 6)
LABELS = ([1, 3], [2])


@pytest.fixture(scope="module")
def batch(small):
    clips = small.make_clips(FRAMES)
    labels = np.zeros((2, 2), np.int32)
    for row, label in zip(labels, LABELS):
        row[: len(label)] = label
    return {
        **clips,
        # As the pipeline counts them: up to whole steps, which are real frames to it.
        "frames": tf.constant([16, 8]),
        "labels": tf.constant(labels),
        "label_lengths": tf.constant([len(label) for label in LABELS]),
    }


def expected(literal, small, model, batch, **options):
    weights = {k: np.asarray(v, np.float64) for k, v in named_weights(model).items()}
    clips = [video[:n].astype(np.float64) for video, n in zip(batch["video"], FRAMES)]
    return literal.forward(clips, weights, small.BACKBONE, **options)


def close(found, reference):
    np.testing.assert_allclose(found, reference, rtol=1e-3, atol=1e-3 * np.abs(reference).max())


@pytest.mark.parametrize("skip", [2.0, 1.0])
def test_every_intermediate_result_is_that_of_the_transcription(literal, small, batch, skip):
    model = small.make_model(masked=False, skip=skip, chunk=5)
    reference = expected(literal, small, model, batch, skip=skip)
    features, _ = model.frame_encoder(batch["video"], batch["mask"])
    close(features, reference["features"])
    outputs = model(batch)
    for head in ("convolution", "sequence"):
        close(outputs[head], reference[head])
    close(outputs["lifting"], np.full(2, reference["lifting"]))


def test_the_loss_in_training_is_that_of_the_transcription(literal, small, batch):
    model = small.make_model(masked=False, chunk=0)
    reference = expected(literal, small, model, batch, training=True)
    losses, terms = SelfDistillationObjective()(model, batch, {})
    close(terms["lifting"], np.full(2, reference["lifting"]))
    close(np.mean(losses), literal.loss(reference, LABELS))


def test_the_masked_form_is_the_published_one_for_each_clip_alone(small, batch):
    masked, published = small.make_model(), small.make_model(masked=False)
    together = masked(batch)
    for row, frames in enumerate(FRAMES):
        alone = published(
            {"video": batch["video"][row : row + 1, :frames], "mask": np.ones((1, frames))}
        )
        steps = -(-frames // 4)
        for head in ("convolution", "sequence"):
            np.testing.assert_allclose(
                together[head][row, :steps], alone[head][0], rtol=1e-4, atol=1e-4
            )


def test_the_published_form_lets_a_longer_clip_change_a_shorter_one(small, batch):
    # The reason for the masked form; were this to fail, the switch would do nothing.
    model = small.make_model(masked=False)
    alone = model({"video": batch["video"][1:, :6], "mask": np.ones((1, 6))})
    together = model(batch)
    assert np.abs(alone["sequence"][0] - together["sequence"][1, :2]).max() > 1e-4
