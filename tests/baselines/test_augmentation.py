"""Augmented copies of training clips."""

from dataclasses import replace

import numpy as np
import pytest

from slr_keras.baselines import BagBaseline, DtwBaseline, SvmBaseline, base
from slr_keras.baselines.augmentation import augmented_clip
from slr_keras.data.augmentation import AugmentationConfig, transform
from slr_keras.data.contract import contract
from slr_keras.data.manifest import read_folder

RULES = contract("kinect_20")
STRONG = AugmentationConfig(rotation_probability=1.0, scale=(0.7, 1.3), mirror=1.0)


def clip(seed=0):
    return RULES.prepare(np.random.default_rng(seed).normal(size=(9, 20, 4)).astype(np.float32))


def test_a_copy_is_that_of_the_models_augmentation_without_its_mirror():
    made = augmented_clip(np.random.default_rng(3), clip(), RULES, STRONG)
    plain = replace(STRONG, mirror=0.0)
    expected = transform(np.random.default_rng(3), clip(), plain, RULES.mirror)
    np.testing.assert_array_equal(made, expected)
    assert not np.allclose(made, clip())
    mirrored = transform(np.random.default_rng(3), clip(), STRONG, RULES.mirror)
    assert not np.allclose(made, mirrored)


def test_templates_are_all_clips_and_then_their_copies_under_the_same_labels(sentences):
    splits = read_folder(sentences)
    plain = DtwBaseline().fit(splits["train"], splits["dev"])
    more = DtwBaseline(copies=2, augmentation=STRONG).fit(splits["train"], splits["dev"])
    count, states = len(plain.bank), len(plain.bank.states)
    assert more.bank.labels == 3 * plain.bank.labels
    np.testing.assert_array_equal(more.bank.lengths, np.tile(plain.bank.lengths, 3))
    np.testing.assert_array_equal(more.bank.states[:states], plain.bank.states)
    for copy in (1, 2):
        states_of_copy = more.bank.states[copy * states : (copy + 1) * states]
        assert not np.allclose(states_of_copy, plain.bank.states)
    assert not np.allclose(more.bank.states[states : 2 * states], more.bank.states[2 * states :])
    assert count > 0


def test_the_first_copies_do_not_depend_on_how_many_there_are(sentences):
    splits = read_folder(sentences)
    few, many = (
        DtwBaseline(copies=copies, augmentation=STRONG).fit(splits["train"], splits["dev"])
        for copies in (1, 3)
    )
    np.testing.assert_array_equal(many.bank.states[: len(few.bank.states)], few.bank.states)
    other = DtwBaseline(copies=1, augmentation=STRONG, seed=1, per_gloss=0)
    same = DtwBaseline(copies=1, augmentation=STRONG, seed=0, per_gloss=0)
    states = [b.fit(splits["train"], splits["dev"]).bank.states for b in (other, same)]
    assert not np.allclose(states[0][len(states[0]) // 2 :], states[1][len(states[1]) // 2 :])


@pytest.mark.parametrize("method", [SvmBaseline, BagBaseline, DtwBaseline])
def test_every_baseline_learns_copies_of_clips_of_one_sign(method, signs, monkeypatch):
    if method is SvmBaseline:
        pytest.importorskip("sklearn")
    drawn = []

    def watched(rng, prepared, rules, config):
        drawn.append((len(prepared), config))
        return augmented_clip(rng, prepared, rules, config)

    monkeypatch.setattr(base, "augmented_clip", watched)
    splits = read_folder(signs)
    baseline = method(copies=2, augmentation=STRONG).fit(splits["train"], splits["dev"])
    assert len(drawn) == 2 * len(splits["train"])
    assert {config for _, config in drawn} == {STRONG}
    if method is SvmBaseline:
        assert len(baseline.machines[False].labels) == 3 * len(splits["train"])
    test = splits["test"]
    right = [
        baseline.recognise(RULES.prepare(test.load(row))) == sample.glosses
        for row, sample in enumerate(test)
    ]
    assert np.mean(right) > 0.7


def test_a_copy_of_another_length_is_cut_in_proportion(sentences, monkeypatch):
    monkeypatch.setattr(
        base, "augmented_clip", lambda rng, prepared, *rest: np.repeat(prepared, 3, axis=0)
    )
    splits = read_folder(sentences)
    made = DtwBaseline(copies=1, stride=1).fit(splits["train"], splits["dev"]).bank
    half = len(made) // 2
    np.testing.assert_array_equal(made.lengths[half:], 3 * made.lengths[:half])
    states = len(made.states) // 4
    np.testing.assert_allclose(
        made.states[states:], np.repeat(made.states[:states], 3, axis=0), atol=1e-5
    )
