"""Streaming recogniser: the state machine from landmarks to glosses around an engine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.decoding import DecodingConfig, Hypothesis, NgramLanguageModel
from slr_keras.streaming.ctc import StablePrefix, step_decoder
from slr_keras.streaming.endpoint import Endpointer, RestConfig, RestDetector
from slr_keras.streaming.engine import Engine
from slr_keras.streaming.landmarks import GapFiller, Normaliser
from slr_keras.utils.failures import Failed

GLOSS, REVISE, SENTENCE, ERROR = "gloss", "revise", "sentence", "error"
# Larger coordinates are detector errors, and their squares would overflow.
FARTHEST = 100.0


@dataclass(frozen=True)
class Event:
    """An event of the recogniser.

    Attributes:
        kind: "gloss": another gloss of the sentence; "revise": the last `count` glosses are
            withdrawn; "sentence": the sentence has ended, and `glosses` holds all of its glosses;
            "error": a part of the stream was passed over.
        frame: number of frames received before the event.
        glosses: the gloss, or the sentence.
        count: of "revise".
        spans: of "sentence", and of "gloss" where signs are spotted: first frame of each gloss and
            the frame after its last, counted from the first frame of the stream.
        confidences: of the same.
        message: of "error".
    """

    kind: str
    frame: int
    glosses: tuple[str, ...] = ()
    count: int = 0
    spans: tuple[tuple[int, int], ...] = ()
    confidences: tuple[float, ...] = ()
    message: str = ""

    def to_json(self, fps: float) -> dict[str, Any]:
        """The event as JSON values, with times in seconds.

        Args:
            fps: frames a second of the stream.
        """
        value: dict[str, Any] = {"event": self.kind, "frame": self.frame}
        value["seconds"] = round(self.frame / fps, 3)
        if self.kind == GLOSS:
            value["gloss"] = self.glosses[0]
            # Known where signs are spotted; elsewhere the sentence has them.
            for (start, end), confidence in zip(self.spans, self.confidences, strict=True):
                value |= _times(start, end, confidence, fps)
        if self.kind == ERROR:
            value["error"] = self.message
        if self.kind == REVISE:
            value["count"] = self.count
        if self.kind == SENTENCE:
            value["glosses"] = [
                {"gloss": gloss, **_times(start, end, confidence, fps)}
                for gloss, (start, end), confidence in zip(
                    self.glosses, self.spans, self.confidences, strict=True
                )
            ]
        return value


def _times(start: int, end: int, confidence: float, fps: float) -> dict[str, float]:
    return {
        "start": round(start / fps, 3),
        "end": round(end / fps, 3),
        "confidence": round(confidence, 4),
    }


def error_event(frame: int, failed: Failed) -> Event:
    """The event of a part of the stream that was passed over before frame `frame`."""
    return Event(ERROR, frame, message=failed.reason)


@dataclass(frozen=True)
class StreamConfig:
    """Options of streaming recognition.

    Attributes:
        look_ahead: frames that a missing point waits, see `slr_keras.streaming.landmarks`.
        stable: frames for which the best sequence must contain a gloss before it is emitted.
        rest: definition of rest, which ends sentences.
    """

    look_ahead: int = 4
    stable: int = 8
    rest: RestConfig = field(default_factory=RestConfig)


class StreamingRecogniser:
    """Recognises one endless stream of landmarks.

    Args:
        engine: computes the scores.
        contract: of the run: format of the landmarks, and their preparation.
        glosses: converts gloss ids to names.
        decoding: of the run.
        config: of the stream.
        language_model: if `decoding` asks for one.

    Attributes:
        frame: number of frames received.
        tentative: glosses of the current best sequence that are not emitted yet.
        confidences: of the emitted glosses of the current sentence, then of the tentative ones.
        revisions, said: numbers of withdrawn and emitted glosses in the stream.
    """

    def __init__(
        self,
        engine: Engine,
        contract: KeypointContract,
        glosses: Callable[[tuple[int, ...]], tuple[str, ...]],
        decoding: DecodingConfig,
        config: StreamConfig | None = None,
        language_model: NgramLanguageModel | None = None,
    ):
        self.config = config or StreamConfig()
        self.contract = contract
        self._engine = engine
        self._glosses = glosses
        self._new_decoder = lambda: step_decoder(decoding, language_model)
        self._filler = GapFiller(contract, self.config.look_ahead)
        self._normalise = Normaliser(contract)
        self._endpointer = Endpointer(RestDetector(contract, self.config.rest))
        self.frame = self.revisions = self.said = 0
        self._prepared = 0
        self._begin()

    @property
    def ends_sentences(self) -> bool:
        """Whether rest ends sentences."""
        return self._endpointer.ends

    @property
    def tentative(self) -> tuple[str, ...]:
        """See the class."""
        best, said = self._decoder.best, self._stable.said
        return self._glosses(best[len(said) :]) if best[: len(said)] == said else ()

    @property
    def confidences(self) -> tuple[float, ...]:
        """See the class."""
        return self._decoder.so_far().confidences

    @property
    def said_now(self) -> tuple[str, ...]:
        """The emitted glosses of the current sentence."""
        return self._glosses(self._stable.said)

    def push(self, landmarks: np.ndarray) -> list[Event]:
        """Add one frame of raw landmarks; returns the events that follow.

        Args:
            landmarks: `(source points, source channels)`, any values.

        Raises:
            UserError: another number of points or channels.
        """
        selected = self.contract.select(np.asarray(landmarks)[None])[0]
        self.frame += 1
        events = []
        for filled in self._filler.push(selected):
            events += self._take(filled)
        return events

    def finish(self) -> list[Event]:
        """End the stream; returns the remaining events."""
        events = []
        for filled in self._filler.finish():
            events += self._take(filled)
        if self._calls or self._pending:
            events += self._end()
        return events

    def _begin(self) -> None:
        """Begin a new sentence."""
        self._engine.reset()
        self._decoder = self._new_decoder()
        self._stable = StablePrefix(-(-self.config.stable // self._engine.frames))
        self._pending: list[np.ndarray] = []
        self._calls = 0

    def _take(self, filled: np.ndarray) -> list[Event]:
        """Add one frame with filled gaps."""
        self._prepared += 1
        frame = np.clip(self._normalise(filled), -FARTHEST, FARTHEST)
        frames, ended = self._endpointer(frame)
        if frames and not self._calls and not self._pending:
            self._first_frame = self._prepared - len(frames)
        events = []
        for one in frames:
            self._pending.append(one)
            if len(self._pending) == self._engine.frames:
                events += self._call()
        return events + self._end() if ended else events

    def _call(self) -> list[Event]:
        """Pass the pending frames to the engine."""
        row = self._engine.step(np.stack(self._pending))
        self._pending = []
        self._calls += 1
        return self._row(row) if self._calls > self._engine.delay else []

    def _row(self, row: np.ndarray) -> list[Event]:
        """Decode one row of scores."""
        self._decoder.advance(row)
        return self._events(*self._stable.advance(self._decoder.best))

    def _end(self) -> list[Event]:
        """End the sentence: decode the remaining rows and return the final events."""
        events = []
        if not self._calls:
            # As offline, a sentence shorter than one call repeats its last frame.
            self._pending += [self._pending[-1]] * (self._engine.frames - len(self._pending))
            events += self._call()
        for _ in range(self._engine.delay):
            row = self._engine.step(None)
            self._calls += 1
            if self._calls > self._engine.delay:
                events += self._row(row)
        hypothesis = self._decoder.finish()
        events += self._events(*self._stable.finish(hypothesis.ids))
        events.append(self._sentence(hypothesis))
        self._begin()
        return events

    def _events(self, withdrawn: int, emitted: tuple[int, ...]) -> list[Event]:
        events = []
        if withdrawn:
            self.revisions += withdrawn
            events.append(Event(REVISE, self.frame, count=withdrawn))
        for gloss in emitted:
            self.said += 1
            events.append(Event(GLOSS, self.frame, self._glosses((gloss,))))
        return events

    def _sentence(self, best: Hypothesis) -> Event:
        first, frames = self._first_frame, self._engine.frames
        spans = tuple((first + start * frames, first + end * frames) for start, end in best.spans)
        return Event(
            SENTENCE,
            self.frame,
            self._glosses(best.ids),
            spans=spans,
            confidences=best.confidences,
        )
