"""Lexicons and grammar: minimal pairs, bigram structure, seeds."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from slr_keras.data.simulator import lexicon
from slr_keras.data.simulator.grammar import FOLLOWERS, POOLS, Grammar, pool_of
from slr_keras.data.simulator.handshapes import HANDSHAPES
from slr_keras.data.simulator.large_signs import large_signs
from slr_keras.data.simulator.signs import ORIENTATIONS, PLACES, Movement, path_offset

# What may distinguish the two signs of a minimal pair.
CONTRASTS = ("handshape", "location", "orientation", "movement", "mouthing")


def minimal_pairs(signs) -> dict[str, list[tuple[str, str]]]:
    """Pairs of glosses that differ in one property, by that property.

    The mouthing may differ too, but counts as the contrast only where the hands do the same.
    """
    manual = (*CONTRASTS[:-1], "hands", "contact", "end_handshape", "end_orientation",
              "base_handshape", "base_orientation", "brows", "head")  # fmt: skip
    pairs: dict[str, list[tuple[str, str]]] = {name: [] for name in CONTRASTS}
    for a, b in itertools.combinations(signs, 2):
        differing = [name for name in manual if getattr(a, name) != getattr(b, name)]
        if not differing and a.mouthing != b.mouthing:
            differing = ["mouthing"]
        if len(differing) == 1 and differing[0] in pairs:
            pairs[differing[0]].append((a.gloss, b.gloss))
    return pairs


def test_the_demo_has_20_glosses_and_the_large_lexicon_at_least_120():
    assert len(lexicon("demo")) == 20
    assert len(lexicon("large")) >= 120


@pytest.mark.parametrize("name", ["demo", "large"])
def test_signs_have_distinct_names_and_forms_and_known_parts(name):
    signs = lexicon(name).signs
    assert len({sign.gloss for sign in signs}) == len(signs)
    assert len({sign.form() for sign in signs}) == len(signs)
    for sign in signs:
        assert sign.gloss == sign.gloss.upper()
        assert sign.word_class in FOLLOWERS
        assert {sign.handshape, sign.base_handshape} <= set(HANDSHAPES)
        assert sign.end_handshape in {"", *HANDSHAPES}
        assert sign.location in PLACES
        assert {sign.orientation, sign.base_orientation} <= set(ORIENTATIONS)
        assert 8 <= sign.frames <= 20


def test_minimal_pairs_exist_in_every_way_that_defeats_a_shortcut():
    demo = minimal_pairs(lexicon("demo"))
    assert ("GROW", "SHRINK") in demo["movement"]
    assert ("GOOD", "BAD") in demo["handshape"]
    large = minimal_pairs(lexicon("large"))
    for contrast, least in (("movement", 10), ("handshape", 8), ("location", 5), ("mouthing", 3)):
        assert len(large[contrast]) >= least, contrast
    # Twins that run through the same poses in opposite order: no bag of frames tells them apart.
    words = lexicon("large")
    twins = [
        (a, b)
        for a, b in large["movement"]
        if replace(words.sign(a).movement, reverse=True) == words.sign(b).movement
        or replace(words.sign(b).movement, reverse=True) == words.sign(a).movement
    ]
    assert len(twins) >= 20


def test_reversed_paths_visit_the_same_places_in_the_opposite_order():
    time = np.linspace(0, 1, 12)
    for path in ("straight", "arc", "zigzag"):
        there = path_offset(Movement(path, (0.0, 1.0, 0.0), 0.2), time)
        back = path_offset(Movement(path, (0.0, 1.0, 0.0), 0.2, reverse=True), time)
        np.testing.assert_allclose(back, there[::-1], atol=1e-12)
        assert np.linalg.norm(there[-1] - there[0]) == pytest.approx(0.2, abs=0.05)


def test_circles_close_and_taps_touch():
    time = np.linspace(0, 1, 101)
    circle = path_offset(Movement("circle", (0.0, 0.0, 1.0), 0.2, 2), time)
    np.testing.assert_allclose(circle[-1], circle[0], atol=1e-6)
    assert np.ptp(circle[:, 0]) == pytest.approx(0.2, abs=0.01)
    taps = path_offset(Movement("tap", (0.0, 0.0, 1.0), 0.2, 2), time)[:, 2]
    touching = taps < 0.002
    assert np.sum(np.diff(touching.astype(int)) == 1) == 2


def test_the_large_lexicon_follows_its_seed():
    assert large_signs(0) == large_signs(0)
    assert large_signs(0) != large_signs(1)


def counts(grammar, sentences=400):
    rng = np.random.default_rng(0)
    row = {gloss: index for index, gloss in enumerate(grammar.glosses)}
    table = np.zeros((len(row), len(row)))
    for _ in range(sentences):
        sentence = grammar.sentence(rng, "train")
        for a, b in itertools.pairwise(sentence):
            table[row[a], row[b]] += 1
    return table


def test_bigrams_are_predictable_and_seeded():
    signs = lexicon("demo").signs
    table = counts(Grammar(signs, seed=0))
    follow = (table + 1e-9) / (table + 1e-9).sum(axis=1, keepdims=True)
    single = table.sum(axis=0) / table.sum()
    conditional = -np.sum(table / table.sum() * np.log2(follow))
    unconditional = -np.sum(single * np.log2(single + 1e-12))
    assert conditional < unconditional - 0.8  # bits a bigram model gains
    np.testing.assert_array_equal(
        Grammar(signs, seed=0).transition, Grammar(signs, seed=0).transition
    )
    assert not np.allclose(Grammar(signs, seed=0).transition, Grammar(signs, seed=1).transition)


def test_glosses_of_one_class_have_preferred_successors_of_their_own():
    signs = lexicon("demo").signs
    grammar = Grammar(signs, seed=0)
    classes = np.array([sign.word_class for sign in signs])
    persons, actions = np.flatnonzero(classes == "person"), np.flatnonzero(classes == "action")
    rows = grammar.transition[np.ix_(persons, actions)]
    rows = rows / rows.sum(axis=1, keepdims=True)
    assert np.ptp(rows, axis=0).max() > 0.2


def test_sentences_keep_topic_comment_order_length_and_never_repeat_a_gloss_at_once():
    for name in ("demo", "large"):
        words = lexicon(name)
        classes = {sign.gloss: sign.word_class for sign in words}
        grammar = Grammar(words.signs, 0, words.lengths)
        rng = np.random.default_rng(1)
        for _ in range(100):
            sentence = grammar.sentence(rng, "train")
            assert words.lengths[0] <= len(sentence) <= words.lengths[1]
            assert classes[sentence[0]] in FOLLOWERS["^"]
            for a, b in itertools.pairwise(sentence):
                assert classes[b] in FOLLOWERS[classes[a]]
                assert a != b


def test_some_glosses_are_several_times_as_frequent_as_others():
    table = counts(Grammar(lexicon("large").signs, 0, (2, 7)))
    frequency = np.sort(table.sum(axis=0))[::-1]
    assert frequency[:12].sum() > 3 * frequency[-60:-48].sum()


def test_every_sentence_belongs_to_exactly_one_split():
    assert sorted(bucket for buckets in POOLS.values() for bucket in buckets) == list(range(20))
    shares = [pool_of((f"A{i}", "B")) for i in range(1000)]
    assert 0.65 < shares.count("train") / 1000 < 0.75
