"""1D-TCN, BiLSTM and classifiers: lengths, padding, parameters."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.temporal import (
    BiLstm,
    NormLinear,
    TemporalConvolution,
    length_through,
    make_classifier,
)
from slr_keras.models.temporal.convolution import lengthen

LENGTHS = np.array([16, 4, 8])


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(size=(3, 16, 5)).astype("float32")


@pytest.fixture(scope="module")
def mask():
    return (np.arange(16) < LENGTHS[:, None]).astype("float32")


def wake(layer):
    generator = np.random.default_rng(3)
    for weight in layer.trainable_weights:
        weight.assign(weight + generator.normal(0, 0.1, weight.shape))
    return layer


def convolution(width=6, **options):
    layer = TemporalConvolution(width, **options)
    layer.build((None, None, 5))
    return wake(layer)


# === Lengthening ===


def test_every_clip_is_lengthened_at_its_own_end(features, mask):
    noisy = np.where(mask[..., None] == 1, features, np.nan).astype("float32")
    x, valid = map(np.asarray, lengthen(noisy, mask, edge=6, stride=4))
    assert x.shape == (3, 28, 5)
    for row, length in enumerate(LENGTHS):
        real = features[row, :length]
        expected = np.concatenate([real[:1]] * 6 + [real] + [real[-1:]] * 6)
        np.testing.assert_array_equal(x[row, : length + 12], expected)
        np.testing.assert_array_equal(x[row, length + 12 :], 0)
        np.testing.assert_array_equal(valid[row], np.arange(28) < length + 12)


def test_a_clip_of_an_odd_length_is_filled_up_with_its_last_frame(features):
    x, valid = lengthen(features[:1, :7], np.ones((1, 7)), edge=6, stride=4)
    np.testing.assert_array_equal(valid, np.ones((1, 20)))
    np.testing.assert_array_equal(x[0, 12:], np.repeat(features[:1, 6], 8, axis=0))


# === 1D-TCN ===


@pytest.mark.parametrize("pooling", ["lift", "max"])
@pytest.mark.parametrize("training", [False, True])
def test_a_clip_convolved_alone_equals_it_in_a_batch(features, mask, pooling, training):
    layer = convolution(pooling=pooling)
    padding = np.random.default_rng(9).normal(0, 50, features.shape)
    noisy = np.where(mask[..., None] == 1, features, padding).astype("float32")
    together = layer(noisy, mask)
    assert together[0].shape == (3, 4, 6)
    np.testing.assert_array_equal(together[1], np.arange(4) < (LENGTHS // 4)[:, None])
    for row, length in enumerate(LENGTHS):
        alone = layer(features[row : row + 1, :length])
        steps = length // 4
        np.testing.assert_allclose(together[0][row, :steps], alone[0][0], atol=1e-5)
        np.testing.assert_array_equal(together[0][row, steps:], 0)
        for ours, reference in zip(together[2:], alone[2:], strict=True):
            np.testing.assert_allclose(ours[row], reference[0], rtol=1e-5)
    if training:
        longer = np.concatenate([noisy, noisy], 1), np.pad(mask, ((0, 0), (0, 16)))
        kept = [np.array(weight) for weight in layer.non_trainable_weights]
        short = layer(noisy, mask, training=True)
        moved = [np.array(weight) for weight in layer.non_trainable_weights]
        for weight, value in zip(layer.non_trainable_weights, kept, strict=True):
            weight.assign(value)
        long = layer(*longer, training=True)
        np.testing.assert_allclose(long[0][:, :4], short[0], atol=1e-5)
        for weight, value in zip(layer.non_trainable_weights, moved, strict=True):
            np.testing.assert_allclose(weight, value, atol=1e-6)


def test_the_published_form_lets_padding_into_the_statistics(features, mask):
    masked, literal = convolution(), convolution(masked=False)
    literal.set_weights(masked.get_weights())
    alone = [layer(features[:1], training=True)[0] for layer in (masked, literal)]
    np.testing.assert_allclose(*alone, atol=1e-5)
    batch = [layer(features, mask, training=True)[0] for layer in (masked, literal)]
    assert np.abs(batch[0] - batch[1]).max() > 1e-3


def test_clips_that_were_lengthened_before_are_convolved_as_they_are(features, mask):
    here, before = convolution(), convolution(edges=False)
    before.set_weights(here.get_weights())
    longer, valid = lengthen(features, mask, edge=6, stride=4)
    for ours, reference in zip(before(longer, valid), here(features, mask), strict=True):
        np.testing.assert_array_equal(ours, reference)
    assert before.compute_output_shape((3, 28, 5)) == here.compute_output_shape((3, 16, 5))
    assert before.multiply_adds((3, 28, 5)) == here.multiply_adds((3, 16, 5))


def test_other_layer_lists_give_the_steps_that_lengths_say():
    layer = TemporalConvolution(4, layers=("K3", "P2", "K5"), pooling="max")
    local, valid, _, _ = layer(np.zeros((1, 9, 2), "float32"))
    assert local.shape == (1, 5, 4)
    assert valid.shape == (1, 5)
    assert length_through(9 + 1 + 2 * 5, ("K3", "P2", "K5")) == 5


def test_lift_pooling_refuses_another_factor_than_two():
    with pytest.raises(ValueError, match="P2"):
        TemporalConvolution(4, layers=("K5", "P4"))


def test_gradients_reach_all_weights_and_real_frames_only(features, mask):
    layer = convolution()
    x = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(x)
        local, _, update_loss, prediction_loss = layer(x, mask, training=True)
        loss = tf.reduce_sum(local**2) + tf.reduce_sum(update_loss + prediction_loss)
    *weights, frames = tape.gradient(loss, [*layer.trainable_weights, x])
    for weight, gradient in zip(layer.trainable_weights, weights, strict=True):
        # A bias before a normalisation moves nothing.
        idle = "convolution/bias" in weight.path
        assert np.isfinite(gradient).all(), weight.path
        assert idle or np.abs(gradient).max() > 0, weight.path
    size = np.abs(frames).max(-1)
    assert (size[mask == 1] > 0).all()
    assert (size[mask == 0] == 0).all()


# === BiLSTM ===


def test_the_backward_direction_starts_at_the_last_real_step(features, mask):
    layer = BiLstm(4)
    together = layer(np.where(mask[..., None] == 1, features, 7.0).astype("float32"), mask)
    for row, length in enumerate(LENGTHS):
        alone = layer(features[row : row + 1, :length])
        np.testing.assert_allclose(together[row, :length], alone[0], atol=1e-5)
        np.testing.assert_array_equal(together[row, length:], 0)
    # With the time reversed and directions exchanged, the second half is the first.
    first = layer.directions[0]
    backward = first(features[:1])[..., 4:]
    first.forward_layer.set_weights(first.backward_layer.get_weights())
    forward = first(features[:1, ::-1])[..., :4]
    np.testing.assert_allclose(backward, forward[:, ::-1], atol=1e-6)


def test_dropout_falls_between_the_layers_only(features):
    layer = BiLstm(4, dropout=0.9)
    plain = np.asarray(layer(features))
    trained = np.asarray(layer(features, training=True))
    # Zeros would betray a dropout after the last layer, equality one that is missing.
    assert (trained != 0).all()
    assert np.abs(trained - plain).max() > 1e-3


# === Classifiers, sizes, saving ===


def test_norm_linear_ignores_the_length_of_its_columns(features):
    layer = NormLinear(4)
    first = np.asarray(layer(features))
    layer.kernel.assign(layer.kernel * np.array([0.1, 1, 3, 10]))
    np.testing.assert_allclose(layer(features), first, rtol=1e-4, atol=1e-6)
    kernel = np.asarray(layer.kernel, np.float64)
    expected = features @ (kernel / np.linalg.norm(kernel, axis=0))
    np.testing.assert_allclose(first, expected, atol=1e-5)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match="linear, norm"):
        make_classifier("cosine", 5)


def test_parameters_are_those_of_the_published_system():
    """docs/papers/c2st.md §2.7: TCN with its classifier 34.397 M, BiLSTM 12.599 M, classifier
    1.328 M."""
    convolution = TemporalConvolution()
    convolution.build((None, None, 512))
    trained = sum(int(np.prod(weight.shape)) for weight in convolution.trainable_weights)
    classifier = make_classifier("linear", 1296)
    classifier.build((None, None, 1024))
    assert trained + classifier.count_params() == 34_397_456
    assert classifier.count_params() == 1_328_400
    recurrent = BiLstm()
    recurrent.build((None, None, 1024))
    # PyTorch's second bias: 2 layers, 2 directions, 4 gates, 512 units.
    assert recurrent.count_params() + 8192 == 12_599_296


def head(dtype=None):
    """A functional model of all layers, with frames and batch unknown."""
    features = keras.Input((None, 5), name="features")
    mask = keras.Input((None,), name="mask")
    local, steps, update, prediction = TemporalConvolution(6, dtype=dtype, name="tcn")(
        features, mask
    )
    shared = make_classifier("norm", 7, dtype=dtype, name="classifier")
    recurrent = BiLstm(3, dtype=dtype, name="recurrent")(local, steps)
    outputs = (shared(local), shared(recurrent), steps, update, prediction)
    return keras.Model([features, mask], outputs)


def test_the_head_comes_back_from_its_file(features, mask, tmp_path):
    model = head()
    model.save(tmp_path / "head.keras")
    copy = keras.saving.load_model(tmp_path / "head.keras")
    for ours, theirs in zip(model([features, mask]), copy([features, mask]), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert model.output_shape[0] == (None, None, 7)


def test_mixed_precision_keeps_masks_and_losses_whole(features, mask):
    model = head("mixed_bfloat16")
    outputs = model([features, mask], training=True)
    declared = [tensor.dtype for tensor in model.outputs]
    assert declared == ["bfloat16", "bfloat16", "float32", "float32", "float32"]
    assert [output.dtype.name for output in outputs] == declared
    assert all(np.isfinite(tf.cast(output, tf.float32)).all() for output in outputs)
