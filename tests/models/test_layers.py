"""Shared layers hold PyTorch's numbers."""

import numpy as np
import tensorflow as tf

from slr_keras.models.layers import Linear, MaskedBatchNormalization, sinusoid_table


def test_batch_norm_uses_real_frames_only_and_keeps_the_unbiased_variance():
    layer = MaskedBatchNormalization()
    generator = np.random.default_rng(0)
    x = generator.normal(3.0, 2.0, size=(3, 7, 4)).astype("float32")
    mask = (np.arange(7) < np.array([7, 3, 5])[:, None]).astype("float32")
    x[mask == 0] = 1e6
    y = np.asarray(layer(x, valid=mask, training=True))
    real = x[mask == 1].astype(np.float64)
    expected = (real - real.mean(0)) / np.sqrt(real.var(0) + 1e-5)
    np.testing.assert_allclose(y[mask == 1], expected, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * real.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * real.var(0, ddof=1), rtol=1e-5)


def test_batch_norm_survives_values_far_from_zero():
    layer = MaskedBatchNormalization()
    x = (1000 + np.random.default_rng(0).normal(size=(1, 200, 1))).astype("float32")
    y = np.asarray(layer(x, training=True))
    assert abs(y.std() - 1) < 0.01


def test_batch_norm_gradient_equals_automatic_differentiation():
    generator = np.random.default_rng(2)
    x = tf.constant(generator.normal(1.0, 2.0, size=(3, 5, 4)), tf.float32)
    valid = tf.constant(generator.integers(0, 2, size=(3, 5)), tf.float32)
    direction = tf.constant(generator.normal(size=x.shape), tf.float32)
    layer = MaskedBatchNormalization()
    layer.build(x.shape)
    layer.gamma.assign(generator.normal(size=4))
    layer.beta.assign(generator.normal(size=4))
    targets = [x, layer.gamma.value, layer.beta.value]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        written_out = tf.reduce_sum(layer(x, valid=valid, training=True) * direction)
        real = tf.boolean_mask(x, valid)
        mean, variance = tf.nn.moments(real, 0)
        plain = (x - mean) * tf.math.rsqrt(variance + 1e-5) * layer.gamma.value + layer.beta.value
        automatic = tf.reduce_sum(plain * direction)
    for ours, reference in zip(
        tape.gradient(written_out, targets), tape.gradient(automatic, targets), strict=True
    ):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-5)


def test_an_empty_mask_changes_no_statistics_to_nan():
    layer = MaskedBatchNormalization()
    y = layer(np.ones((1, 2, 3), "float32"), valid=np.zeros((1, 2)), training=True)
    assert np.isfinite(y).all()
    assert np.isfinite(layer.moving_variance).all()


def test_linear_is_initialised_as_in_pytorch():
    layer = Linear(400)
    layer.build((None, 25))
    for weight in (layer.kernel, layer.bias):
        values = np.asarray(weight)
        assert np.abs(values).max() <= 0.2
        np.testing.assert_allclose(values.std(), 0.2 / np.sqrt(3), rtol=0.1)


def test_sinusoid_interleaves_sine_and_cosine():
    table = sinusoid_table(50, 8)
    position, pair = 17, 2
    angle = position / 10000 ** (2 * pair / 8)
    np.testing.assert_allclose(table[position, 4:6], [np.sin(angle), np.cos(angle)], atol=1e-12)
