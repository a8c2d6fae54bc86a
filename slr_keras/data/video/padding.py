"""The clip padding of VAC, for a network whose convolutions do not pad (specs/c2st.md §2.2).

A temporal network is written as a list of layers: "K5" is a convolution of 5 frames without
padding, "P2" a pooling by 2. The models here pad features in place of frames, which gives the same
for a backbone that sees one frame at a time; this form is for parity with published weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.utils.errors import UserError

LAYERS = ("K5", "P2", "K5", "P2")


@dataclass(frozen=True)
class ClipPadding:
    """How the clips of a batch are padded.

    Attributes:
        left: copies of the first frame before every clip.
        padded: length of every clip in the batch, both paddings included.
        valid: of every clip, the length that the network is told.

    >>> from slr_keras.data.video.padding import vac_padding
    >>> vac_padding([2]).indices(2).tolist()
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    """

    left: int
    padded: int
    valid: tuple[int, ...]

    def indices(self, frames: int) -> np.ndarray:
        """`(padded,)` int64: which frame of a clip of `frames` frames stands at each place."""
        return np.clip(np.arange(self.padded) - self.left, 0, frames - 1)


def vac_padding(lengths: Sequence[int], layers: Sequence[str] = LAYERS) -> ClipPadding:
    """The padding under which `ceil(frames / stride)` steps leave the network for every clip.

    With the stride of all layers together, the left padding is the sum of (k - 1)/2 times the
    stride before each convolution, a clip's valid length `ceil(frames / stride) stride + 2 left`,
    and all are padded to the longest valid length (specs/c2st.md §2.2, the general form).

    Args:
        lengths: frames of the clips of a batch.
        layers: the temporal network.

    Raises:
        UserError: a layer that is neither K nor P, an even convolution, or a clip with no frames.

    >>> from slr_keras.data.video.padding import output_length, vac_padding
    >>> padding = vac_padding([138, 100])
    >>> padding.left, padding.padded, padding.valid, output_length(152)
    (6, 152, (152, 112), 35)
    """
    if min(lengths) < 1:
        raise UserError("a clip has no frames; remove it from the manifest")
    left, stride = 0, 1
    for kind, size in map(_parse, layers):
        if kind == "K":
            if size % 2 == 0:
                raise UserError(f"layer K{size}: only a convolution of odd length has a centre")
            left += (size - 1) // 2 * stride
        else:
            stride *= size
    valid = tuple(-(-int(frames) // stride) * stride + 2 * left for frames in lengths)
    return ClipPadding(left, max(valid), valid)


def output_length(length: int, layers: Sequence[str] = LAYERS) -> int:
    """Steps that leave the network for an input of `length` frames, padding included."""
    for kind, size in map(_parse, layers):
        length = length - size + 1 if kind == "K" else length // size
    return length


def _parse(layer: str) -> tuple[str, int]:
    kind, size = layer[:1], layer[1:]
    if kind not in ("K", "P") or not size.isdecimal() or int(size) < 1:
        raise UserError(f"temporal layer {layer!r} is unknown; write K5 or P2")
    return kind, int(size)
