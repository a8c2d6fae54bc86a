"""Adam and momentum against PyTorch's formulas, written down again in float64."""

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.training.optimiser import Adam, Momentum, clip_by_global_norm

BETAS, EPSILON = (0.9, 0.998), 1e-8


def pytorch_adam(w, gradients, rates, weight_decay, decoupled=False):
    """torch.optim.Adam and AdamW, step by step, as their documentation defines them."""
    w = np.array(w, np.float64)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (gradient, rate) in enumerate(zip(gradients, rates), start=1):
        g = np.array(gradient, np.float64)
        if decoupled:
            w = w - rate * weight_decay * w
        else:
            g = g + weight_decay * w
        m = BETAS[0] * m + (1 - BETAS[0]) * g
        v = BETAS[1] * v + (1 - BETAS[1]) * g * g
        m_hat, v_hat = m / (1 - BETAS[0] ** t), v / (1 - BETAS[1] ** t)
        w = w - rate * m_hat / (np.sqrt(v_hat) + EPSILON)
    return w


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e-8])
def test_fifty_steps_follow_pytorch(decoupled, scale):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 4)).astype(np.float32)
    # At 1e-8 epsilon is as large as the gradient, and its place in the formula shows.
    gradients = (scale * rng.normal(size=(50, 3, 4))).astype(np.float32)
    rates = 1e-2 * (1 + np.cos(np.linspace(0, 3, 50)))
    decay = 1e-3 * scale
    w = tf.Variable(start)
    adam = Adam([w], BETAS, EPSILON, weight_decay=decay, decoupled=decoupled)
    for gradient, rate in zip(gradients, rates):
        adam.apply([tf.constant(gradient)], float(rate))
    expected = pytorch_adam(start, gradients, rates, decay, decoupled)
    np.testing.assert_allclose(w.numpy(), expected, atol=2e-5)


def test_momentum_follows_pytorch_and_averages_the_weights():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 4))
    gradients = rng.normal(size=(20, 3, 4))
    rates = np.repeat([0.03, 0.003], 10)
    w = tf.Variable(start.astype("float32"))
    descent = Momentum([w], 0.9, weight_decay=0.01, moving_average=0.5)
    expected, velocity, average = start, np.zeros((3, 4)), start
    for number, (gradient, rate) in enumerate(zip(gradients, rates), 1):
        descent.apply([tf.constant(gradient, tf.float32)], float(rate))
        velocity = 0.9 * velocity + gradient + 0.01 * expected
        expected = expected - rate * velocity
        keep = min(number / (9 + number), 0.5)
        average = keep * average + (1 - keep) * expected
    np.testing.assert_allclose(w, expected, atol=1e-6)
    np.testing.assert_allclose(descent.average[0], average, atol=1e-6)


def test_one_step_of_no_gradient_gives_the_figure_measured_with_pytorch():
    coupled, decoupled = tf.Variable(1.0), tf.Variable(1.0)
    Adam([coupled], weight_decay=1e-3).apply([tf.constant(0.0)], 1e-3)
    Adam([decoupled], weight_decay=1e-3, decoupled=True).apply([tf.constant(0.0)], 1e-3)
    assert float(coupled) == pytest.approx(0.99900, abs=1e-6)
    assert float(decoupled) == pytest.approx(0.999999, abs=1e-7)


def test_a_variable_without_gradient_stays():
    still, moved = tf.Variable(1.0), tf.Variable(1.0)
    Adam([still, moved], weight_decay=0.1).apply([None, tf.constant(1.0)], 0.1)
    assert float(still) == 1.0
    assert float(moved) == pytest.approx(0.9)


def test_moving_average_starts_near_the_weights_and_then_lags_behind():
    w = tf.Variable(0.0)
    adam = Adam([w], moving_average=0.9)
    averages = []
    for _ in range(200):
        adam.apply([tf.constant(-1.0)], 1.0)
        averages.append(float(adam.average[0]))
    assert averages[0] == pytest.approx(0.9, abs=1e-4)
    # A line of slope 1 seen through a decay of 0.9 lags by 0.9 / 0.1 steps.
    assert float(w) - averages[-1] == pytest.approx(9.0, abs=0.05)


def test_clipping_scales_to_the_limit_and_leaves_small_gradients():
    gradients = [tf.constant([3.0, 0.0]), None, tf.constant([[4.0]])]
    clipped, norm = clip_by_global_norm(gradients, 1.0)
    assert float(norm) == pytest.approx(5.0)
    assert clipped[1] is None
    np.testing.assert_allclose(clipped[0], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped[2], [[0.8]], rtol=1e-6)
    for limit in (0.0, 10.0):
        same, _ = clip_by_global_norm(gradients, limit)
        np.testing.assert_array_equal(same[0], gradients[0])
