"""The temporal shift of TSM (docs/papers/stepnet.md §3.3)."""

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class TemporalShift(keras.layers.Layer):
    """Replace some channels of a frame by those of the neighbouring frames of the clip.

    With f = channels // divisor, the first f channels come from the frame after, the next f from
    the frame before, the rest stay; beyond the ends of a clip there are zeros.

    Reference: Lin et al., "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV
    2019.

    Args:
        frames: T, frames of each clip.
        divisor: 2 / divisor of the channels are shifted (fold_div). Defaults to `8`.

    Call arguments:
        inputs: `(clips * frames, height, width, channels)`, clip by clip.

    Returns:
        the shape of inputs.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.shift import TemporalShift
    >>> frames = np.tile(np.arange(1.0, 4.0).reshape(3, 1, 1, 1), 4).astype("float32")
    >>> np.asarray(TemporalShift(frames=3, divisor=4)(frames))[:, 0, 0].tolist()
    [[2.0, 0.0, 1.0, 1.0], [3.0, 1.0, 2.0, 2.0], [0.0, 2.0, 3.0, 3.0]]
    """

    def __init__(self, frames: int, divisor: int = 8, **kwargs):
        super().__init__(**kwargs)
        if frames < 1:
            raise OptionError(f"a clip has at least 1 frame; got {frames}")
        if divisor < 2:
            raise OptionError(
                f"2 / divisor of the channels move, so that it is 2 at least: {divisor}"
            )
        self.frames = frames
        self.divisor = divisor

    def call(self, inputs):
        moved = inputs.shape[-1] // self.divisor
        if not moved:
            return inputs
        clips = ops.reshape(inputs, (-1, self.frames, *ops.shape(inputs)[1:]))
        sides = ((0, 0),) * 3
        after = ops.pad(clips[:, 1:, ..., :moved], ((0, 0), (0, 1), *sides))
        before = ops.pad(clips[:, :-1, ..., moved : 2 * moved], ((0, 0), (1, 0), *sides))
        clips = ops.concatenate([after, before, clips[..., 2 * moved :]], axis=-1)
        return ops.reshape(clips, ops.shape(inputs))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "frames": self.frames, "divisor": self.divisor}
