"""The n-gram gloss language model."""

import json
from itertools import product

import numpy as np
import pytest

from slr_keras.decoding import NgramLanguageModel
from slr_keras.utils.errors import UserError


def random_model(seed, order, classes=6):
    rng = np.random.default_rng(seed)
    sentences = [tuple(rng.integers(1, classes, size=rng.integers(0, 7))) for _ in range(12)]
    return NgramLanguageModel.train(sentences, order, classes)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_sum_to_one_and_are_positive_after_any_context(order):
    for seed in range(10):
        model = random_model(seed, order)
        for length in range(4):
            for context in product(range(1, 6), repeat=length):
                probabilities = np.exp(model.log_probabilities(context))
                assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
                assert (probabilities > 0).all()


def test_all_sentences_together_have_probability_one():
    model = NgramLanguageModel.train([(1,), (1, 2), (2,)], 2, 3)
    total = sum(
        np.exp(model.sentence_log_probability(ids))
        for length in range(13)
        for ids in product((1, 2), repeat=length)
    )
    assert total == pytest.approx(1.0, abs=1e-2)


def test_bigram_probability_equals_the_formula_by_hand():
    # Bigrams: begin-1 x3, 1-2 x2, 1-end, 2-end x2: n1 = 1, n2 = 2, discount 1 / (1 + 4) = 0.2.
    # Unigrams count predecessors: 1 <- {begin}, 2 <- {1}, end <- {1, 2}: n1 = 2, n2 = 1, 0.5.
    model = NgramLanguageModel.train([(1, 2), (1, 2), (1,)], 2, 3)
    assert model.discounts == (0.5, 0.2)
    unigram_2 = (1 - 0.5) / 4 + (0.5 * 3 / 4) / 3
    expected = (2 - 0.2) / 3 + (0.2 * 2 / 3) * unigram_2
    assert np.exp(model.log_probabilities((1,))[2]) == pytest.approx(expected)


def test_shorter_contexts_count_predecessors_not_occurrences():
    # 4 follows 3 often but nothing else; 5 follows three different glosses, once each.
    sentences = [(3, 4)] * 9 + [(1, 5), (2, 5), (3, 5)]
    model = NgramLanguageModel.train(sentences, 2, 8)
    after_unseen = model.log_probabilities((7,))
    assert after_unseen[5] > after_unseen[4]


def test_beginnings_of_sentences_are_learnt_whatever_the_order():
    for order in (2, 3, 4):
        model = NgramLanguageModel.train([(1, 2)] * 9 + [(2, 1)], order, 3)
        assert np.exp(model.log_probabilities(())[1]) > 0.7


def test_only_the_last_order_minus_one_glosses_matter():
    model = random_model(1, 3)
    np.testing.assert_array_equal(
        model.log_probabilities((5, 1, 2)), model.log_probabilities((3, 3, 1, 2))
    )


def test_perplexity_falls_with_training_and_is_the_vocabulary_at_worst_when_uniform():
    sentences = [(1, 2, 3)] * 30
    model = NgramLanguageModel.train(sentences, 2, 10)
    assert 1.0 < model.perplexity(sentences) < 1.5
    assert model.perplexity([(3, 2, 1)]) > 5
    by_hand = np.exp(-model.sentence_log_probability((1, 2)) / 3)
    assert model.perplexity([(1, 2)]) == pytest.approx(by_hand)


def test_saved_model_loads_to_the_same_probabilities(tmp_path):
    model = random_model(2, 3)
    model.save(tmp_path / "lm.json")
    loaded = NgramLanguageModel.load(tmp_path / "lm.json")
    for context in [(), (1,), (2, 3), (5, 5, 5)]:
        np.testing.assert_array_equal(
            loaded.log_probabilities(context), model.log_probabilities(context)
        )
    assert loaded.vocabulary_size == model.vocabulary_size


def test_model_of_another_vocabulary_is_refused_naming_both(tmp_path):
    NgramLanguageModel.train([(1,)], 2, 3, vocabulary_digest="aaa").save(tmp_path / "lm.json")
    assert NgramLanguageModel.load(tmp_path / "lm.json", "aaa").order == 2
    with pytest.raises(UserError, match=r"aaa.*bbb"):
        NgramLanguageModel.load(tmp_path / "lm.json", "bbb")


def damaged(change):
    value = {
        "format": "slr_keras gloss language model 1",
        "order": 1,
        "vocabulary_size": 3,
        "vocabulary_digest": "",
        "discounts": [0.5],
        "counts": [[[], [1], [2]]],
    }
    value.update(change)
    return value


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"order": "x"},
        {"discounts": []},
        {"discounts": [2.0]},
        {"counts": [[[], [1, 2], [2]]]},
        {"counts": [[[], [7], [2]]]},
        {"counts": [[[], [1], [-2]]]},
        {"counts": [[[], [], []]]},
        {"counts": 3},
    ],
)
def test_damaged_file_is_refused_naming_it(tmp_path, change):
    path = tmp_path / "lm.json"
    path.write_text(json.dumps(damaged({})))
    NgramLanguageModel.load(path)
    path.write_text(json.dumps(damaged(change)))
    with pytest.raises(UserError, match=r"lm\.json"):
        NgramLanguageModel.load(path)


def test_bad_training_input_is_refused():
    with pytest.raises(UserError, match="no training sentences"):
        NgramLanguageModel.train([], 2, 3)
    with pytest.raises(UserError, match=r"sentence 1 holds id 3.*1\.\.2"):
        NgramLanguageModel.train([(1,), (3,)], 2, 3)
    with pytest.raises(UserError, match="order 0"):
        NgramLanguageModel.train([(1,)], 0, 3)
