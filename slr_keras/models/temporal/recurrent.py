"""Recurrent layers: BiLSTM (docs/papers/c2st.md §2.5) and GRU (docs/papers/stepnet.md §5)."""

import math

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class BiLstm(keras.layers.Layer):
    """Stacked bidirectional LSTMs; the backward direction starts at the last step of each clip.

    Keras has one bias where PyTorch adds two: 8192 parameters less at the default size, for the
    same function.

    Args:
        units: units of each direction (hidden_dim). Defaults to `512`.
        layers: number of layers (num_layers). Defaults to `2`.
        dropout: dropout rate between the layers, not after the last. Defaults to `0.3`.

    Call arguments:
        inputs: `(batch, steps, channels)`.
        valid: `(batch, steps)`, 1 on real steps, which come first. Defaults to all.

    Returns:
        `(batch, steps, 2 * units)`, forward and then backward; 0 on padding.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import BiLstm
    >>> BiLstm(4)(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 5, 8])
    """

    def __init__(self, units: int = 512, layers: int = 2, dropout: float = 0.3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.layer_count = layers
        self.dropout = dropout

    def build(self, inputs_shape, valid_shape=None):
        policy = self.dtype_policy
        self.directions, self.dropouts = [], []
        shape = tuple(inputs_shape)
        for number in range(self.layer_count):
            layer = _BothDirections(self.units, dtype=policy, name=f"layer_{number}")
            layer.build(shape)
            shape = (*shape[:2], 2 * self.units)
            self.directions.append(layer)
            if number + 1 < self.layer_count:
                self.dropouts.append(keras.layers.Dropout(self.dropout, dtype=policy))

    def call(self, inputs, valid=None, training=False):
        if valid is None:
            valid = ops.ones_like(ops.cast(inputs[..., 0], "float32"))
        steps = ops.cast(valid, "bool")
        x = inputs
        for number, layer in enumerate(self.directions):
            x = layer(x, mask=steps, training=training)
            if number < len(self.dropouts):
                x = self.dropouts[number](x, training=training)
        return x * ops.expand_dims(ops.cast(valid, x.dtype), -1)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        return (*inputs_shape[:2], 2 * self.units)

    def multiply_adds(self, inputs_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, steps, channels = inputs_shape
        inner = (self.layer_count - 1) * 3 * self.units
        return batch * steps * 8 * self.units * (channels + self.units + inner)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "layers": self.layer_count,
            "dropout": self.dropout,
        }


class _BothDirections(keras.layers.Layer):
    """A forward and a backward LSTM: `(batch, steps, C)` to `(batch, steps, 2 * units)`.

    Not `keras.layers.Bidirectional`, which caches copies of layers by `id()`: within `load_model`,
    it can take the copy of a deleted layer that had the same id.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.forward_layer = _lstm(units, self.dtype_policy, "forward_lstm")
        self.backward_layer = _lstm(units, self.dtype_policy, "backward_lstm")

    def build(self, inputs_shape):
        self.forward_layer.build(inputs_shape)
        self.backward_layer.build(inputs_shape)

    def call(self, inputs, mask=None, training=False):
        forward = self.forward_layer(inputs, mask=mask, training=training)
        # The backward layer returns its last step first.
        backward = ops.flip(self.backward_layer(inputs, mask=mask, training=training), axis=1)
        return ops.concatenate([forward, backward], axis=-1)


@keras.saving.register_keras_serializable(PACKAGE)
class GruStack(keras.layers.Layer):
    """Stacked GRUs over clips of one length (docs/papers/stepnet.md §5), equal to PyTorch's.

    Args:
        width: channels of the output (hidden_dim); each of two directions has half of them.
        layers: number of layers (num_layers). Defaults to `2`.
        bidirectional: whether each layer has a backward direction. Defaults to `True`.

    Call arguments:
        inputs: `(batch, steps, channels)`.

    Returns:
        `(batch, steps, width)`; with two directions, forward and then backward.

    Raises:
        ValueError: an odd width for two directions, or no layer.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import GruStack
    >>> GruStack(8)(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 5, 8])
    """

    def __init__(self, width: int, layers: int = 2, bidirectional: bool = True, **kwargs):
        super().__init__(**kwargs)
        if layers < 1:
            raise OptionError(f"a stack has at least 1 layer; got {layers}")
        if bidirectional and width % 2:
            raise OptionError(f"width is {width}; the two directions of a GRU share it evenly")
        self.width = width
        self.layer_count = layers
        self.bidirectional = bidirectional
        self.units = width // 2 if bidirectional else width

    def build(self, inputs_shape):
        self.forward_layers, self.backward_layers = [], []
        shape = tuple(inputs_shape)
        for number in range(self.layer_count):
            self.forward_layers.append(self._gru(f"forward_{number}", shape))
            if self.bidirectional:
                self.backward_layers.append(self._gru(f"backward_{number}", shape))
            shape = (*shape[:2], self.width)

    def _gru(self, name: str, shape) -> keras.layers.GRU:
        """A GRU with PyTorch's equations and initial weights, uniform in ±1/sqrt(units)."""
        bound = 1 / math.sqrt(self.units)
        uniform = keras.initializers.RandomUniform(-bound, bound)
        layer = keras.layers.GRU(
            self.units,
            return_sequences=True,
            reset_after=True,
            go_backwards=name.startswith("backward"),
            kernel_initializer=uniform.clone(),
            recurrent_initializer=uniform.clone(),
            bias_initializer=uniform.clone(),
            name=name,
            dtype=self.dtype_policy,
        )
        layer.build(shape)
        return layer

    def call(self, inputs, training=False):
        x = inputs
        for number, forward in enumerate(self.forward_layers):
            outputs = forward(x, training=training)
            if self.bidirectional:
                # The backward layer returns its last step first.
                backward = ops.flip(self.backward_layers[number](x, training=training), axis=1)
                outputs = ops.concatenate([outputs, backward], axis=-1)
            x = outputs
        return x

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:2], self.width)

    def multiply_adds(self, inputs_shape) -> int:
        """Multiply-adds for `(batch, steps, channels)`."""
        batch, steps, channels = inputs_shape
        inside = self.layer_count * (self.units + self.width) - self.width
        return batch * steps * 3 * self.width * (channels + inside)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "layers": self.layer_count,
            "bidirectional": self.bidirectional,
        }


def _lstm(units, policy, name):
    """An LSTM with PyTorch's initial weights, uniform in ±1/sqrt(units)."""
    bound = 1 / math.sqrt(units)
    # The sum of PyTorch's two biases has this spread.
    bias_bound = math.sqrt(2) * bound
    uniform = keras.initializers.RandomUniform
    return keras.layers.LSTM(
        units,
        return_sequences=True,
        kernel_initializer=uniform(-bound, bound),
        recurrent_initializer=uniform(-bound, bound),
        bias_initializer=uniform(-bias_bound, bias_bound),
        unit_forget_bias=False,
        go_backwards=name.startswith("backward"),
        # Padding: zeros, not the last real step once more.
        zero_output_for_mask=True,
        # Without a name, Keras numbers the layer, and a weight's path differs from model to model.
        name=name,
        dtype=policy,
    )
