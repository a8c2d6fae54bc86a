"""Recognise a stream until it ends or Ctrl-C is pressed."""

import signal
from collections.abc import Iterable, Iterator

import numpy as np

from slr_keras.streaming.recogniser import Event, StreamingRecogniser, error_event
from slr_keras.utils.failures import Failures


class Interrupt:
    """Ctrl-C ends the stream: the wait for a frame is interrupted, the work on a frame is not.

    A second Ctrl-C raises `KeyboardInterrupt` at once.
    """

    def __init__(self) -> None:
        self.came = self.waiting = False

    def __enter__(self) -> "Interrupt":
        self._before = signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def __call__(self, *signalled: object) -> None:
        again, self.came = self.came, True
        if self.waiting or again:
            raise KeyboardInterrupt

    def next(self, frames: Iterator[np.ndarray]) -> np.ndarray | None:
        """The next frame; None at the end of the stream or after Ctrl-C."""
        try:
            self.waiting = True
            return None if self.came else next(frames, None)
        except KeyboardInterrupt:
            return None
        finally:
            self.waiting = False


def recognised(
    recogniser: StreamingRecogniser,
    source: Iterable[np.ndarray],
    failures: Failures | None = None,
) -> Iterator[list[Event]]:
    """Events after each frame, and at the end of the stream.

    Ctrl-C ends the source, as does an error of it; the frames that were read are still recognised.

    Args:
        recogniser: of the stream.
        source: yields the frames.
        failures: parts that the source has passed over so far.

    Raises:
        UserError: the source ended with an error; raised after the last events.
    """
    reported, ending = 0, None
    with Interrupt() as interrupt:
        frames, frame = None, None
        while True:
            try:
                frames = iter(source) if frames is None else frames
                frame = interrupt.next(frames)
            except Exception as error:
                frame, ending = None, error
            new = failures.failed[reported:] if failures is not None else []
            reported += len(new)
            events = [error_event(recogniser.frame, failed) for failed in new]
            if frame is None:
                break
            yield events + recogniser.push(frame)
        yield events + recogniser.finish()
    if ending is not None:
        raise ending
