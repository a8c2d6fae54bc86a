"""Bounds on what a pickle may read, and on the memory that it may fill.

A stream refers to a value again with two bytes, and may hand the same large value to a call any
number of times. Each container and each call is therefore charged by what it makes.
"""

from typing import Any, BinaryIO

import numpy as np

#: Bytes that may be charged for each byte of the file; real files stay below 40.
EXPANSION = 64
#: Bytes that may be charged in any case.
ALLOWANCE = 16 << 20
# A container, an entry of one, and an entry of the memo, in bytes.
CONTAINER, ENTRY, MEMO = 64, 128, 128
# Copies and views of arrays and bytes: a file may hold its bytes four times.
_COPY = 16
_PIECE = 64 << 20


class Refused(Exception):
    """The pickle requests something that plain data does not need; the message says what."""


class Bounded:
    """A stream that neither reads nor allocates more bytes than the file can hold.

    Args:
        stream: where the bytes come from.
        limit: how many there can be at most.
    """

    def __init__(self, stream: BinaryIO, limit: int):
        self.stream = stream
        self.remaining = limit
        self.taken = 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes; nothing at the end of the stream."""
        if not 0 <= size <= self.remaining:
            short = f"{size} bytes announced where {self.remaining} can follow"
            raise EOFError(short if self.remaining else "it ends too early")
        # Piece by piece, since a gzipped stream may announce far more than it will give.
        pieces = [self.stream.read(min(size, _PIECE))]
        while pieces[-1] and sum(map(len, pieces)) < size:
            pieces.append(self.stream.read(min(size - sum(map(len, pieces)), _PIECE)))
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._count(data)
        return data

    def readline(self) -> bytes:
        """The next line with its newline."""
        data = self.stream.readline(self.remaining)
        self._count(data)
        return data

    def _count(self, data: bytes) -> None:
        self.remaining -= len(data)
        self.taken += len(data)


class Budget:
    """Counts what a pickle makes against the bytes that were read.

    Args:
        stream: counts the bytes that it gave.
        outside: bytes of the same file outside of the stream.
        most: bound on the bytes that count, for a compressed stream; None: no bound.

    >>> import io
    >>> from slr_keras.data.pickles.budget import Bounded, Budget
    >>> budget = Budget(Bounded(io.BytesIO(), 0))
    >>> budget.charge_made(b"bytes")
    >>> budget.spent
    80
    """

    def __init__(self, stream: Bounded, outside: int = 0, most: int | None = None):
        self._stream = stream
        self._outside = outside
        self._most = most
        self.spent = 0

    def charge(self, amount: int) -> None:
        """Count bytes.

        Raises:
            Refused: it is more than the file allows.
        """
        self.spent += amount
        if self.spent > ALLOWANCE:
            held = self._stream.taken + self._outside
            if self._most is not None:
                held = min(held, self._most)
            if self.spent > ALLOWANCE + EXPANSION * held:
                raise Refused("it expands to far more than its file holds")

    def charge_made(self, value: Any) -> None:
        """Count what a call has made."""
        if isinstance(value, str | bytes | bytearray):
            self.charge(_COPY * len(value))
        elif isinstance(value, np.ndarray):
            self.charge(_COPY * value.nbytes)
        elif isinstance(value, list | tuple | dict):
            self.charge(ENTRY * len(value))
