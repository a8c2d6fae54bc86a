"""A dry run counts the bytes that arithmetic says, without a number being computed."""

import pytest
import tensorflow as tf

from slr_keras.benchmarks.memory.dry_run import DryRun
from slr_keras.benchmarks.memory.ledger import Ledger, Tensor, Variable, bytes_of

FLOATS = 4
BATCH, WIDE, LAYERS = 64, 128, 3
MATRIX = FLOATS * WIDE * WIDE
ACTIVATION = FLOATS * BATCH * WIDE
# Constants, shapes and losses.
SMALL = 4096


def peak_of(function, *shapes, variables=()) -> Ledger:
    """The book of a dry run of a function of float32 tensors."""
    specs = [tf.TensorSpec((None, *shape[1:])) for shape in shapes]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    ledger = Ledger()

    def tensor(shape):
        return Tensor(tf.float32, shape, ledger.buffer(bytes_of(shape, tf.float32)))

    handles = {id(v.handle): Variable(tensor(tuple(v.shape))) for v in variables}
    captured = [handles[id(handle)] for handle in concrete.captured_inputs]
    DryRun(concrete.graph).run([tensor(shape) for shape in shapes] + captured, ledger)
    return ledger


@pytest.fixture(scope="module")
def weights():
    return [tf.Variable(tf.zeros((WIDE, WIDE))) for _ in range(LAYERS)]


@pytest.mark.parametrize("batch", [16, 64, 1024])
def test_a_perceptron_takes_what_arithmetic_says(weights, batch):
    def gradients(x):
        with tf.GradientTape() as tape:
            for w in weights:
                x = tf.tanh(x @ w)
            loss = tf.reduce_sum(x)
        return tape.gradient(loss, weights)

    ledger = peak_of(gradients, (batch, WIDE), variables=weights)
    rows, matrix = FLOATS * batch * WIDE, MATRIX
    in_use = (
        # Input, three results of tanh, and the gradient of the last one, which the gradient of its
        # argument replaces together with that tanh; then that of the layer below and the weights'.
        5 * rows,
        5 * rows + matrix,
        # The same one and two layers below, with the weights' gradients so far.
        4 * rows + 2 * matrix,
        2 * rows + 3 * matrix,
    )
    assert ledger.peak == pytest.approx(LAYERS * matrix + max(in_use), abs=SMALL)
    # Results are gone with the list that held them, and nothing leaks.
    assert sum(ledger.live.values()) == 0


def test_a_loop_keeps_what_its_gradient_needs_once_per_iteration():
    def peak(iterations):
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                _, y = tf.while_loop(
                    lambda i, y: i < iterations, lambda i, y: (i + 1, tf.tanh(y)), (0, x)
                )
            return tape.gradient(y, x)

        return peak_of(gradient, (BATCH, WIDE)).peak

    assert peak(7) - peak(3) == pytest.approx(4 * ACTIVATION, abs=SMALL)


def test_lengths_that_the_data_decides_are_those_of_the_data():
    def chosen(x):
        mask = tf.constant([1, 0, 1, 1, 0, 1, 0, 0])
        return tf.gather(x, tf.where(mask > 0)[:, 0])

    assert peak_of(chosen, (8, 4096)).peak == pytest.approx(FLOATS * 4096 * (8 + 4), abs=SMALL)


def test_of_two_branches_that_data_decides_the_larger_counts():
    def either(x):
        def large():
            return tf.tile(tf.tile(x, (4, 1)), (1, 2))[:BATCH]

        return tf.cond(tf.reduce_sum(x) > 0, large, lambda: tf.tile(x, (1, 2)))

    # Its argument, four and eight times as much.
    assert peak_of(either, (BATCH, WIDE)).peak == pytest.approx(13 * ACTIVATION, abs=SMALL)


def test_views_and_what_is_computed_in_place_take_nothing():
    def function(x):
        y = tf.tile(x, (2, 1))
        for _ in range(5):
            y = tf.nn.relu(tf.reshape(y, (-1, WIDE)) + 1.0)
        return y

    assert peak_of(function, (BATCH, WIDE)).peak == pytest.approx(3 * ACTIVATION, abs=SMALL)
