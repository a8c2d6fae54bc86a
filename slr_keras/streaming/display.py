"""Print the events of a stream: as JSON lines, or as sentences on a terminal."""

import json
import os
from collections.abc import Iterator

from slr_keras.streaming.recogniser import Event, StreamingRecogniser


class EventLines:
    """Print one event per line, in JSON.

    Args:
        fps: frame rate of the stream, for times in seconds.
    """

    def __init__(self, fps: float):
        self.fps = fps

    def __call__(self, recogniser: StreamingRecogniser, stream: Iterator[list[Event]]) -> None:
        for events in stream:
            for event in events:
                value = event.to_json(self.fps)
                print(json.dumps(value, ensure_ascii=False), flush=True)


class SentenceText:
    """Print one sentence per line.

    Args:
        live: rewrites the line while the sentence goes on, with tentative glosses dimmed.
    """

    def __init__(self, live: bool):
        self.live = live

    def __call__(self, recogniser: StreamingRecogniser, stream: Iterator[list[Event]]) -> None:
        shown = ""
        for events in stream:
            for event in events:
                if event.kind == "sentence" and event.glosses:
                    start = "\r\x1b[K" if self.live else ""
                    print(start + " ".join(event.glosses), flush=True)
                    shown = ""
            if self.live:
                line = self._line(recogniser)
                if line != shown:
                    print(f"\r\x1b[K{line}", end="", flush=True)
                    shown = line

    def _line(self, recogniser: StreamingRecogniser) -> str:
        width = os.get_terminal_size().columns - 1
        said = " ".join(recogniser.said_now)[-width:]
        rest = " ".join(recogniser.tentative)[: max(width - len(said) - 1, 0)]
        return f"{said} \x1b[2m{rest}\x1b[0m" if rest else said
