"""Sequence-level calibration against its definitions, by sums over sets."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.losses.cst import (
    calibration_loss,
    cgd_loss_additive,
    cst_loss,
    distinct_hypotheses,
    edit_distance,
    hypothesis_set,
    log_reward,
)
from slr_keras.utils.errors import UserError


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def sets(seed=0, batch=6, hypotheses=5):
    """Random hypotheses of few glosses, so that some repeat and some are the reference."""
    rng = np.random.default_rng(seed)
    labels, lengths = rng.integers(1, 3, (batch, 4)), rng.integers(0, 5, batch)
    others = rng.integers(1, 3, (batch, hypotheses, 5))
    other_lengths = rng.integers(0, 4, (batch, hypotheses))
    others[:, 1, :4], other_lengths[:, 1] = labels, lengths
    others[:, 4], other_lengths[:, 4] = others[:, 0], other_lengths[:, 0]
    losses = rng.uniform(0.5, 6, batch), rng.uniform(0.5, 6, (batch, hypotheses))
    return (*losses, others, other_lengths, labels, lengths)


def members(reference, losses, others, other_lengths, labels, length):
    """(probability, errors) of the reference and each distinct hypothesis with a path."""
    found = {tuple(labels[:length]): reference}
    for loss, other, count in zip(losses, others, other_lengths):
        found.setdefault(tuple(other[:count]), loss)
    pairs = [(np.exp(-x), distance(y, labels[:length])) for y, x in found.items()]
    return tuple(np.array(x) for x in zip(*[pair for pair in pairs if pair[0] > 0]))


def definition(p, errors, form, reward=lambda e: 1 / (1 + e)):
    if form == "mwer":
        return (p / p.sum() * (errors - errors.mean())).sum()
    literal = -np.log((p * reward(errors)).sum())
    return literal if form == "literal" else literal + np.log(p.sum())


def test_distances_equal_the_textbook_programme():
    rng = np.random.default_rng(0)
    labels, lengths = rng.integers(1, 4, (20, 6)), rng.integers(0, 7, 20)
    others, other_lengths = rng.integers(1, 4, (20, 4, 5)), rng.integers(0, 6, (20, 4))
    found = edit_distance(others, other_lengths, labels, lengths).numpy()
    for b, h in itertools.product(range(20), range(4)):
        expected = distance(others[b, h, : other_lengths[b, h]], labels[b, : lengths[b]])
        assert found[b, h] == expected


def test_repeats_and_the_reference_are_no_members():
    _, _, others, other_lengths, labels, lengths = sets()
    found = distinct_hypotheses(others, other_lengths, labels, lengths).numpy()
    for b in range(len(labels)):
        seen = {tuple(labels[b, : lengths[b]])}
        for h in range(others.shape[1]):
            sequence = tuple(others[b, h, : other_lengths[b, h]])
            assert found[b, h] == (sequence not in seen)
            seen.add(sequence)
    assert not found[:, [1, 4]].any()


@pytest.mark.parametrize("form", ["literal", "renormalised", "mwer"])
def test_terms_equal_their_definitions(form):
    case = sets()
    case[1][2, 0] = case[1][2, 4] = np.inf
    found = calibration_loss(hypothesis_set(*case), form).numpy()
    soft = calibration_loss(hypothesis_set(*case), form, reward="exp", temperature=0.7).numpy()
    for b in range(len(found)):
        p, errors = members(*(x[b] for x in case))
        np.testing.assert_allclose(found[b], definition(p, errors, form), rtol=1e-9, atol=1e-12)
        expected = definition(p, errors, form, lambda e: np.exp(-e / 0.7))
        np.testing.assert_allclose(soft[b], expected, rtol=1e-9, atol=1e-12)
    total = cst_loss(*case, weight=0.3, form=form).numpy()
    np.testing.assert_allclose(total, case[0] + 0.3 * found, rtol=1e-12)


@pytest.mark.parametrize(("form", "total"), [("literal", 1), ("renormalised", 0), ("mwer", 0)])
def test_gradients_to_losses_sum_to_one_or_cancel(form, total):
    case = sets(1)
    losses = [tf.constant(x) for x in case[:2]]
    with tf.GradientTape() as tape:
        tape.watch(losses)
        term = calibration_loss(hypothesis_set(*losses, *case[2:]), form)
    first, others = tape.gradient(term, losses)
    np.testing.assert_allclose(first + tf.reduce_sum(others, 1), total, atol=1e-12)
    assert not others.numpy()[:, [1, 4]].any()


def test_over_all_sequences_the_forms_are_the_expected_reward():
    rng = np.random.default_rng(2)
    visual, contexts = rng.normal(size=(1, 3, 3)), {}
    sequences = [y for n in range(4) for y in itertools.product((1, 2), repeat=n)]
    ids, context = np.zeros((1, 15, 3), int), np.zeros((1, 15, 4, 3))
    for h, y in enumerate(sequences):
        ids[0, h, : len(y)] = y
        for t in range(len(y) + 1):
            context[0, h, t] = contexts.setdefault(y[:t], rng.normal(size=3))
    lengths = np.array([[len(y) for y in sequences]])
    losses = cgd_loss_additive(visual, context, ids, [3], lengths)
    at = sequences.index((1, 2))
    found = hypothesis_set(losses[:, at], losses, ids, lengths, ids[:, at], lengths[:, at])
    # Every string of three symbols, grouped by what it collapses to.
    expected = 0.0
    for string in itertools.product(range(3), repeat=3):
        prefix, probability = (), 1.0
        for s, symbol in enumerate(string):
            scores = np.exp(visual[0, s] + contexts[prefix])
            probability *= scores[symbol] / scores.sum()
            prefix += (symbol,) * (symbol > 0)
        expected += probability / (1 + distance(prefix, (1, 2)))
    for form in ("literal", "renormalised"):
        np.testing.assert_allclose(calibration_loss(found, form), -np.log(expected), rtol=1e-9)


@pytest.mark.parametrize("form", ["literal", "renormalised", "mwer"])
def test_samples_and_hypotheses_without_a_path_move_nothing(form):
    case = sets(3)
    references, losses = case[0].copy(), case[1].copy()
    references[0], losses[1, 2], losses[2] = np.inf, np.inf, np.inf
    inputs = [tf.constant(references), tf.constant(losses)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = cst_loss(*inputs, *case[2:], form=form, zero_infinity=True)
    slopes = [x.numpy() for x in tape.gradient(loss, inputs)]
    assert np.isfinite(loss).all()
    assert loss[0] == 0
    assert not slopes[0][0]
    assert not slopes[1][0].any()
    assert slopes[1][1, 2] == 0
    assert np.isfinite(slopes[1]).all()
    alone = 0.0 if form != "literal" else references[2]
    np.testing.assert_allclose(loss[2], references[2] + alone, rtol=1e-12)
    assert cst_loss(*inputs, *case[2:], form=form)[0] == np.inf


def test_calibration_compiles():
    case = [x.astype("float32" if x.dtype.kind == "f" else "int32") for x in sets(4)]
    compiled = tf.function(cst_loss, jit_compile=True)
    np.testing.assert_allclose(compiled(*case), cst_loss(*case), rtol=1e-5)


def test_unknown_options_are_named():
    found = hypothesis_set(*sets())
    with pytest.raises(UserError, match="form is 'mbr'; give one of renormalised, literal, mwer"):
        calibration_loss(found, "mbr")
    with pytest.raises(UserError, match="reward is 'power'; give one of inv, exp"):
        log_reward([1.0], "power")
    with pytest.raises(UserError, match="temperature is 0"):
        log_reward([1.0], "exp", 0)
    with pytest.raises(UserError, match=r"hypothesis_losses has shape \(5,\)"):
        hypothesis_set(sets()[0], sets()[1][0], *sets()[2:])
