"""Glosses of the graph are those of greedy decoding outside it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from export.graph.decoding import GreedyContext, best_signs, greedy_ctc
from slr_keras.decoding import DecodingConfig, context_ctc_beam, decode_batch, transducer_beam
from slr_keras.models import create_model

STEPS = [0, 1, 7, 40]


@pytest.fixture(scope="module")
def scores():
    """Of clips with repeats and blanks between them; padding that would be read as glosses."""
    rng = np.random.default_rng(0)
    path = rng.choice(4, (len(STEPS), max(STEPS)), p=[0.4, 0.3, 0.2, 0.1]).repeat(2, 1)
    path = path[:, : max(STEPS)]
    return (np.eye(6)[path] * 3 + rng.normal(0, 0.1, (*path.shape, 6))).astype(np.float32)


def listed(found):
    rows = zip(found["ids"].numpy(), found["lengths"].numpy())
    return [tuple(ids[:count].tolist()) for ids, count in rows]


@pytest.mark.parametrize("merged", [False, True])
def test_ctc_is_decoded_as_outside_the_graph(scores, merged):
    config = DecodingConfig(method="greedy", collapse_repeats=merged)
    expected = [it.ids for it in decode_batch(scores, STEPS, config)]
    found = tf.function(greedy_ctc, autograph=False)(scores, tf.constant(STEPS), merged)
    assert listed(found) == expected
    assert any(a == b for ids in expected for a, b in itertools.pairwise(ids)) is not merged
    best = tf.nn.log_softmax(scores).numpy().max(-1)
    paths = [best[row, :count].sum() for row, count in enumerate(STEPS)]
    np.testing.assert_allclose(found["scores"], paths, rtol=1e-5)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("collapses", [False, True])
def test_glosses_given_those_before_are_decoded_as_by_a_beam_of_one(scores, collapses, merged):
    rng = np.random.default_rng(1)
    model = create_model(
        "c2st_tiny",
        vocabulary_size=6,
        image_size=(32, 32),
        width=8,
        language_model_options={"width": 8},
    )
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0, 1.5, variable.shape))
    config = DecodingConfig(
        method="greedy", collapse_repeats=merged, blank_penalty=0.5, context_scale=0.7
    )
    found = GreedyContext(model, "video", config, collapses)
    outside = (context_ctc_beam if collapses else transducer_beam)(
        scores,
        STEPS,
        lambda prefixes: model.context_logits("video", prefixes),
        beam=1,
        candidates_per_step=0,
        blank_penalty=0.5,
        context_scale=0.7,
        merge_equal_neighbours=merged,
    )
    given = listed(tf.function(found, autograph=False)(tf.constant(scores), tf.constant(STEPS)))
    assert given == [hypotheses[0].ids for hypotheses in outside]
    # The context decides, or this would show nothing.
    without = GreedyContext(
        model, "video", DecodingConfig(method="greedy", context_scale=0.0), collapses
    )
    assert listed(without(tf.constant(scores), tf.constant(STEPS))) != given


def test_signs_are_ranked_and_few_classes_give_few():
    found = best_signs(tf.math.log([[0.2, 0.5, 0.3]]))
    assert found["ids"].numpy().tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(np.exp(found["scores"]), [[0.5, 0.3, 0.2]], rtol=1e-6)
