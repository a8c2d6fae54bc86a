"""Limits of the development server: calls at once, time to send a request, rate of refusals.

A request costs memory from its first byte. It therefore takes a place before the server reads it,
and no more than `Calls.most` requests have a place. Where all places are taken, a client that is
slow to send its request loses its place to the next one. Answers to bad requests are slowed down.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Iterator

from export.serving.failure import ServingError

# Seconds after which a request that has not arrived gives its place to another.
_PATIENCE = 1.0
_LONGEST_DELAY = 1.0


class Call:
    """A request that has a place."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self._limit: asyncio.Timeout | None = None
        self._displaced = False

    @contextlib.asynccontextmanager
    async def receiving(self, seconds: float) -> AsyncIterator[None]:
        """Limit the time of the block, which reads the request.

        Raises:
            ServingError: DEADLINE_EXCEEDED (408) after `seconds`, RESOURCE_EXHAUSTED (503) if
                another request took the place.
        """
        try:
            async with asyncio.timeout(seconds) as self._limit:
                yield
        except TimeoutError:
            if self._displaced:
                raise overloaded("the request arrives slowly, and other clients wait") from None
            raise ServingError(
                "DEADLINE_EXCEEDED", "the body did not arrive in time", 408
            ) from None
        finally:
            self._limit = None

    def displace(self, now: float) -> bool:
        """End the call if its request has been arriving for long; whether it was ended."""
        if self._limit is None or now - self.since < _PATIENCE:
            return False
        self._displaced = True
        self._limit.reschedule(asyncio.get_running_loop().time())
        return True


class Calls:
    """Places for requests.

    Args:
        most: number of places.

    >>> from export.serving.limits import Calls
    >>> calls = Calls(1)
    >>> with calls.place():
    ...     with calls.place():
    ...         pass
    Traceback (most recent call last):
    export.serving.failure.ServingError: the server answers 1 calls at once; try again later
    """

    def __init__(self, most: int):
        self.most = most
        # In order of arrival.
        self._open: dict[Call, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextlib.contextmanager
    def place(self) -> Iterator[Call]:
        """Hold a place during the block.

        Raises:
            ServingError: RESOURCE_EXHAUSTED (503), no place is free.
        """
        if len(self._open) >= self.most:
            self._displace_slowest()
        call = Call()
        self._open[call] = None
        try:
            yield call
        finally:
            self._open.pop(call, None)

    def _displace_slowest(self) -> None:
        now = time.monotonic()
        for call in self._open:
            if call.displace(now):
                del self._open[call]
                return
        raise overloaded(f"the server answers {self.most} calls at once")


class RefusalPace:
    """Delays of answers to refused requests, so that bad clients leave time to the others.

    A client usually waits for an answer before it sends the next request. A few refusals are
    answered at once; further ones wait until the rate is kept, at most a second.

    Args:
        rate: answers per second.
        burst: answers without delay.

    >>> from export.serving.limits import RefusalPace
    >>> pace = RefusalPace(rate=10.0, burst=2)
    >>> [round(pace.delay(now), 1) for now in (0.0, 0.0, 0.0, 0.0, 9.0)]
    [0.0, 0.0, 0.1, 0.2, 0.0]
    """

    def __init__(self, rate: float, burst: int = 20):
        self._interval, self._burst = 1 / rate, burst
        # When the last answer would be due without a burst.
        self._due = -math.inf

    def delay(self, now: float) -> float:
        """Seconds that the next answer waits."""
        self._due = max(self._due, now - self._burst * self._interval) + self._interval
        self._due = min(self._due, now + _LONGEST_DELAY)
        return max(self._due - now, 0.0)


def overloaded(reason: str) -> ServingError:
    """The error of a request that the server has no room for: RESOURCE_EXHAUSTED, 503."""
    return ServingError("RESOURCE_EXHAUSTED", f"{reason}; try again later", 503)
