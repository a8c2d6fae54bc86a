"""1D-TCN: frame features to local gloss features, one per 4 frames.

See docs/papers/c2st.md §2.2, §2.4.
"""

from collections.abc import Sequence

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, MaskedBatchNormalization, bias_uniform, fan_in_uniform
from slr_keras.models.temporal.instance_norm import wide_dtype
from slr_keras.models.temporal.lengths import (
    LAYERS,
    edge_padding,
    length_through,
    padded_length,
    parse_layers,
    time_stride,
)
from slr_keras.models.temporal.pooling import (
    TemporalLiftPooling,
    TemporalMaxPooling,
    pooled_specs,
)

POOLINGS = ("lift", "max")


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalConvolution(keras.layers.Layer):
    """1D-TCN: convolution, batch normalisation, ReLU and pooling, by default twice (K5 P2 K5 P2).

    The convolutions do not pad. Instead, each clip is first lengthened by copies of its first and
    last real feature (6 and 6 for K5 P2 K5 P2), so that a clip of N frames gives ceil(N/4) steps,
    independent of the other clips in the batch.

    Args:
        width: channels of the output (hidden_dim). Defaults to `1024`.
        layers: the list of layers, see `lengths`. Defaults to K5, P2, K5, P2.
        pooling: "lift" for Temporal Lift Pooling, "max" for VAC's. Defaults to `"lift"`.
        lift_kernel: kernel size of lift pooling. Defaults to `3` (PHOENIX); `5` for CSL-Daily.
        masked: `False` for the published form, in which the padding of the batch counts in the
            statistics of both normalisations, the pooling's convolutions and its losses. Defaults
            to `True`.
        edges: whether this layer lengthens the clips; `False` if their frames were lengthened
            before. Defaults to `True`.

    Call arguments:
        features: `(batch, frames, channels)`.
        valid: `(batch, frames)`, 1 on real frames, which come first. Defaults to all.

    Returns:
        - local features `(batch, ceil(frames / 4), width)`, 0 on padding in the masked form;
        - their mask `(batch, ceil(frames / 4))` float32;
        - the pooling's losses L_u and L_p `(batch,)` float32, summed over the poolings.

    >>> import numpy as np
    >>> from slr_keras.models.temporal import TemporalConvolution
    >>> local, valid, _, _ = TemporalConvolution(8)(np.ones((1, 12, 4), "float32"))
    >>> local.shape, np.asarray(valid)
    (TensorShape([1, 3, 8]), array([[1., 1., 1.]], dtype=float32))
    """

    def __init__(
        self,
        width: int = 1024,
        layers: Sequence[str] = LAYERS,
        pooling: str = "lift",
        lift_kernel: int = 3,
        masked: bool = True,
        edges: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if pooling not in POOLINGS:
            raise OptionError(f"pooling {pooling!r}; it must be one of {', '.join(POOLINGS)}")
        parsed = parse_layers(layers)
        if pooling == "lift" and any(kind == "P" and size != 2 for kind, size in parsed):
            raise OptionError("lift pooling halves time: its layers can only be P2")
        self.width = width
        self.layer_list = tuple(layers)
        self.pooling = pooling
        self.lift_kernel = lift_kernel
        self.masked = masked
        self.edges = edges
        self.edge = edge_padding(layers)
        self.stride = time_stride(layers)

    def build(self, features_shape, valid_shape=None):
        batch, _, channels = features_shape
        self.stages = []
        for number, (kind, size) in enumerate(parse_layers(self.layer_list)):
            stage = self._stage(number, kind, size, channels)
            channels = self.width if kind == "K" else channels
            stage.build((batch, None, features_shape[-1] if number == 0 else self.width))
            self.stages.append(stage)

    def _stage(self, number, kind, size, channels):
        name, policy = f"{kind}{size}_{number}", self.dtype_policy
        if kind == "K":
            return _ConvolutionStage(
                self.width, size, channels, self.masked, name=name, dtype=policy
            )
        if self.pooling == "max":
            return TemporalMaxPooling(size, name=name, dtype=policy)
        return TemporalLiftPooling(self.lift_kernel, self.masked, name=name, dtype=policy)

    def call(self, features, valid=None, training=False):
        if valid is None:
            valid = ops.ones_like(ops.cast(features[..., 0], "float32"))
        x = features
        if self.edges:
            x, valid = lengthen(features, valid, self.edge, self.stride)
        # Autocasting may have cast it with the features.
        valid = ops.cast(valid, "float32")
        wide = wide_dtype(self.compute_dtype)
        update_loss = prediction_loss = ops.zeros_like(valid[:, 0], dtype=wide)
        for stage in self.stages:
            if isinstance(stage, _ConvolutionStage):
                x, valid = stage(x, valid, training=training)
            else:
                x, valid, update, prediction = stage(x, valid)
                update_loss, prediction_loss = update_loss + update, prediction_loss + prediction
        return x, valid, update_loss, prediction_loss

    def compute_output_shape(self, features_shape, valid_shape=None):
        batch, frames, _ = features_shape
        steps = None if frames is None else length_through(self._length(frames), self.layer_list)
        return (batch, steps, self.width), (batch, steps), (batch,), (batch,)

    def compute_output_spec(self, features, valid=None, training=False):
        return pooled_specs(self.compute_dtype, *self.compute_output_shape(features.shape))

    def multiply_adds(self, features_shape, valid_shape=None) -> int:
        """Multiply-adds for `(batch, frames, channels)`."""
        batch, frames, channels = features_shape
        length = self._length(frames)
        total = 0
        for kind, size in parse_layers(self.layer_list):
            if kind == "K":
                length -= size - 1
                total += batch * length * size * channels * self.width
                channels = self.width
            else:
                if self.pooling == "lift":
                    lift = TemporalLiftPooling(self.lift_kernel)
                    total += lift.multiply_adds((batch, length, channels))
                length //= size
        return total

    def _length(self, frames: int) -> int:
        """Length of a clip at the first convolution."""
        return padded_length(frames, self.layer_list) if self.edges else frames

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "layers": self.layer_list,
            "pooling": self.pooling,
            "lift_kernel": self.lift_kernel,
            "masked": self.masked,
            "edges": self.edges,
        }


def lengthen(features, valid, edge: int, stride: int):
    """Lengthen every clip by copies of its first feature on the left and its last on the right.

    Args:
        features: `(batch, frames, channels)`.
        valid: `(batch, frames)`, 1 on real frames, which come first.
        edge: number of copies on either side.
        stride: the last feature is first repeated up to a multiple of `stride` features.

    Returns:
        `(batch, ceil(frames / stride) * stride + 2 * edge, channels)`, 0 after the right edge of
        each clip, and its mask in float32.

    >>> import numpy as np
    >>> from slr_keras.models.temporal.convolution import lengthen
    >>> features = np.array([[[1.0], [2.0], [9.0], [9.0]]], "float32")
    >>> x, valid = lengthen(features, np.array([[1.0, 1.0, 0.0, 0.0]]), edge=1, stride=2)
    >>> np.asarray(x)[0, :, 0]
    array([1., 1., 2., 2., 0., 0.], dtype=float32)
    """
    shape = ops.shape(features)
    batch, frames, channels = shape[0], shape[1], features.shape[-1]
    lengths = ops.cast(ops.sum(ops.cast(valid, "float32"), axis=1), "int32")
    place = ops.maximum(lengths - 1, 0)[:, None, None]
    last = ops.take_along_axis(features, ops.broadcast_to(place, (batch, 1, channels)), axis=1)
    body = ops.where(ops.expand_dims(ops.cast(valid, "bool"), -1), features, last)
    right = edge + (-frames) % stride
    whole = ops.concatenate(
        [
            ops.broadcast_to(features[:, :1], (batch, edge, channels)),
            body,
            ops.broadcast_to(last, (batch, right, channels)),
        ],
        axis=1,
    )
    # A clip without frames stays empty.
    real = ops.where(lengths > 0, (lengths + stride - 1) // stride * stride + 2 * edge, 0)
    inside = ops.arange(edge + frames + right)[None, :] < real[:, None]
    whole = ops.where(ops.expand_dims(inside, -1), whole, ops.zeros_like(whole))
    return whole, ops.cast(inside, "float32")


@keras.saving.register_keras_serializable(PACKAGE)
class _ConvolutionStage(keras.layers.Layer):
    """Convolution without padding, batch normalisation, ReLU; shortens clips by kernel_size - 1."""

    def __init__(self, width, kernel_size, channels, masked, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.kernel_size = kernel_size
        self.channels = channels
        self.masked = masked

    def build(self, inputs_shape, valid_shape=None):
        self.convolution = keras.layers.Conv1D(
            self.width,
            self.kernel_size,
            kernel_initializer=fan_in_uniform(),
            bias_initializer=bias_uniform(self.kernel_size * self.channels),
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.norm = MaskedBatchNormalization(dtype=self.dtype_policy, name="norm")
        self.convolution.build((*inputs_shape[:2], self.channels))
        self.norm.build((*inputs_shape[:2], self.width))

    def call(self, inputs, valid, training=False):
        valid = ops.cast(valid[:, self.kernel_size - 1 :], "float32")
        x = self.convolution(inputs)
        x = self.norm(x, valid=valid if self.masked else None, training=training)
        return ops.relu(x), valid

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "kernel_size": self.kernel_size,
            "channels": self.channels,
            "masked": self.masked,
        }
