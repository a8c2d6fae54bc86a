"""The beam over a conditional gloss decoder, against sums over all strings of emissions."""

import itertools

import numpy as np
import pytest

from slr_keras.decoding import log_softmax
from slr_keras.decoding.context import ContextCache
from slr_keras.decoding.transducer import align_transducer, transducer_beam
from slr_keras.utils.errors import UserError

CLASSES = 4


def contexts_of(prefixes, seed=5, scale=2.0):
    """Context logits drawn from the whole prefix: order and repeats matter."""
    rows = []
    for prefix in prefixes:
        rng = np.random.default_rng([seed, len(prefix), *prefix])
        rows.append(scale * rng.normal(size=CLASSES))
    return np.array(rows)


def no_context(prefixes):
    return np.zeros((len(prefixes), CLASSES))


def enumerate_sequences(logits, contexts=contexts_of):
    """P of every gloss sequence, by following all strings of emissions."""
    found = {}
    for string in itertools.product(range(CLASSES), repeat=len(logits)):
        prefix, total = (), 0.0
        for step, symbol in enumerate(string):
            total += log_softmax(logits[step] + contexts([prefix])[0])[symbol]
            prefix = prefix if symbol == 0 else (*prefix, symbol)
        found[prefix] = found.get(prefix, 0.0) + np.exp(total)
    return found


def draw(seed, steps=4):
    return 2.0 * np.random.default_rng(seed).normal(size=(steps, CLASSES))


@pytest.mark.parametrize("seed", range(5))
def test_an_unbounded_beam_finds_every_sequence_with_its_exact_probability(seed):
    logits = draw(seed)
    exact = enumerate_sequences(logits)
    found = transducer_beam(logits[None], [4], contexts_of, beam=10_000, candidates_per_step=0)[0]
    assert {h.ids for h in found} == set(exact)
    for hypothesis in found:
        assert np.exp(hypothesis.log_probability) == pytest.approx(exact[hypothesis.ids], abs=1e-12)
    assert sum(np.exp(h.log_probability) for h in found) == pytest.approx(1.0, abs=1e-9)
    best = max(exact, key=exact.get)
    assert found[0].ids == best


@pytest.mark.parametrize("seed", range(5))
def test_a_small_beam_reports_full_probabilities_of_what_it_keeps(seed):
    logits = draw(seed, steps=5)
    exact = enumerate_sequences(logits)
    for hypothesis in transducer_beam(logits[None], [5], contexts_of, beam=2)[0]:
        assert np.exp(hypothesis.log_probability) == pytest.approx(exact[hypothesis.ids], abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_of_one_follows_the_most_probable_emission_of_each_step(seed):
    logits, prefix = draw(seed, steps=6), ()
    for step in logits:
        symbol = int((step + contexts_of([prefix])[0]).argmax())
        prefix = prefix if symbol == 0 else (*prefix, symbol)
    assert transducer_beam(logits[None], [6], contexts_of, beam=1)[0][0].ids == prefix


def test_a_clip_decodes_alone_as_in_a_batch_whatever_its_padding():
    logits = np.stack([draw(1, 5), draw(2, 5), draw(3, 5)])
    together = transducer_beam(logits, [5, 3, 0], contexts_of, beam=3)
    spoilt = logits.copy()
    spoilt[1, 3:] = np.nan
    spoilt[2] = 1e9
    assert transducer_beam(spoilt, [5, 3, 0], contexts_of, beam=3) == together
    for row, length in enumerate([5, 3, 0]):
        alone = transducer_beam(logits[row : row + 1], [length], contexts_of, beam=3)
        assert alone[0] == together[row]
    assert together[2][0].ids == ()


def test_an_alignment_sums_all_paths_and_names_the_best_one():
    logits, ids = draw(7, steps=5), (2, 2)
    contexts = contexts_of([ids[:k] for k in range(3)])
    paths = {}
    for places in itertools.combinations(range(5), 2):
        total, count = 0.0, 0
        for step in range(5):
            symbol = ids[count] if step in places else 0
            total += log_softmax(logits[step] + contexts[count])[symbol]
            count += step in places
        paths[places] = total
    found = align_transducer(logits, contexts, ids)
    assert found.log_likelihood == pytest.approx(np.logaddexp.reduce(list(paths.values())))
    assert found.steps == max(paths, key=paths.get)


def test_confidence_is_the_probability_that_the_gloss_comes_next():
    logits = draw(9)
    exact = enumerate_sequences(logits)

    def begins_with(prefix):
        return sum(p for ids, p in exact.items() if ids[: len(prefix)] == prefix)

    hypothesis = next(
        h
        for h in transducer_beam(logits[None], [4], contexts_of, beam=200, candidates_per_step=0)[0]
        if len(h.ids) == 2
    )
    first, second = hypothesis.confidences
    assert first == pytest.approx(begins_with(hypothesis.ids[:1]))
    assert second == pytest.approx(begins_with(hypothesis.ids) / begins_with(hypothesis.ids[:1]))


def test_logits_beyond_the_range_of_exponentials_stay_exact():
    logits = np.zeros((2, CLASSES))
    logits[:, 1], logits[:, 2] = 2000.0, -2000.0
    contexts = np.zeros((2, CLASSES))
    contexts[:, 1] = -4000.0
    # A and C peak at different classes, so that the product of their exponentials is 0; of the
    # sums, blank and gloss 3 share the mass: two of the four strings say (3,).
    found = align_transducer(logits, contexts, (3,))
    assert found.log_likelihood == pytest.approx(np.log(0.5), abs=1e-9)


def test_penalty_bonus_and_merging_act_as_documented():
    logits = draw(11, steps=6)
    plain = transducer_beam(logits[None], [6], no_context, beam=5)[0][0]
    eager = transducer_beam(logits[None], [6], no_context, beam=5, blank_penalty=20.0)[0][0]
    assert len(eager.ids) == 6 > len(plain.ids)
    silent = transducer_beam(logits[None], [6], no_context, beam=5, insertion_bonus=-50.0)[0][0]
    assert silent.ids == ()
    same = np.zeros((3, CLASSES))
    same[:, 1] = 9.0
    merged = transducer_beam(same[None], [3], no_context, merge_equal_neighbours=True)[0]
    assert merged[0].ids == (1,)
    assert merged[0].spans == ((0, 3),)
    assert len({h.ids for h in merged}) == len(merged)


def test_without_scale_the_context_is_ignored():
    logits = draw(12)
    ignored = transducer_beam(logits[None], [4], contexts_of, context_scale=0.0)
    assert ignored == transducer_beam(logits[None], [4], no_context)


def test_the_cache_computes_a_prefix_once_and_forgets_the_least_used():
    asked = []

    def compute(prefixes):
        asked.extend(prefixes)
        return contexts_of(prefixes)

    cache = ContextCache(compute, limit=2)
    cache([(), (1,)])
    cache([(), ()])
    assert asked == [(), (1,)]
    cache([(2,)])
    np.testing.assert_array_equal(cache([()])[0], contexts_of([()])[0].astype(np.float32))
    assert asked == [(), (1,), (2,)]
    cache([(1,)])
    assert asked[-1] == (1,)


@pytest.mark.parametrize(
    ("logits", "lengths", "options", "says"),
    [
        (np.zeros((2, 3)), [3, 3], {}, "must be"),
        (np.zeros((1, 3, 4)), [3, 3], {}, "must be"),
        (np.zeros((1, 3, 4)), [4], {}, "length 4 of 3"),
        (np.full((1, 3, 4), np.nan), [3], {}, "clip 0"),
        (np.zeros((1, 3, 4)), [3], {"beam": 0}, "beam=0"),
        (np.zeros((1, 3, 4)), [3], {"candidates_per_step": -1}, "candidates_per_step=-1"),
    ],
)
def test_bad_input_is_refused_by_name(logits, lengths, options, says):
    with pytest.raises(UserError, match=says):
        transducer_beam(logits, lengths, no_context, **options)
