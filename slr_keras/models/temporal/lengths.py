"""Length of a clip after a list of temporal layers (docs/papers/c2st.md §2.2).

A list such as ("K5", "P2", "K5", "P2") has convolutions without padding (K, kernel size) and
pooling (P, factor).
"""

from collections.abc import Sequence

from slr_keras.models.checks import OptionError

LAYERS = ("K5", "P2", "K5", "P2")


def parse_layers(layers: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Kind and size of every layer.

    Raises:
        ValueError: a layer that is neither K with an odd size nor P with a size.

    >>> from slr_keras.models.temporal.lengths import parse_layers
    >>> parse_layers(("K5", "P2"))
    (('K', 5), ('P', 2))
    """
    parsed = []
    for layer in layers:
        kind, size = layer[:1], layer[1:]
        if kind not in ("K", "P") or not size.isdecimal() or int(size) < 1:
            raise OptionError(f"temporal layer {layer!r}; it must be like K5 or P2")
        if kind == "K" and int(size) % 2 == 0:
            raise OptionError(f"temporal layer {layer!r}; a kernel's size must be odd")
        parsed.append((kind, int(size)))
    return tuple(parsed)


def length_through(length, layers: Sequence[str] = LAYERS):
    """Number of steps after the layers: K subtracts its size - 1, P divides and rounds down.

    Args:
        length: number of steps before the layers; an int, or an integer array or tensor.
        layers: the list of layers.

    >>> from slr_keras.models.temporal import length_through
    >>> length_through(152)
    35
    """
    for kind, size in parse_layers(layers):
        length = length - (size - 1) if kind == "K" else length // size
    return length


def time_stride(layers: Sequence[str] = LAYERS) -> int:
    """Frames per step: the product of the pooling factors.

    >>> from slr_keras.models.temporal import time_stride
    >>> time_stride()
    4
    """
    stride = 1
    for kind, size in parse_layers(layers):
        stride *= size if kind == "P" else 1
    return stride


def edge_padding(layers: Sequence[str] = LAYERS) -> int:
    """Frames to add on either side: the sum of (k - 1) / 2 times the stride at each convolution.

    >>> from slr_keras.models.temporal import edge_padding
    >>> edge_padding()
    6
    """
    padding, stride = 0, 1
    for kind, size in parse_layers(layers):
        if kind == "K":
            padding += (size - 1) // 2 * stride
        else:
            stride *= size
    return padding


def padded_length(frames, layers: Sequence[str] = LAYERS):
    """Frames of a lengthened clip: a whole number of steps, and both edges.

    >>> from slr_keras.models.temporal import length_through, padded_length
    >>> padded_length(138), length_through(padded_length(138))
    (152, 35)
    """
    stride = time_stride(layers)
    return -(-frames // stride) * stride + 2 * edge_padding(layers)
