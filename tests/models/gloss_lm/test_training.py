"""Training the causal model, its perplexity, and its file."""

import math

import keras
import numpy as np
import pytest

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.gloss_lm import (
    CausalLanguageModel,
    WordVectorLanguageModel,
    load_language_model,
    save_language_model,
)
from slr_keras.models.gloss_lm.training import CausalTraining, perplexity, train_causal
from slr_keras.utils.arrays import read_record
from slr_keras.utils.errors import UserError

VOCABULARY = Vocabulary(("A", "B", "C"))


def tiny(vocabulary_size=5):
    return CausalLanguageModel(vocabulary_size, width=8, blocks=1, heads=2, dropout=0.0, capacity=8)


def test_perplexity_is_that_of_the_definition():
    model = tiny()
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    model.bias.assign(np.log([0.5, 0.1, 0.1, 0.2, 0.1]))
    # Three glosses, two ends: 0.2, 0.1, end; 0.2, end.
    expected = math.exp(-math.log(0.2 * 0.1 * 0.5 * 0.2 * 0.5) / 5)
    assert perplexity(model, [(3, 4), (3,)]) == pytest.approx(expected, rel=1e-5)


def test_training_learns_what_follows_and_keeps_the_best_epoch():
    generator = np.random.default_rng(0)
    # Each gloss is followed by the next one; a sentence of three ends.
    train = [[2 + (start + k) % 3 for k in range(3)] for start in generator.integers(0, 3, 64)]
    keras.utils.set_random_seed(0)
    model = tiny()
    settings = CausalTraining(epochs=12, batch=16, learning_rate=0.02, patience=12)
    curve = train_causal(model, train, train[:16], settings)
    assert len(curve) == 12
    # Only the first of three glosses is a choice: the fourth root of 3 is 1.32.
    assert min(curve) < 1.5 < 2 < curve[0]
    assert perplexity(model, train[:16]) == pytest.approx(min(curve), rel=1e-5)


def test_training_stops_when_dev_no_longer_improves():
    # What dev asks for contradicts train.
    settings = CausalTraining(epochs=30, batch=8, learning_rate=0.05, patience=2)
    curve = train_causal(tiny(), [(2, 3)] * 8, [(4, 4)], settings)
    assert len(curve) - 1 - int(np.argmin(curve)) == 2
    assert len(curve) < 30


@pytest.mark.parametrize("make", [tiny, lambda: WordVectorLanguageModel(5, width=3)])
def test_a_model_comes_back_from_its_file_frozen(make, tmp_path):
    model, path = make(), tmp_path / "lm.npz"
    save_language_model(path, model, VOCABULARY, notes={"why": 1})
    copy = load_language_model(path, VOCABULARY)
    labels, lengths = np.array([[2, 4]]), np.array([2])
    np.testing.assert_array_equal(copy(labels, lengths), model(labels, lengths))
    assert [weight.name for weight in copy.trainable_weights] in ([], ["empty"])
    assert len(load_language_model(path, frozen=False).trainable_weights) == len(model.weights)
    assert read_record(path)["notes"] == {"why": 1}


def test_another_vocabulary_is_refused(tmp_path):
    path = tmp_path / "lm.npz"
    save_language_model(path, tiny(), VOCABULARY)
    with pytest.raises(UserError, match=r"vocabularies differ.*lm\.npz.*'C'"):
        load_language_model(path, Vocabulary(("A", "B", "D")))
    with pytest.raises(ValueError, match="vocabulary of 4"):
        save_language_model(path, tiny(), Vocabulary(("A", "B")))


def test_files_that_are_none_are_refused(tmp_path):
    path = tmp_path / "lm.npz"
    with pytest.raises(UserError, match="no such"):
        load_language_model(path)
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(UserError, match=r"lm\.npz"):
        load_language_model(path)
    from slr_keras.utils.arrays import save_arrays

    save_arrays(path, {"weights": []}, {"format": "other"})
    with pytest.raises(UserError, match="not a gloss language model"):
        load_language_model(path)
    save_language_model(path, tiny(), VOCABULARY)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UserError, match="damaged"):
        load_language_model(path)
