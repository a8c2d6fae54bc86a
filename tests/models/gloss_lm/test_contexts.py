"""Every gloss language model: prefixes at once equal prefixes gloss by gloss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.gloss_lm import CausalLanguageModel, WordVectorLanguageModel

LABELS = np.array([[3, 4, 3, 5, 1], [2, 5, 0, 0, 0], [0, 0, 0, 0, 0]])
LENGTHS = np.array([5, 2, 0])


def words(dtype=None, **options):
    model = WordVectorLanguageModel(6, width=4, dtype=dtype, **options)
    model.empty.assign([1.0, -1.0, 2.0, 0.5])
    return model


def causal(dtype=None, **options):
    sizes = {"width": 8, "heads": 2, "capacity": 5, "dropout": 0.5}
    model = CausalLanguageModel(6, **{**sizes, **options}, dtype=dtype)
    generator = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(weight + generator.normal(0, 0.3, weight.shape))
    return model


MODELS = pytest.mark.parametrize("make", [words, causal])


@MODELS
def test_a_prefix_has_one_vector_however_it_was_reached(make):
    model = make()
    contexts = np.asarray(model.encode_prefixes(LABELS, LENGTHS))
    assert contexts.shape == (3, 6, model.width)
    state = model.initial_state(3)
    for t in range(6):
        expected = contexts[np.arange(3), np.minimum(t, LENGTHS)]
        np.testing.assert_allclose(model.vector(state), expected, atol=1e-5)
        if t < 5:
            # A row that is at its end reads blanks, which change nothing.
            state = model.extend(state, np.where(t < LENGTHS, LABELS[:, t], 0))


@MODELS
def test_different_prefixes_have_different_vectors(make):
    contexts = np.asarray(make().encode_prefixes(LABELS[:1], LENGTHS[:1]))[0]
    apart = np.abs(contexts[:, None] - contexts[None]).max(-1)
    assert (apart[~np.eye(6, dtype=bool)] > 1e-3).all()


@MODELS
def test_vectors_depend_neither_on_padding_nor_on_neighbours(make):
    model = make()
    contexts = np.asarray(model.encode_prefixes(LABELS, LENGTHS))
    noisy = LABELS.copy()
    noisy[1, 2:], noisy[2] = 4, -1
    np.testing.assert_allclose(model.encode_prefixes(noisy, LENGTHS), contexts, atol=1e-6)
    for row, length in enumerate(LENGTHS):
        alone = model.encode_prefixes(LABELS[row : row + 1, :length], LENGTHS[row : row + 1])
        np.testing.assert_allclose(contexts[row, : length + 1], alone[0], atol=1e-5)
        # Beyond the end the whole sentence's vector is repeated.
        expected = np.broadcast_to(contexts[row, length], contexts[row, length:].shape)
        np.testing.assert_allclose(contexts[row, length:], expected, atol=1e-6)


@MODELS
def test_a_search_loop_compiles_with_xla_and_reorders_by_gathering(make):
    model = make()

    @tf.function(jit_compile=True)
    def search(glosses):
        state = model.initial_state(3)
        for t in range(2):
            state = model.extend(state, glosses[:, t])
        state = {name: tf.gather(values, [1, 1, 0]) for name, values in state.items()}
        return model.vector(model.extend(state, glosses[:, 2]))

    found = search(tf.constant([[3, 4, 5], [2, 0, 1], [1, 1, 0]]))
    prefixes = np.array([[2, 5, 0], [2, 1, 0], [3, 4, 0]])
    expected = model.encode_prefixes(prefixes, np.array([2, 2, 2]))[:, -1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@MODELS
def test_mixed_precision_gives_bfloat16_vectors_near_the_whole_ones(make):
    whole, mixed = make(), make("mixed_bfloat16")
    mixed.set_weights(whole.get_weights())
    contexts = mixed(LABELS, LENGTHS)
    assert contexts.dtype == tf.bfloat16
    expected = whole(LABELS, LENGTHS)
    np.testing.assert_allclose(tf.cast(contexts, tf.float32), expected, atol=0.1)
    state = mixed.extend(mixed.initial_state(3), LABELS[:, 0])
    np.testing.assert_allclose(
        tf.cast(mixed.vector(state), tf.float32)[:2], expected[:2, 1], atol=0.1
    )


@MODELS
def test_a_model_inside_a_recogniser_comes_back_from_its_file(make, tmp_path):
    labels = keras.Input((None,), dtype="int32")
    lengths = keras.Input((), dtype="int32")
    recogniser = keras.Model([labels, lengths], make()(labels, lengths))
    recogniser.save(tmp_path / "recogniser.keras")
    copy = keras.saving.load_model(tmp_path / "recogniser.keras")
    np.testing.assert_allclose(copy([LABELS, LENGTHS]), recogniser([LABELS, LENGTHS]), atol=1e-6)
    assert copy.output_shape == (None, None, copy.layers[-1].width)


def test_word_vectors_are_the_mean_of_the_glosses_before():
    model = words()
    vectors = np.asarray(model.words)
    contexts = model.encode_prefixes(LABELS, LENGTHS)
    np.testing.assert_allclose(contexts[0, 3], vectors[[2, 3, 2]].mean(0), atol=1e-6)
    np.testing.assert_allclose(contexts[:, 0], np.tile(model.empty, (3, 1)))


def test_frozen_word_vectors_still_learn_the_empty_prefix():
    model = words(frozen=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(LABELS, LENGTHS))
    assert [weight.name for weight in model.trainable_weights] == ["empty"]
    assert np.abs(tape.gradient(loss, model.trainable_weights)[0]).max() > 0
    assert len(words().trainable_weights) == 2


def test_word_vectors_have_the_parameters_of_the_published_language_part():
    """docs/papers/c2st.md §2.7: 1.005 M with two adapters from 300 to 1024."""
    assert WordVectorLanguageModel(1296).count_params() + 2 * (300 * 1024 + 1024) == 1_005_248


def test_a_place_never_sees_what_comes_later():
    model = causal()
    later = LABELS[:1].copy()
    later[0, 3:] = [2, 2]
    first, second = (np.asarray(model(labels, LENGTHS[:1])) for labels in (LABELS[:1], later))
    np.testing.assert_allclose(first[:, :4], second[:, :4], atol=1e-6)
    assert np.abs(first[:, 4:] - second[:, 4:]).max() > 1e-3


def test_beyond_the_capacity_the_context_stays():
    model = causal(capacity=3)
    contexts = np.asarray(model.encode_prefixes(LABELS, LENGTHS))
    np.testing.assert_array_equal(contexts[0, 4:], np.repeat(contexts[:1, 3], 2, axis=0))
    state = model.initial_state(1)
    for gloss in LABELS[0]:
        state = model.extend(state, np.array([gloss]))
    np.testing.assert_allclose(model.vector(state)[0], contexts[0, 3], atol=1e-5)


def test_gradients_reach_every_weight_of_the_causal_model():
    model = causal()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.next_gloss_logits(model(LABELS, LENGTHS, training=True)) ** 2)
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
    ):
        gradient = np.asarray(tf.convert_to_tensor(gradient))
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of 3 heads"):
        CausalLanguageModel(6, width=8, heads=3)
    with pytest.raises(ValueError, match="shape"):
        words().set_vectors(np.zeros((6, 4)))
