"""A limit for the log of a server, whose clients decide how often something is wrong."""

import logging
import os
import time
from collections.abc import Callable

_MOST = 3
_SECONDS = 60.0
# Places in the code that are counted apart; the others share a count.
_PLACES = 256


class LogLimit(logging.Filter):
    """Lets a few records of each place in the code pass, then counts the others.

    The traceback of a place is written once.

    The count is written with the next record of the place that passes.

    Args:
        most: records of one place that pass in a period.
        seconds: length of the period.
        clock: gives the time in seconds.

    >>> import logging
    >>> from export.serving.log_limit import LogLimit
    >>> limit = LogLimit(1, 60.0, lambda: moment)
    >>> moment = 0.0
    >>> def record():
    ...     return logging.LogRecord("a", logging.ERROR, "a.py", 3, "failed", (), None)
    >>> [limit.filter(record()) for _ in range(4)]
    [True, False, False, False]
    >>> moment = 61.0
    >>> last = record()
    >>> limit.filter(last), last.getMessage()
    (True, 'failed (3 more like this were not written)')
    """

    def __init__(
        self,
        most: int = _MOST,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        # Start of the period, passed records, counted records, whether a traceback was written.
        self._places: dict[tuple, list[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        kind = record.exc_info[0] if record.exc_info else None
        place = (record.name, record.pathname, record.lineno, kind)
        if place not in self._places and len(self._places) >= _PLACES:
            place = ("", "", 0, None)
        now = self._clock()
        state = self._places.setdefault(place, [now, 0, 0, 0])
        if now - state[0] >= self._seconds:
            state[:2] = now, 0
        if state[1] >= self._most:
            state[2] += 1
            return False
        state[1] += 1
        if state[1] > 1 or state[3]:
            # A traceback is written once.
            record.exc_info = record.exc_text = None
        state[3] = 1
        if state[2]:
            record.msg = f"{record.getMessage()} ({int(state[2])} more like this were not written)"
            record.args = ()
            state[2] = 0
        return True


def limit_logs() -> None:
    """Limit the handlers of the root logger, and silence gRPC's own messages about clients."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    limit = LogLimit()
    for handler in logging.getLogger().handlers:
        handler.addFilter(limit)
