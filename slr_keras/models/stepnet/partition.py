"""Overlapping segments of a clip (docs/papers/stepnet.md §5)."""

import keras

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE


def segment_starts(steps: int, length: int, segments: int) -> tuple[int, ...]:
    """First steps of segments that are evenly spread over a clip, rounded half up.

    Args:
        steps: T, steps of the clip.
        length: L, steps of each segment.
        segments: N, number of segments.

    Raises:
        ValueError: segments that are longer than the clip or do not cover it.

    >>> from slr_keras.models.stepnet.partition import segment_starts
    >>> segment_starts(16, 8, 3), segment_starts(16, 6, 4)
    ((0, 4, 8), (0, 3, 7, 10))
    """
    if segments < 1 or not 1 <= length <= steps or segments * length < steps:
        raise OptionError(
            f"{segments} segments of {length} steps do not cover a clip of {steps}; choose "
            f"segments * segment_steps of at least {steps}, and segment_steps of at most {steps}"
        )
    spaces = max(segments - 1, 1)
    return tuple((2 * i * (steps - length) + spaces) // (2 * spaces) for i in range(segments))


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalPartition(keras.layers.Layer):
    """Cut clips into overlapping segments.

    Args:
        segments: N, number of segments. Defaults to `3`.
        length: L, steps of each segment. Defaults to `8`.

    Call arguments:
        inputs: `(batch, steps, channels)`, steps static.

    Returns:
        N tensors `(batch, L, channels)`.

    Raises:
        ValueError: segments that do not cover the clip.

    >>> import numpy as np
    >>> from slr_keras.models.stepnet import TemporalPartition
    >>> clip = np.arange(16.0).reshape(1, 16, 1)
    >>> [float(segment[0, 0, 0]) for segment in TemporalPartition()(clip)]
    [0.0, 4.0, 8.0]
    """

    def __init__(self, segments: int = 3, length: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.segments = segments
        self.length = length

    def call(self, inputs):
        starts = segment_starts(inputs.shape[1], self.length, self.segments)
        return [inputs[:, start : start + self.length] for start in starts]

    def compute_output_shape(self, inputs_shape):
        segment_starts(inputs_shape[1], self.length, self.segments)
        return [(inputs_shape[0], self.length, inputs_shape[2])] * self.segments

    def get_config(self):
        return {**super().get_config(), "segments": self.segments, "length": self.length}
