"""Temporal pooling: Temporal Lift Pooling, and VAC's max-pooling (docs/papers/c2st.md §2.4)."""

import math

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, Linear, bias_uniform
from slr_keras.models.temporal.instance_norm import MaskedInstanceNormalization, wide_dtype

# The published weights of the two losses were tuned with batches of two clips.
PUBLISHED_BATCH = 2


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalLiftPooling(keras.layers.Layer):
    """Temporal Lift Pooling: a learned lifting step of a wavelet transform.

    With the even and odd steps x_e and x_o,

        d = x_o - P(x_e)        detail
        s = x_e + U(d)          approximation
        y = W_1(s) + W_2(d)
        L_u = ||s - x_o||_F,    L_p = ||d||_F

    where P and U are a depthwise convolution, ReLU, a pointwise convolution and tanh, and
    W(z) = z + z * (sigmoid(IN(conv_5(z))) - 1/2). The pointwise convolutions and the convolutions
    of W have zero initial weights, so that y = s + d at first.

    In the published form, the padding of the batch counts in the norms, the instance normalisation
    and the convolutions, and the norms grow with the batch size. Here, unless `masked` is False,
    the result of a clip does not depend on the batch.

    Reference: Hu et al., "Temporal Lift Pooling for Continuous Sign Language Recognition", ECCV
    2022.

    Args:
        kernel_size: kernel size of P and U, odd. Defaults to `3` (PHOENIX); `5` for CSL-Daily.
        masked: `False` for the published form. Defaults to `True`.

    Call arguments:
        inputs: `(batch, time, channels)`.
        valid: `(batch, time)`, 1 on real steps, which come first. Defaults to all. An odd last
            step is dropped.

    Returns:
        - pooled `(batch, time // 2, channels)`, 0 on padding in the masked form;
        - its mask `(batch, time // 2)` float32;
        - L_u and L_p, `(batch,)` float32. Masked: the norm over the clip's steps times sqrt(2),
          which is the published loss of a batch of two such clips. Published form: the norm of the
          whole tensor, the same for every clip. In both forms the loss is the mean over clips.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import TemporalLiftPooling
    >>> outputs = TemporalLiftPooling()(np.ones((2, 8, 4), "float32"))
    >>> [tuple(output.shape) for output in outputs]
    [(2, 4, 4), (2, 4), (2,), (2,)]
    """

    def __init__(self, kernel_size: int = 3, masked: bool = True, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise OptionError(f"kernel_size must be odd; got {kernel_size}")
        self.kernel_size = kernel_size
        self.masked = masked

    def build(self, inputs_shape, valid_shape=None):
        channels = inputs_shape[-1]
        for name in ("predict", "update"):
            setattr(self, name, _LiftStep(self.kernel_size, dtype=self.dtype_policy, name=name))
        for name in ("weigh_approximation", "weigh_detail"):
            setattr(self, name, _LocalWeighting(dtype=self.dtype_policy, name=name))
        halved = (inputs_shape[0], None, channels)
        for layer in (self.predict, self.update, self.weigh_approximation, self.weigh_detail):
            layer.build(halved)

    def call(self, inputs, valid=None):
        if valid is None:
            valid = ops.ones_like(ops.cast(inputs[..., 0], "float32"))
        pooled_valid = ops.cast(valid[:, 1::2], "float32")
        if self.masked:
            inputs = inputs * ops.expand_dims(ops.cast(valid, inputs.dtype), -1)
        seen = pooled_valid if self.masked else None
        even, odd = inputs[:, :-1:2], inputs[:, 1::2]
        # The last step of a clip of odd length has no partner.
        even = _erase(even, seen)
        detail = _erase(odd - self.predict(even), seen)
        approximation = _erase(even + self.update(detail), seen)
        pooled = self.weigh_approximation(approximation, seen) + self.weigh_detail(detail, seen)
        update_loss = self._norm(_erase(approximation - odd, seen))
        prediction_loss = self._norm(detail)
        return _erase(pooled, seen), pooled_valid, update_loss, prediction_loss

    def _norm(self, values):
        wide = wide_dtype(self.compute_dtype)
        squares = ops.sum(ops.square(ops.cast(values, wide)), axis=(1, 2))
        if self.masked:
            squares = squares * PUBLISHED_BATCH
        else:
            squares = ops.broadcast_to(ops.sum(squares, keepdims=True), ops.shape(squares))
        # The root has no finite derivative at 0, the value for a clip without steps.
        return ops.sqrt(ops.maximum(squares, keras.config.epsilon() ** 2))

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return _pooled_shapes(inputs_shape, 2)

    def compute_output_spec(self, inputs, valid=None):
        return _pooled_spec(self, inputs, 2)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, time, channels)`."""
        batch, time, channels = inputs_shape
        lifting = 2 * channels * (self.kernel_size + channels)
        weighting = 2 * _LocalWeighting.KERNEL * channels**2
        return batch * (time // 2) * (lifting + weighting)

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size, "masked": self.masked}


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalMaxPooling(keras.layers.Layer):
    """Max-pooling over time, as in VAC, with the outputs of lift pooling.

    Args:
        factor: steps per pooled step (pool_size). Defaults to `2`.

    Call arguments:
        inputs: `(batch, time, channels)`.
        valid: `(batch, time)`, 1 on real steps. Defaults to all. Steps that do not fill a window
            are dropped.

    Returns:
        as `TemporalLiftPooling`, with both losses 0.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import TemporalMaxPooling
    >>> np.asarray(TemporalMaxPooling()(np.arange(4.0).reshape(1, 4, 1))[0])[0, :, 0]
    array([1., 3.], dtype=float32)
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs, valid=None):
        if valid is None:
            valid = ops.ones_like(ops.cast(inputs[..., 0], "float32"))
        pooled_valid = ops.cast(valid[:, self.factor - 1 :: self.factor], "float32")
        pooled = ops.max_pool(inputs, self.factor, self.factor, padding="valid")
        nothing = ops.zeros_like(pooled_valid[:, 0], dtype=wide_dtype(self.compute_dtype))
        return _erase(pooled, pooled_valid), pooled_valid, nothing, nothing

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return _pooled_shapes(inputs_shape, self.factor)

    def compute_output_spec(self, inputs, valid=None):
        return _pooled_spec(self, inputs, self.factor)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(PACKAGE)
class _LiftStep(keras.layers.Layer):
    """P and U: depthwise convolution, ReLU, pointwise convolution with zero weights, tanh."""

    def __init__(self, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, inputs_shape):
        bound = 1 / math.sqrt(self.kernel_size)
        uniform = keras.initializers.RandomUniform(-bound, bound)
        self.depthwise = keras.layers.DepthwiseConv1D(
            self.kernel_size,
            padding="same",
            # Keras counts all channels as fan-in, PyTorch the one that each filter sees.
            depthwise_initializer=uniform,
            bias_initializer=bias_uniform(self.kernel_size),
            dtype=self.dtype_policy,
            name="depthwise",
        )
        self.pointwise = Linear(inputs_shape[-1], dtype=self.dtype_policy, name="pointwise")
        self.depthwise.build(inputs_shape)
        self.pointwise.build(inputs_shape)
        self.pointwise.kernel.assign(ops.zeros_like(self.pointwise.kernel))

    def call(self, inputs):
        return ops.tanh(self.pointwise(ops.relu(self.depthwise(inputs))))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape


@keras.saving.register_keras_serializable(PACKAGE)
class _LocalWeighting(keras.layers.Layer):
    """W: scale each value by 1/2 to 3/2, depending on its neighbours in time."""

    KERNEL = 5

    def build(self, inputs_shape, valid_shape=None):
        channels = inputs_shape[-1]
        self.convolution = keras.layers.Conv1D(
            channels,
            self.KERNEL,
            padding="same",
            kernel_initializer="zeros",
            bias_initializer=bias_uniform(self.KERNEL * channels),
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.norm = MaskedInstanceNormalization(dtype=self.dtype_policy, name="norm")
        self.convolution.build(inputs_shape)
        self.norm.build(inputs_shape)

    def call(self, inputs, valid=None):
        weight = ops.sigmoid(self.norm(self.convolution(inputs), valid)) - 0.5
        return inputs + inputs * weight

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return inputs_shape


def _erase(values, valid):
    """Zeros on padding; without a mask, the values as they are."""
    if valid is None:
        return values
    return values * ops.expand_dims(ops.cast(valid, values.dtype), -1)


def _pooled_shapes(inputs_shape, factor):
    batch, time, channels = inputs_shape
    steps = None if time is None else time // factor
    return (batch, steps, channels), (batch, steps), (batch,), (batch,)


def _pooled_spec(layer, inputs, factor):
    return pooled_specs(layer.compute_dtype, *layer.compute_output_shape(inputs.shape))


def pooled_specs(dtype, pooled, valid, update_loss, prediction_loss):
    """Specs of pooled steps, their mask and the two losses, by their shapes.

    The mask is float32; the losses are float32, or float64 if the compute dtype is.
    """
    losses = (
        keras.KerasTensor(shape, dtype=wide_dtype(dtype))
        for shape in (update_loss, prediction_loss)
    )
    return keras.KerasTensor(pooled, dtype=dtype), keras.KerasTensor(valid, "float32"), *losses
