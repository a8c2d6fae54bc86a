"""Layers that several models share, with PyTorch's initial weights and defaults.

The reference implementations of the systems are written in PyTorch.
"""

import contextlib
import contextvars
import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

PACKAGE = "slr_keras"


def fan_in_uniform(seed: int | None = None) -> keras.initializers.Initializer:
    """PyTorch's default for weights: uniform in ±1/sqrt(fan_in) (docs/papers/stark.md §4.2)."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)


def bias_uniform(fan_in: int, seed: int | None = None) -> keras.initializers.Initializer:
    """PyTorch's default for biases: uniform in ±1/sqrt(fan_in) of the layer they belong to."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound, seed=seed)


def replica_sum(values: list) -> list:
    """Sum tensors over the replicas of a `tf.distribute` strategy; without one, return them."""
    if keras.backend.backend() != "tensorflow":
        return values
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def normalise_rows(rows, weights, gamma, beta, epsilon: float):
    """Normalise by the weighted moments of the rows of all replicas.

    The gradient is written out: automatic differentiation of the same lines takes about twice the
    memory and time, and normalisation is a third of a training step.

    Args:
        rows: `(rows, channels)`.
        weights: `(1, rows)`, 1 on rows that count.
        gamma, beta: `(channels,)` float32.
        epsilon: added to the variance.

    Returns:
        The normalised rows, and float32 statistics that carry no gradient: the count, the mean
        `(channels,)` and the sum of squared deviations `(channels,)`.
    """

    def forward(rows, gamma, beta):
        values = ops.cast(rows, "float32")
        # Weighted sums over rows are matrix products: several times faster than reductions here.
        count, total = replica_sum([ops.sum(weights), ops.matmul(weights, values)])
        count = ops.maximum(count, 1.0)
        mean = total / count
        # Two passes: the squares of values far from zero cancel badly in one.
        centred = values - mean
        (squares,) = replica_sum([ops.matmul(weights, ops.square(centred))])
        deviation = ops.rsqrt(squares / count + epsilon)
        scale = gamma * deviation
        outputs = ops.cast(centred * scale + beta, rows.dtype)

        def backward(*arguments, upstream=None):
            upstream = arguments[0] if upstream is None else upstream
            # JAX hands over the gradients of all outputs as one.
            if isinstance(upstream, tuple | list):
                upstream = upstream[0]
            gradient = ops.cast(upstream, "float32")
            ones = ops.ones_like(weights)
            sums = ops.matmul(ones, gradient)
            products = ops.matmul(ones, gradient * centred)
            all_sums, all_products = replica_sum([sums, products])
            # Moments depend on the rows that count, and reach every row of every replica.
            slope = all_products * ops.square(deviation) / count
            through_moments = (centred * slope + all_sums / count) * ops.transpose(weights)
            towards_rows = ops.cast((gradient - through_moments) * scale, rows.dtype)
            return towards_rows, (products * deviation)[0], sums[0]

        statistics = [ops.stop_gradient(value) for value in (count, mean[0], squares[0])]
        return (outputs, *statistics), backward

    return ops.custom_gradient(forward)(rows, gamma, beta)


_learn_statistics = contextvars.ContextVar("learn_statistics", default=True)


@contextlib.contextmanager
def statistics_kept() -> Iterator[None]:
    """Context in which batch normalisation in training does not update its running statistics.

    >>> import numpy as np
    >>> from slr_keras.models.layers import MaskedBatchNormalization, statistics_kept
    >>> layer = MaskedBatchNormalization()
    >>> with statistics_kept():
    ...     _ = layer(np.ones((2, 1), "float32"), training=True)
    >>> float(layer.moving_mean[0])
    0.0
    """
    token = _learn_statistics.set(False)
    try:
        yield
    finally:
        _learn_statistics.reset(token)


@keras.saving.register_keras_serializable(PACKAGE)
class MaskedBatchNormalization(keras.layers.Layer):
    """Batch normalisation whose statistics leave padding frames out.

    Momentum, epsilon and the unbiased running variance are PyTorch's. Under `tf.distribute` the
    statistics are those of the global batch, so that the number of devices does not matter.

    Args:
        momentum: fraction of the old running statistics that is kept. Defaults to `0.9`, which is
            `0.1` in PyTorch's convention.
        epsilon: added to the variance. Defaults to `1e-5`.

    Call arguments:
        inputs: `(..., channels)`.
        valid: 1 on real frames, broadcastable to the shape of inputs without its last axis.
            Defaults to all.

    Returns:
        the shape of inputs.

    >>> import numpy as np
    >>> from slr_keras.models.layers import MaskedBatchNormalization
    >>> layer = MaskedBatchNormalization()
    >>> x = np.array([[[1.0], [3.0], [99.0]]], "float32")
    >>> y = layer(x, valid=np.array([[1.0, 1.0, 0.0]], "float32"), training=True)
    >>> np.round(np.asarray(y)[0, :2, 0], 3)
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, inputs_shape, valid_shape=None):
        shape = (inputs_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        # Running statistics stay in float32 whatever the policy: bfloat16 cannot hold 0.9/0.1 sums.
        statistics = {"shape": shape, "trainable": False, "autocast": False, "dtype": "float32"}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **statistics)
        self.moving_variance = self.add_weight(
            name="moving_variance", initializer="ones", **statistics
        )

    def call(self, inputs, valid=None, training=False):
        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        # As in Keras, a frozen layer normalises by its running statistics and does not update them.
        if not (training and self.trainable):
            scale = gamma * ops.rsqrt(self.moving_variance + self.epsilon)
            shift = beta - self.moving_mean * scale
            return inputs * ops.cast(scale, inputs.dtype) + ops.cast(shift, inputs.dtype)
        shape = ops.shape(inputs)
        if valid is None:
            valid = ops.ones((1,) * (len(shape) - 1))
        weights = ops.broadcast_to(ops.cast(valid, "float32"), shape[:-1])
        rows = ops.reshape(inputs, (-1, inputs.shape[-1]))
        outputs, count, mean, squares = normalise_rows(
            rows, ops.reshape(weights, (1, -1)), gamma, beta, self.epsilon
        )
        if _learn_statistics.get():
            unbiased = squares / ops.maximum(count - 1.0, 1.0)
            keep = self.momentum
            self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
            self.moving_variance.assign(self.moving_variance * keep + unbiased * (1 - keep))
        return ops.reshape(outputs, shape)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(PACKAGE)
class Linear(keras.layers.Layer):
    """A fully connected layer on the last axis, as one matrix product over all rows.

    `keras.layers.Dense` gives the same values. On inputs of rank 4 this form is a single matrix
    product and becomes one FULLY_CONNECTED operation in TFLite.

    Args:
        units: size of the last axis of the output.

    Call arguments:
        inputs: `(..., channels)`.

    Returns:
        `(..., units)`.

    >>> import numpy as np
    >>> from slr_keras.models.layers import Linear
    >>> Linear(5)(np.zeros((2, 4, 79, 3), "float32")).shape
    TensorShape([2, 4, 79, 5])
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        fan_in = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(fan_in, self.units), initializer=fan_in_uniform()
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer=bias_uniform(fan_in)
        )

    def call(self, inputs):
        shape = ops.shape(inputs)
        rows = ops.reshape(inputs, (-1, inputs.shape[-1]))
        outputs = ops.matmul(rows, self.kernel) + self.bias
        return ops.reshape(outputs, (*shape[:-1], self.units))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def multiply_adds(self, input_shape) -> int:
        """Multiply-adds for inputs of this shape."""
        return math.prod(input_shape) * self.units

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def sinusoid_frequencies(width: int, base: float = 10000.0) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and phases of the interleaved sine/cosine code: sin(position * f + phase)."""
    pairs = np.arange(width) // 2
    frequencies = base ** (-2.0 * pairs / width)
    phases = np.where(np.arange(width) % 2 == 0, 0.0, np.pi / 2)
    return frequencies, phases


def sinusoid_table(positions: int, width: int) -> np.ndarray:
    """The sinusoidal position code, `(positions, width)`, base 10000, interleaved sine and cosine.

    >>> from slr_keras.models.layers import sinusoid_table
    >>> sinusoid_table(3, 4)[0].round(6).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    frequencies, phases = sinusoid_frequencies(width)
    return np.sin(np.arange(positions)[:, None] * frequencies + phases)
