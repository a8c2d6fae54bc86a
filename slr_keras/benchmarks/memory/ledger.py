"""Ledger of a dry run: tensors with a size and no content, and the memory that they would take.

A buffer leaves the book when the last tensor that uses it is gone, which is when Python drops it:
views share a buffer as TensorFlow's do, and no reference is counted here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

# TensorFlow's allocators give multiples of it.
ALIGNMENT = 256


class Ledger:
    """Bytes in use, by kind, and what they were at their most.

    Attributes:
        kind: of the buffers that are made from now on.
        live: bytes in use of each kind.
        peak: the most bytes that were in use at a time.
        at_peak: `live` at that time.

    >>> from slr_keras.benchmarks.memory.ledger import Ledger
    >>> ledger = Ledger()
    >>> buffer = ledger.buffer(1000)
    >>> del buffer
    >>> ledger.peak, sum(ledger.live.values())
    (1024, 0)
    """

    def __init__(self, kind: str = "activations"):
        self.kind = kind
        self.live: Counter[str] = Counter()
        self.peak = 0
        self.at_peak: dict[str, int] = {}
        self._total = 0

    def buffer(self, size: int) -> "Buffer":
        """Take some bytes; they are given back when the buffer is dropped."""
        return Buffer(self, -(-size // ALIGNMENT) * ALIGNMENT, self.kind)

    def enter(self, kind: str, size: int) -> None:
        """Count bytes of a kind, or with a negative size no longer count them."""
        self.live[kind] += size
        self._total += size
        if self._total > self.peak:
            self.peak = self._total
            self.at_peak = dict(self.live)


class Buffer:
    """Bytes of memory."""

    __slots__ = ("kind", "ledger", "size")

    def __init__(self, ledger: Ledger, size: int, kind: str):
        self.ledger, self.size, self.kind = ledger, size, kind
        ledger.enter(kind, size)

    def __del__(self):
        self.ledger.enter(self.kind, -self.size)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of known shape.

    Attributes:
        dtype: TensorFlow's.
        shape: all sizes known.
        buffer: where it lies; others may lie there too.
        value: its content, where it follows from shapes and lengths.
    """

    dtype: tf.DType
    shape: tuple[int, ...]
    buffer: Buffer = field(repr=False)
    value: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return bytes_of(self.shape, self.dtype)


@dataclass(frozen=True, slots=True)
class TensorList:
    """TensorFlow's list of tensors; None where nothing was written yet.

    Attributes:
        items: the tensors.
        shape: of an item; None or sizes below 0 where it is open.
        dtype: of an item.
    """

    items: tuple[Tensor | None, ...]
    shape: tuple[int, ...] | None
    dtype: tf.DType

    def item_shape(self) -> tuple[int, ...]:
        """The shape of an item that was never written."""
        known = (item.shape for item in self.items if item is not None)
        closed = self.shape is not None and all(size >= 0 for size in self.shape)
        return self.shape if closed else next(known, ())


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, known by its handle; it stays where it is."""

    tensor: Tensor


Value = Tensor | TensorList | Variable


def bytes_of(shape: Sequence[int], dtype: tf.DType) -> int:
    """Bytes of a tensor.

    >>> import tensorflow as tf
    >>> from slr_keras.benchmarks.memory.ledger import bytes_of
    >>> bytes_of((2, 3), tf.bfloat16)
    12
    """
    count = 1
    for size in shape:
        count *= size
    return count * dtype.size
