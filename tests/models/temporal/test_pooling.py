"""Temporal Lift Pooling: the published form, and the masked one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.temporal import (
    MaskedInstanceNormalization,
    TemporalLiftPooling,
    TemporalMaxPooling,
)


def wake(layer, seed=0, scale=0.3):
    """Random weights everywhere: zero initialisations hide half of the layer."""
    generator = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(0, scale, weight.shape))
    return layer


def make(kernel_size=3, masked=True, channels=3, dtype="float64"):
    layer = TemporalLiftPooling(kernel_size, masked, dtype=dtype)
    layer.build((None, None, channels))
    return wake(layer)


def clips(seed=1, lengths=(12, 6, 8), channels=3):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(len(lengths), max(lengths), channels))
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype("float64")
    return x, mask


# === The definition of docs/papers/c2st.md §2.4 in loops, channels first ===


def convolve(x, kernel, bias):
    """(batch, in, time), kernel (taps, in, out): a convolution that keeps the length."""
    taps, half, time = len(kernel), len(kernel) // 2, x.shape[2]
    y = np.zeros((x.shape[0], kernel.shape[2], time))
    for t in range(time):
        for k in range(taps):
            if 0 <= t + k - half < time:
                y[:, :, t] += x[:, :, t + k - half] @ kernel[k]
    return y + bias[:, None]


def lift_step(x, weights):
    depthwise, depthwise_bias, pointwise, pointwise_bias = weights
    diagonal = np.stack([np.diag(tap) for tap in depthwise[:, :, 0]])
    hidden = np.maximum(convolve(x, diagonal, depthwise_bias), 0)
    return np.tanh(convolve(hidden, pointwise[None], pointwise_bias))


def weigh(x, weights):
    kernel, bias, gamma, beta = weights
    z = convolve(x, kernel, bias)
    mean, variance = z.mean(2, keepdims=True), z.var(2, keepdims=True)
    z = (z - mean) / np.sqrt(variance + 1e-5) * gamma[:, None] + beta[:, None]
    return x + x * (1 / (1 + np.exp(-z)) - 0.5)


def published(layer, inputs):
    parts = [
        [weight.numpy() for weight in part.weights]
        for part in (layer.predict, layer.update, layer.weigh_approximation, layer.weigh_detail)
    ]
    x = inputs.transpose(0, 2, 1)
    even, odd = x[:, :, 0::2], x[:, :, 1::2]
    detail = odd - lift_step(even, parts[0])
    approximation = even + lift_step(detail, parts[1])
    pooled = weigh(approximation, parts[2]) + weigh(detail, parts[3])
    losses = [np.sqrt((part**2).sum()) for part in (approximation - odd, detail)]
    return pooled.transpose(0, 2, 1), *losses


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_published_form_is_the_definition_in_float64(kernel_size):
    layer = make(kernel_size, masked=False)
    x, _ = clips()
    pooled, _, update_loss, prediction_loss = layer(x)
    expected, expected_update, expected_prediction = published(layer, x)
    np.testing.assert_allclose(pooled, expected, atol=1e-12)
    np.testing.assert_allclose(update_loss, np.full(3, expected_update), rtol=1e-12)
    np.testing.assert_allclose(prediction_loss, np.full(3, expected_prediction), rtol=1e-12)


def test_masked_loss_is_that_of_a_published_batch_of_two_such_clips():
    x, _ = clips(lengths=(8,))
    masked, literal = make(masked=True), make(masked=False)
    twice = np.concatenate([x, x])
    for ours, reference in zip(masked(x)[2:], literal(twice)[2:], strict=True):
        np.testing.assert_allclose(ours[0], reference[0], rtol=1e-12)
    np.testing.assert_allclose(masked(x)[0], literal(x)[0], atol=1e-12)


def test_a_clip_is_pooled_as_if_it_were_alone():
    layer = make()
    x, mask = clips()
    together = layer(np.where(mask[..., None] == 1, x, 1e3), mask)
    for row, length in enumerate(mask.sum(1).astype(int)):
        alone = layer(x[row : row + 1, :length])
        np.testing.assert_allclose(together[0][row, : length // 2], alone[0][0], atol=1e-10)
        np.testing.assert_array_equal(together[0][row, length // 2 :], 0)
        np.testing.assert_array_equal(together[1][row], np.arange(6) < length // 2)
        for ours, reference in zip(together[2:], alone[2:], strict=True):
            np.testing.assert_allclose(ours[row], reference[0], rtol=1e-12)


def test_the_published_form_lets_neighbours_leak():
    # The reason for the masked form; were this to fail, the switch would do nothing.
    layer = make(masked=False)
    x, mask = clips()
    short = layer(x[1:2, :6])[0]
    assert np.abs(layer(x * mask[..., None], mask)[0][1, :3] - short[0]).max() > 1e-3


def test_an_untrained_layer_adds_approximation_and_detail():
    layer = TemporalLiftPooling()
    x = np.random.default_rng(0).normal(size=(2, 8, 4)).astype("float32")
    pooled, *_ = layer(x)
    for weight in (layer.predict.pointwise.bias, layer.update.pointwise.bias):
        weight.assign(np.zeros(4))
    np.testing.assert_allclose(layer(x)[0], x[:, ::2] + x[:, 1::2], atol=1e-5)
    assert np.abs(layer.predict.pointwise.kernel).max() == 0
    assert np.abs(layer.weigh_detail.convolution.kernel).max() == 0
    assert np.abs(layer.predict.depthwise.kernel).max() > 0
    assert pooled.shape == (2, 4, 4)


def test_every_weight_and_every_real_frame_gets_a_gradient():
    layer = make(dtype="float32")
    x, mask = clips()
    x = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        pooled, _, update_loss, prediction_loss = layer(x, mask)
        loss = tf.reduce_sum(pooled**2) + tf.reduce_sum(update_loss + prediction_loss)
    *weights, frames = tape.gradient(loss, [*layer.trainable_weights, x])
    # A bias before instance normalisation moves nothing.
    idle = {id(part.convolution.bias) for part in (layer.weigh_approximation, layer.weigh_detail)}
    for weight, gradient in zip(layer.trainable_weights, weights, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert id(weight) in idle or np.abs(gradient).max() > 1e-4, weight.path
    frames = np.abs(frames).max(-1)
    assert (frames[mask == 1] > 0).all()
    assert (frames[mask == 0] == 0).all()


def test_a_clip_without_steps_has_no_loss_and_a_finite_gradient():
    layer = make(dtype="float32")
    x, mask = clips(lengths=(8, 4))
    mask[1] = 0
    x = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x, mask)
        loss = sum(tf.reduce_sum(output) for output in outputs)
    assert np.isfinite(tape.gradient(loss, x)).all()
    np.testing.assert_allclose([outputs[2][1], outputs[3][1]], 0, atol=1e-6)


def test_a_layer_of_1024_channels_has_the_published_number_of_parameters():
    layer = TemporalLiftPooling()
    layer.build((None, None, 1024))
    assert layer.count_params() == 12_599_296


def test_maximum_pooling_ignores_padding_and_has_no_loss():
    x, mask = clips(lengths=(8, 6))
    x[1, 6:] = 1e3
    pooled, steps, *losses = TemporalMaxPooling()(x, mask)
    np.testing.assert_allclose(pooled[1, 2], np.maximum(x[1, 4], x[1, 5]), rtol=1e-6)
    np.testing.assert_array_equal(pooled[1, 3], 0)
    np.testing.assert_array_equal(steps, [[1, 1, 1, 1], [1, 1, 1, 0]])
    np.testing.assert_array_equal(losses, np.zeros((2, 2)))


def test_instance_normalisation_uses_real_steps_only():
    x, mask = clips()
    layer = MaskedInstanceNormalization(dtype="float64")
    y = np.asarray(layer(np.where(mask[..., None] == 1, x, 1e3), mask))
    real = x[1, :6]
    expected = (real - real.mean(0)) / np.sqrt(real.var(0) + 1e-5)
    np.testing.assert_allclose(y[1, :6], expected, atol=1e-12)


@pytest.mark.parametrize("layer", [TemporalLiftPooling(5, masked=False), TemporalMaxPooling(3)])
def test_layers_come_back_from_their_configuration(layer):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.get_config() == layer.get_config()


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="odd"):
        TemporalLiftPooling(4)
