"""BERT contexts, on a small checkpoint that the test writes in keras-hub's own format."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.gloss_lm import BertContext

VOCABULARY = Vocabulary(("REGEN", "loc-NORD", "__EMOTION__", "WIND-KALT"))
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Reg", "##en", "Nord", "Wind", "Kalt"]
LABELS, LENGTHS = np.array([[2, 3, 5], [1, 4, 0]]), np.array([3, 2])


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    keras_hub = pytest.importorskip("keras_hub")
    folder = str(tmp_path_factory.mktemp("bert"))
    backbone = keras_hub.models.BertBackbone(
        len(PIECES),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=32,
    )
    generator = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(weight + generator.normal(0, 0.2, weight.shape))
    backbone.save_to_preset(folder)
    keras_hub.models.BertTokenizer(PIECES).save_to_preset(folder)
    return folder


def reference(preset, pieces):
    import keras_hub

    backbone = keras_hub.models.BertBackbone.from_preset(preset)
    ids = np.array([[PIECES.index(piece) for piece in pieces]])
    inputs = {"token_ids": ids, "segment_ids": ids * 0, "padding_mask": ids * 0 + 1}
    return np.asarray(backbone(inputs)["sequence_output"])[0, 0]


def test_a_prefix_is_the_cls_vector_of_its_words(preset):
    model = BertContext(preset, VOCABULARY.tokens)
    assert model.width == 8
    contexts = np.asarray(model(LABELS, LENGTHS))
    sentence = ["[CLS]", "Reg", "##en", "Nord", "Wind", "Kalt", "[SEP]"]
    np.testing.assert_allclose(contexts[0, 3], reference(preset, sentence), atol=1e-5)
    np.testing.assert_allclose(contexts[0, 0], reference(preset, ["[CLS]", "[SEP]"]), atol=1e-5)
    unknown = reference(preset, ["[CLS]", "[UNK]", "[SEP]"])
    # The clean-up rules drop __EMOTION__.
    np.testing.assert_allclose(contexts[1, 1:], np.tile(unknown, (3, 1)), atol=1e-5)


def test_gloss_by_gloss_in_a_graph_equals_all_at_once_and_computes_nothing_anew(preset):
    model = BertContext(preset, VOCABULARY.tokens)
    contexts = np.asarray(model(LABELS, LENGTHS))
    computed = model.cache.misses

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
    assert model.cache.misses == computed == 6
    assert not model.weights
    copy = BertContext.from_config(model.get_config())
    assert copy.get_config() == model.get_config()


def test_beyond_the_capacity_the_context_stays(preset):
    model = BertContext(preset, VOCABULARY.tokens, capacity=1)
    contexts = np.asarray(model(LABELS[:1], LENGTHS[:1]))[0]
    np.testing.assert_array_equal(contexts[1:], np.repeat(contexts[1:2], 3, axis=0))
