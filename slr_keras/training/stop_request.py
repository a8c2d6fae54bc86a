"""Handle Ctrl-C and SIGTERM as a request to save and stop."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def stop_request() -> Iterator[threading.Event]:
    """Context that provides an event which the first Ctrl-C or SIGTERM sets.

    A second signal has its usual effect. Only the main thread receives signals; in other threads,
    the event is never set.
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def request(number, frame):
        requested.set()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, request)
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
