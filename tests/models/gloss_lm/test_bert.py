"""BERT contexts, from a small checkpoint that the test writes in keras-hub's own format."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.gloss_lm import BertContext, load_bert, preset_digest, preset_sizes
from slr_keras.utils.errors import UserError

VOCABULARY = Vocabulary(("REGEN", "loc-NORD", "__EMOTION__", "WIND-KALT"))
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Reg", "##en", "Nord", "Wind", "Kalt"]
LABELS, LENGTHS = np.array([[2, 3, 5], [1, 4, 0]]), np.array([3, 2])


@pytest.fixture(scope="module")
def preset(tmp_path_factory, tiny_bert):
    return tiny_bert(tmp_path_factory.mktemp("bert"), PIECES)


def make(preset, **options):
    model = BertContext(len(VOCABULARY), **{**preset_sizes(preset), **options})
    load_bert(model, preset, VOCABULARY.tokens)
    return model


def reference(preset, pieces):
    import keras_hub

    backbone = keras_hub.models.BertBackbone.from_preset(str(preset))
    ids = np.array([[PIECES.index(piece) for piece in pieces]])
    inputs = {"token_ids": ids, "segment_ids": ids * 0, "padding_mask": ids * 0 + 1}
    return np.asarray(backbone(inputs)["sequence_output"])[0, 0]


def test_a_prefix_is_the_cls_vector_of_its_words(preset):
    model = make(preset)
    assert model.width == 8
    contexts = np.asarray(model(LABELS, LENGTHS))
    sentence = ["[CLS]", "Reg", "##en", "Nord", "Wind", "Kalt", "[SEP]"]
    np.testing.assert_allclose(contexts[0, 3], reference(preset, sentence), atol=1e-5)
    np.testing.assert_allclose(contexts[0, 0], reference(preset, ["[CLS]", "[SEP]"]), atol=1e-5)
    unknown = reference(preset, ["[CLS]", "[UNK]", "[SEP]"])
    # The clean-up rules drop __EMOTION__.
    np.testing.assert_allclose(contexts[1, 1:], np.tile(unknown, (3, 1)), atol=1e-5)


def test_of_more_pieces_than_bert_holds_the_last_are_read(preset):
    # 15 times three pieces; 32 places hold 30 between the marks.
    labels = np.tile([2, 3], 15)[None]
    pieces = ["Reg", "##en", "Nord"] * 15
    expected = reference(preset, ["[CLS]", *pieces[-30:], "[SEP]"])
    found = np.asarray(make(preset)(labels, np.array([30])))[0, 30]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gloss_by_gloss_in_a_graph_equals_all_at_once_and_computes_nothing_anew(preset):
    model = make(preset)
    contexts = np.asarray(model(LABELS, LENGTHS))
    model.remember()
    np.testing.assert_allclose(model(LABELS, LENGTHS), contexts, atol=1e-5)
    # The empty one, three of the first sentence and two of the second.
    assert model.remembered == 6
    # A vector that came anew would not be what the spoilt weights give.
    model.marks.assign([4, 4])

    @tf.function
    def search(labels, lengths):
        state = model.initial_state(2)
        vectors = [model.vector(state)]
        for t in range(3):
            state = model.extend(state, tf.where(t < lengths, labels[:, t], 0))
            vectors.append(model.vector(state))
        return tf.stack(vectors, 1), model(labels, lengths)

    for found in search(tf.constant(LABELS), tf.constant(LENGTHS)):
        assert found.shape == (2, 4, 8)
        np.testing.assert_allclose(found, contexts, atol=1e-5)
    model.remember()
    assert np.abs(model(LABELS, LENGTHS) - contexts).max() > 1e-3


def test_what_does_not_fit_in_the_memory_is_computed_again(preset):
    model = make(preset)
    contexts = np.asarray(model(LABELS, LENGTHS))
    model.remember(limit=2)
    for _ in range(2):
        np.testing.assert_allclose(model(LABELS, LENGTHS), contexts, atol=1e-5)
        assert model.remembered == 2


def test_beyond_the_capacity_the_context_stays(preset):
    contexts = np.asarray(make(preset, capacity=1)(LABELS[:1], LENGTHS[:1]))[0]
    np.testing.assert_allclose(contexts[1:], np.repeat(contexts[1:2], 3, axis=0), atol=1e-6)


def test_nothing_of_it_learns_and_its_config_makes_it_again(preset):
    model = make(preset, gloss_pieces=3)
    assert not model.trainable_weights
    copy = BertContext.from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(LABELS, LENGTHS), model(LABELS, LENGTHS))


def test_what_does_not_fit_a_preset_is_named(preset, tmp_path):
    with pytest.raises(UserError, match="heads 4"):
        make(preset, heads=4)
    with pytest.raises(UserError, match=r"'WIND-KALT' has 2 word pieces|'REGEN' has 2"):
        make(preset, gloss_pieces=1)
    with pytest.raises(UserError, match=r"config\.json is missing"):
        preset_sizes(tmp_path)
    (tmp_path / "config.json").write_text('{"class_name": "GPT2Backbone"}')
    with pytest.raises(UserError, match="GPT2Backbone"):
        preset_sizes(tmp_path)


def test_the_digest_is_that_of_the_contents(preset, tmp_path):
    import shutil

    copy = shutil.copytree(preset, tmp_path / "copy")
    assert preset_digest(copy) == preset_digest(preset)
    words = next(copy.rglob("vocabulary.txt"))
    words.write_text(words.read_text().replace("Wind", "Wald"))
    assert preset_digest(copy) != preset_digest(preset)
