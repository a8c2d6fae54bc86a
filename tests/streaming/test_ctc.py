"""Decoded step by step, a sentence is what the decoder of whole clips makes of it."""

import numpy as np
import pytest

from slr_keras.decoding import DecodingConfig, NgramLanguageModel, decode_batch
from slr_keras.streaming.ctc import StablePrefix, step_decoder
from slr_keras.utils.errors import UserError


def scores(seed, steps=24, classes=7):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, (steps, classes))
    logits[:, 0] += 2
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


CONFIGS = {
    "greedy": {"method": "greedy"},
    "greedy merged": {"method": "greedy", "collapse_repeats": True},
    "beam": {"beam": 6},
    "beam merged": {"beam": 4, "collapse_repeats": True, "insertion_bonus": 0.3},
    "few candidates": {"beam": 4, "candidates_per_step": 2},
    "language model": {"beam": 4, "language_model_order": 2, "language_model_weight": 0.5},
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(8))
def test_the_finished_sentence_equals_that_of_the_whole_clip(name, seed):
    config = DecodingConfig(**CONFIGS[name])
    model = None
    if config.language_model_order:
        model = NgramLanguageModel.train([(1, 2, 3), (2, 3, 4), (5, 6)], 2, vocabulary_size=7)
    steps = scores(seed)
    decoder = step_decoder(config, model)
    for step in steps:
        decoder.advance(step)
    expected = decode_batch(steps[None], [len(steps)], config, model)[0]
    found = decoder.finish()
    assert (found.ids, found.spans) == (expected.ids, expected.spans)
    np.testing.assert_allclose(found.confidences, expected.confidences)
    if config.method == "greedy":
        assert decoder.best == expected.ids


@pytest.mark.parametrize("name", CONFIGS)
def test_the_best_so_far_has_spans_and_confidences_at_every_step(name):
    model = None
    if CONFIGS[name].get("language_model_order"):
        model = NgramLanguageModel.train([(1, 2, 3), (2, 3, 4), (5, 6)], 2, vocabulary_size=7)
    decoder = step_decoder(DecodingConfig(**CONFIGS[name]), model)
    assert decoder.so_far().ids == ()
    steps = scores(3)
    for count, step in enumerate(steps, 1):
        decoder.advance(step)
        found = decoder.so_far()
        assert found.ids == decoder.best
        assert len(found.confidences) == len(found.spans) == len(found.ids)
        for label, (start, end), confidence in zip(found.ids, found.spans, found.confidences):
            assert end <= count
            assert confidence == pytest.approx(np.exp(steps[start:end, label].max()))


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_a_sentence_of_no_steps_has_no_glosses(method):
    assert step_decoder(DecodingConfig(method=method)).finish().ids == ()


def test_single_signs_are_refused():
    with pytest.raises(UserError, match="single"):
        step_decoder(DecodingConfig(method="single"))


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("seed", range(10))
def test_what_was_said_and_not_taken_back_is_the_sentence(seed, steps):
    decoder, stable, said = step_decoder(DecodingConfig(beam=5)), StablePrefix(steps), []
    revisions = 0
    for step in scores(seed):
        decoder.advance(step)
        taken, more = stable.advance(decoder.best)
        revisions += taken
        said = [*said[: len(said) - taken], *more]
        assert tuple(said) == stable.said
        assert decoder.best[: len(said)] == tuple(said)
    taken, more = stable.finish(decoder.finish().ids)
    said = [*said[: len(said) - taken], *more]
    assert tuple(said) == decoder.finish().ids
    assert stable.revisions == revisions + taken


def test_greedy_glosses_are_never_taken_back():
    decoder, stable = step_decoder(DecodingConfig(method="greedy")), StablePrefix(2)
    for step in scores(1, steps=60):
        decoder.advance(step)
        stable.advance(decoder.best)
    stable.finish(decoder.finish().ids)
    assert stable.revisions == 0


def test_a_gloss_is_said_when_it_has_been_there_for_so_many_steps():
    stable = StablePrefix(2)
    found = [stable.advance(best) for best in [(), (3,), (3,), (3, 5), (3,), (3,), (3,)]]
    assert [more for _, more in found] == [(), (), (), (3,), (), (), ()]
    assert stable.finish((4,)) == (1, (4,))
