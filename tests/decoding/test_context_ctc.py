"""CTC with contexts of the glosses before, against sums over all strings of symbols."""

import itertools

import numpy as np
import pytest

from slr_keras.decoding import greedy, log_softmax, prefix_beam
from slr_keras.decoding.context_ctc import align_context_ctc, context_ctc_beam
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
    """P of every gloss sequence, by following all strings of symbols."""
    found = {}
    for string in itertools.product(range(CLASSES), repeat=len(logits)):
        prefix, before, total = (), 0, 0.0
        for step, symbol in enumerate(string):
            total += log_softmax(logits[step] + contexts([prefix])[0])[symbol]
            if symbol not in (0, before):
                prefix = (*prefix, symbol)
            before = symbol
        found[prefix] = found.get(prefix, 0.0) + np.exp(total)
    return found


def draw(seed, steps=5):
    return np.random.default_rng(seed).normal(size=(steps, CLASSES))


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_every_sequence_with_its_probability(seed):
    logits = draw(seed)
    exact = enumerate_sequences(logits)
    assert sum(exact.values()) == pytest.approx(1)
    (found,) = context_ctc_beam(logits[None], [5], contexts_of, beam=5000, candidates_per_step=0)
    assert {h.ids for h in found} == set(exact)
    for hypothesis in found:
        assert np.exp(hypothesis.log_probability) == pytest.approx(exact[hypothesis.ids])
    assert found[0].ids == max(exact, key=exact.get)


@pytest.mark.parametrize("seed", range(3))
def test_without_context_it_is_ctc(seed):
    logits = draw(seed, 9)
    (wide,) = context_ctc_beam(logits[None], [9], no_context, beam=8)
    for mine, theirs in zip(wide, prefix_beam(logits, 8), strict=True):
        assert mine.ids == theirs.ids
        assert mine.log_probability == pytest.approx(theirs.log_probability)
        assert mine.spans == theirs.spans
        np.testing.assert_allclose(mine.confidences, theirs.confidences)
    ((narrow,),) = context_ctc_beam(logits[None], [9], no_context, beam=1)
    assert narrow.ids == greedy(logits).ids


def test_a_beam_of_one_takes_each_steps_best_symbol_given_the_glosses_so_far():
    peak = 10 * np.eye(4)
    # The context of gloss 1 turns blanks into gloss 2, and that of (1, 2) hides gloss 1.
    after = {(): [0, 0, 0, 0], (1,): [-20, 0, 0, 0], (1, 2): [0, -20, 0, 0]}
    contexts = lambda prefixes: np.array([after[tuple(p)] for p in prefixes], float)  # noqa: E731
    steps = np.stack([peak[1], peak[1], peak[0] + 0.5 * peak[2], peak[1] + 0.1 * peak[0]])
    ((found,),) = context_ctc_beam(steps[None], [4], contexts, beam=1)
    assert found.ids == (1, 2)
    assert found.spans == ((0, 2), (2, 3))


def test_a_clip_gives_the_same_alone_as_in_a_batch():
    batch = np.full((2, 6, CLASSES), np.nan)
    batch[0], batch[1, :3] = draw(1, 6), draw(2, 3)
    together = context_ctc_beam(batch, [6, 3], contexts_of, beam=4)
    for row, length in enumerate((6, 3)):
        (alone,) = context_ctc_beam(batch[row : row + 1, :length], [length], contexts_of, beam=4)
        assert alone == together[row]


def test_options_act_and_equal_neighbours_merge():
    logits = draw(3, 6)
    lengths = [
        len(context_ctc_beam(logits[None], [6], contexts_of, insertion_bonus=bonus)[0][0].ids)
        for bonus in (-20.0, 0.0, 20.0)
    ]
    assert lengths[0] == 0 < lengths[2]
    (plain,) = context_ctc_beam(logits[None], [6], contexts_of, context_scale=0.0, beam=3)
    assert [h.ids for h in plain] == [h.ids for h in prefix_beam(logits, 3)]
    repeat = np.log([[[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]])
    flat = lambda prefixes: np.zeros((len(prefixes), 2))  # noqa: E731
    for merge, ids in ((False, (1, 1)), (True, (1,))):
        (found,) = context_ctc_beam(repeat, [3], flat, merge_equal_neighbours=merge)
        assert found[0].ids == ids


def test_what_cannot_be_is_minus_infinity_or_refused():
    assert align_context_ctc(draw(0, 2), contexts_of([(), (1,), (1, 1)]), (1, 1))[0] == -np.inf
    ((empty,),) = context_ctc_beam(np.zeros((1, 0, CLASSES)), [0], contexts_of, beam=2)
    assert (empty.ids, empty.log_probability) == ((), 0.0)
    with pytest.raises(UserError, match="NaN"):
        context_ctc_beam(np.full((1, 2, CLASSES), np.nan), [2], contexts_of)
