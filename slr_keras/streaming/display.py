"""Print the events of a stream: as JSON lines, or as sentences on a terminal."""

import argparse
import json
import os
import sys
from collections.abc import Iterator

from slr_keras.streaming.interrupt import recognised
from slr_keras.streaming.recogniser import Event, StreamingRecogniser
from slr_keras.streaming.sources import LandmarkSource
from slr_keras.streaming.spotting import SpottingRecogniser
from slr_keras.utils.command import print_first
from slr_keras.utils.failures import LISTED


def show_stream(
    recogniser: StreamingRecogniser | SpottingRecogniser,
    source: LandmarkSource,
    options: argparse.Namespace,
) -> int:
    """Print what is recognised until the stream ends, and then what failed.

    Args:
        recogniser: of the stream.
        source: of the stream.
        options: of the command: `json` and `rest`.

    Returns:
        The exit code: 0, or that of a stream whose parts were passed over.
    """
    if not recogniser.ends_sentences and options.rest:
        notice = "the layout has no wrists and shoulders, so rest does not end a sentence"
        print(f"notice: {notice}", file=sys.stderr)
    if isinstance(recogniser, SpottingRecogniser):
        print(f"notice: {recogniser.about()}", file=sys.stderr)
    fps = recogniser.contract.fps
    show = EventLines(fps) if options.json else SentenceText(sys.stdout.isatty())
    failures = getattr(source, "failures", None)
    try:
        show(recogniser, recognised(recogniser, source, failures))
    finally:
        print_first([f"notice: {notice}" for notice in getattr(source, "notices", ())], LISTED)
        code = failures.report() if failures is not None else 0
    return code


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
    """Print one sentence per line, and on standard error the first parts that were passed over.

    Args:
        live: rewrites the line while the sentence goes on, with tentative glosses dimmed.
    """

    def __init__(self, live: bool):
        self.live = live

    def __call__(self, recogniser: StreamingRecogniser, stream: Iterator[list[Event]]) -> None:
        shown, errors = "", 0
        for events in stream:
            for event in events:
                start = "\r\x1b[K" if self.live else ""
                if event.kind == "error" and errors < LISTED:
                    errors += 1
                    print(f"{start}error: {event.message}", file=sys.stderr, flush=True)
                if event.kind == "sentence" and event.glosses:
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
