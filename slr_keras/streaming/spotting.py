"""Spot enrolled signs in a stream: overlapping windows, one answer for one sign.

Every few frames, windows of the lengths that the enrolled recordings have end at the newest frame,
and each is answered like a clip. Of the accepted windows that overlap, the one with the highest
score is the sign; the answer comes when no better window has come for a while, or when the hands
rest. Windows of rest and of other signs are refused as clips are.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from slr_keras.enrolment.matching import LEAST_FRAMES, Matcher
from slr_keras.enrolment.model import EnrolledModel
from slr_keras.streaming.endpoint import Endpointer, RestConfig, RestDetector
from slr_keras.streaming.landmarks import Normaliser
from slr_keras.streaming.recogniser import GLOSS, SENTENCE, Event

# Lengths that differ by less than this factor are one.
_APART = 1.2


@dataclass(frozen=True)
class SpottingConfig:
    """Options of spotting.

    Attributes:
        hop: seconds between two sets of windows.
        lengths: quantiles of the frames of enrolled recordings that give the windows' lengths.
        hold: fraction of a window's length that the answer waits for a better window.
        overlap: fraction of a window that another sign's window may cover.
        votes: windows that must name the sign.
        windows: number of independent windows that look at one sign. Each of them may accept only
            this part of the false-accept rate.
        rest: definition of rest, which ends a sentence.
    """

    hop: float = 0.12
    lengths: tuple[float, ...] = (0.1, 0.5, 0.9)
    hold: float = 0.25
    overlap: float = 0.35
    votes: int = 1
    windows: float = 3.0
    rest: RestConfig = field(default_factory=RestConfig)


@dataclass(frozen=True)
class Spotted:
    """An accepted window.

    Attributes:
        sign: number of the sign.
        start, end: first frame, and the frame after the last.
        score: its rejection score.
        confidence: of the sign.
    """

    sign: int
    start: int
    end: int
    score: float
    confidence: float

    @property
    def frames(self) -> int:
        """Length of the window."""
        return self.end - self.start


def window_lengths(frames: list[int], quantiles: tuple[float, ...]) -> tuple[int, ...]:
    """Lengths of windows for recordings of some lengths, ascending and well apart.

    >>> from slr_keras.streaming.spotting import window_lengths
    >>> window_lengths([30, 31, 33, 60], (0.1, 0.5, 0.9))
    (30, 60)
    """
    lengths: list[int] = []
    # Of few recordings of very different lengths, none lies between.
    for value in np.quantile(frames, quantiles, method="nearest").tolist():
        if not lengths or value >= _APART * lengths[-1]:
            lengths.append(max(value, LEAST_FRAMES))
    return tuple(lengths)


class SpottingRecogniser:
    """Spots enrolled signs in one endless stream; has the interface of `StreamingRecogniser`.

    Args:
        model: the enrolled signs.
        config: of spotting.

    Attributes:
        contract: format of the frames.
        frame: number of frames received.
        lengths: of the windows, in frames.
        revisions, said: numbers of withdrawn (none) and emitted signs.
    """

    def __init__(self, model: EnrolledModel, config: SpottingConfig | None = None):
        self.config = config or SpottingConfig()
        self.contract = model.contract
        enrolment = model.enrolment
        self.lengths = window_lengths([e.frames for e in enrolment.examples], self.config.lengths)
        self._signs = enrolment.signs
        self._matcher = Matcher(enrolment, model.encoder, model.accept / self.config.windows)
        self._hop = max(round(self.config.hop * self.contract.fps), 1)
        self._normalise = Normaliser(self.contract)
        self._endpointer = Endpointer(RestDetector(self.contract, self.config.rest))
        self._frames: deque[np.ndarray] = deque(maxlen=self.lengths[-1])
        self._candidate: Spotted | None = None
        self._votes: dict[int, int] = {}
        self._last_end = 0
        self._sentence: list[Spotted] = []
        self.frame = self.revisions = self.said = 0

    @property
    def delay(self) -> float:
        """Longest time from the stated end of a sign to its answer, in seconds."""
        return (self._hop + self._held(self.lengths[-1])) / self.contract.fps

    def about(self) -> str:
        """Which signs are looked for, and how late the answers come."""
        seconds = [length / self.contract.fps for length in (self.lengths[0], self.lengths[-1])]
        return (
            f"looking for {len(self._signs)} signs of {seconds[0]:.1f} to {seconds[1]:.1f} s; an "
            f"answer comes at most {self.delay:.1f} s after the end that it states"
        )

    @property
    def ends_sentences(self) -> bool:
        """Whether rest ends sentences."""
        return self._endpointer.ends

    @property
    def said_now(self) -> tuple[str, ...]:
        """The emitted signs of the current sentence."""
        return tuple(self._signs[one.sign] for one in self._sentence)

    @property
    def tentative(self) -> tuple[str, ...]:
        """The sign that may be emitted next."""
        return () if self._candidate is None else (self._signs[self._candidate.sign],)

    @property
    def confidences(self) -> tuple[float, ...]:
        """Of the emitted signs of the current sentence, then of the tentative one."""
        candidate = [self._candidate] if self._candidate else []
        return tuple(one.confidence for one in [*self._sentence, *candidate])

    def push(self, landmarks: np.ndarray) -> list[Event]:
        """Add one frame of raw landmarks `(source points, channels)`; returns the events.

        Raises:
            UserError: another number of points or channels.
        """
        selected = self.contract.select(np.asarray(landmarks)[None])[0]
        self._frames.append(selected)
        self.frame += 1
        _, ended = self._endpointer(self._normalise(self.contract.fill_gaps(selected[None])[0]))
        events: list[Event] = []
        if self.frame % self._hop == 0:
            events += self._look()
        if ended:
            events += self._end()
        return events

    def finish(self) -> list[Event]:
        """End the stream; returns the remaining events."""
        return [*self._look(), *self._end()]

    def _look(self) -> list[Event]:
        """Answer the windows that end at the newest frame."""
        events: list[Event] = []
        spotted = self._best_window()
        if spotted is not None:
            events += self._consider(spotted)
        candidate = self._candidate
        if candidate and self.frame - candidate.end >= self._held(candidate.frames):
            events += self._emit()
        return events

    def _best_window(self) -> Spotted | None:
        """The accepted window of the highest score that is not part of the last sign."""
        stack = np.stack(self._frames) if self._frames else np.zeros((0, 0, 0))
        lengths = [
            length
            for length in self.lengths
            if length <= len(stack)
            and self.frame - length >= self._last_end - self.config.overlap * length
        ]
        clips = [
            self.contract.normalise(self.contract.fill_gaps(stack[-length:])) for length in lengths
        ]
        spotted = [
            Spotted(
                answer.sign,
                self.frame - length,
                self.frame,
                answer.score,
                float(answer.confidences[answer.sign]),
            )
            for length, answer in zip(lengths, self._matcher(clips), strict=True)
            if answer.accepted
        ]
        return max(spotted, key=lambda one: one.score, default=None)

    def _consider(self, spotted: Spotted) -> list[Event]:
        """Make a window the candidate, if it is better or another sign's."""
        events: list[Event] = []
        candidate = self._candidate
        if candidate and spotted.start >= candidate.end - self.config.overlap * spotted.frames:
            events += self._emit()
            candidate = None
        self._votes[spotted.sign] = self._votes.get(spotted.sign, 0) + 1
        if candidate is None or spotted.score > candidate.score:
            self._candidate = spotted
        return events

    def _emit(self) -> list[Event]:
        """Answer with the candidate, if enough windows named its sign."""
        candidate, votes = self._candidate, self._votes
        self._candidate, self._votes = None, {}
        if candidate is None or votes.get(candidate.sign, 0) < self.config.votes:
            return []
        self._last_end = candidate.end
        self._sentence.append(candidate)
        self.said += 1
        return [self._event(GLOSS, [candidate])]

    def _end(self) -> list[Event]:
        """End the sentence."""
        events = self._emit()
        if self._sentence:
            events.append(self._event(SENTENCE, self._sentence))
        self._sentence = []
        return events

    def _event(self, kind: str, signs: list[Spotted]) -> Event:
        return Event(
            kind,
            self.frame,
            tuple(self._signs[one.sign] for one in signs),
            spans=tuple((one.start, one.end) for one in signs),
            confidences=tuple(one.confidence for one in signs),
        )

    def _held(self, frames: int) -> int:
        """Frames that a window of so many frames waits for a better one."""
        return round(self.config.hold * frames)
