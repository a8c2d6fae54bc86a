"""Sources of landmarks: recorded clips, a video or camera, or a pipe.

A pipe carries one JSON value on each line. A frame is a list of points, each a list of the layout's
channels, or an object `{"points": [...], "time": SECONDS}`. Missing points are `null`, and any
number may be `null`. A frame that is `null` or `[]`, or whose points are, shows nobody. The first
line may describe the frames: `{"layout": "mediapipe_75", "fps": 30, "image_size": [1280, 720]}`;
missing keys default to the values of the run. Frames are resampled to the frame rate of the run by
their times, if the first frame states one, otherwise by `fps`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import layout
from slr_keras.data.rates import LONGEST_STILL, Shown, at_rate, steady
from slr_keras.extraction import LAYOUT, Settings, landmark_frames
from slr_keras.extraction.settings import mediapipe_version
from slr_keras.recognition.clip import Clip, Points
from slr_keras.recognition.layout_matching import agreed_layout, arrange, match_layout
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.streaming.pipe import (
    Header,
    is_header,
    parsed,
    read_header,
    read_lines,
    read_points,
    read_time,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures

# Seconds by which the time of a frame may be behind the last one's: threads hand frames over late.
_LATE = 1
# Longer pauses of a stream are shortened; see `at_rate`.
_LONGEST_PAUSE = LONGEST_STILL - 1


class _Frame(NamedTuple):
    """A frame of a pipe: number of its line, points, and time in seconds if it states one."""

    number: int
    points: np.ndarray
    time: Fraction | None


class LandmarkSource(Protocol):
    """An iterable of frames of raw landmarks at the frame rate of the contract.

    Every frame is an array `(source points, source channels)` in the source layout of the contract.
    """

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames; the stream may be endless."""


class ClipSource(LandmarkSource):
    """A clip of a file or a data folder.

    Args:
        clip: from `slr_keras.recognition.find_clips.find_clips`.
        contract: of the run.
        overrides: properties of the clip that the user states.

    Attributes:
        notices: messages for the user about the clip, after it was read.
    """

    def __init__(self, clip: Clip, contract: KeypointContract, overrides: Overrides | None = None):
        self.notices: list[str] = []
        self._clip = clip
        self._contract = contract
        self._modality = KeypointInput(contract, overrides or Overrides())

    def __iter__(self) -> Iterator[np.ndarray]:
        values, fps, self.notices = self._modality.raw(self._clip)
        return at_rate(steady(values, fps), self._contract.fps)


class DetectedSource(LandmarkSource):
    """Landmarks that MediaPipe Holistic detects in a video or the pictures of a camera.

    Args:
        source: a video file, or the number of a camera.
        contract: of the run.
        overrides: properties of the pictures that the user states.

    Raises:
        UserError: MediaPipe is not installed, or its points differ from those of the run and the
            user did not ask for a conversion.
    """

    def __init__(
        self,
        source: Path | int,
        contract: KeypointContract,
        overrides: Overrides | None = None,
    ):
        mediapipe_version()
        self._source = source
        self._contract = contract
        self._overrides = overrides or Overrides()
        self._where = f"camera {source}" if isinstance(source, int) else str(source)
        agreed_layout(layout(LAYOUT), contract, self._where, self._overrides.layout)

    def __iter__(self) -> Iterator[np.ndarray]:
        given, rate = self._overrides.layout, self._overrides.fps
        settings = Settings(fps=None if rate else self._contract.fps)

        def detected() -> Iterator[np.ndarray]:
            with landmark_frames(self._source, settings, rate=rate) as frames:
                for frame in frames:
                    points = Points(frame.points[None], None, layout(LAYOUT), frames.image_size)
                    yield arrange(points, self._contract, self._where, given)[0]

        return at_rate(steady(detected(), rate), self._contract.fps) if rate else detected()


class LineSource(LandmarkSource):
    """Frames from lines of JSON in the format of this module.

    Args:
        lines: of the pipe: an open file of bytes or text, or an iterable of texts.
        contract: of the run.
        overrides: properties of the frames that the user states; these precede the first line.
        failures: collects bad lines, which are passed over; None: a bad line raises.

    Attributes:
        failures: as given.
        notices: messages for the user about the times of the stream.

    Raises:
        UserError: the iteration raises it for the first line that does not fit the run; and for
            every other bad line if there is no `failures`.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.streaming.sources import LineSource
    >>> lines = ['{"layout": "boston_3", "fps": 25}', "[[9, 9], null, [8, 7]]"]
    >>> next(iter(LineSource(lines, contract("boston_3"))))[:, 0].tolist()
    [9.0, nan, 8.0]
    """

    def __init__(
        self,
        lines: Iterable[str] | IO[bytes] | IO[str],
        contract: KeypointContract,
        overrides: Overrides | None = None,
        failures: Failures | None = None,
    ):
        self.notices: list[str] = []
        self._lines = read_lines(lines)
        self._contract = contract
        self._overrides = overrides or Overrides()
        self.failures = failures

    def __iter__(self) -> Iterator[np.ndarray]:
        header, values = self._read()
        fps = self._overrides.fps or header.fps or self._contract.fps
        frames = self._frames(header, values)
        first = next(frames, None)
        if first is None:
            return iter(())
        frames = chain([first], frames)
        if first.time is None:
            shown = steady((frame.points for frame in frames), fps)
        else:
            shown = self._timed(frames, fps)
        return at_rate(shown, self._contract.fps)

    def _read(self) -> tuple[Header, Iterator[tuple[int, Any]]]:
        """The header, and number and value of each line of a frame."""
        values = self._values()
        first = next(values, None)
        if first is None:
            return Header(), values
        if is_header(first[1]):
            return read_header(first[1], first[0]), values
        return Header(), chain([first], values)

    def _values(self) -> Iterator[tuple[int, Any]]:
        for line in self._lines:
            try:
                value = parsed(line)
            except UserError as error:
                self._fail(line.number, error)
                continue
            yield line.number, value

    def _frames(self, header: Header, values: Iterable[tuple[int, Any]]) -> Iterator[_Frame]:
        given = self._overrides.layout
        size = self._overrides.image_size or header.image_size
        stated = given or header.layout or self._contract.source
        # What the header says does not fit the run: no line can.
        agreed_layout(header.layout, self._contract, "line 1", given)
        seen = False
        for number, value in values:
            where = f"line {number}"
            try:
                time = read_time(value, stated, where)
                read = read_points(value, stated, where)
            except UserError as error:
                self._fail(number, error)
                continue
            points = Points(read[None], None, header.layout, size)
            frame = arrange(points, self._contract, where, given)
            if not seen and not self._contract.missing(self._contract.select(frame)).all():
                # Units are checked once: a detector may give outliers later.
                match_layout(
                    replace(points, values=points.values.copy()), self._contract, where, given
                )
                seen = True
            yield _Frame(number, frame[0], None if time is None else Fraction(time))

    def _timed(self, frames: Iterator[_Frame], fps: float) -> Iterator[Shown]:
        """Each frame is shown until the next one; the last for one frame of the stated rate.

        A frame that states no time follows its predecessor at the stated rate, as does one whose
        time is before it: a clock that is a little behind does not count, and one that is far
        behind has begun anew.
        """
        period = 1 / Fraction(fps)
        held, start, offset = None, Fraction(0), None
        for number, points, time in frames:
            if offset is None:
                offset = time
            now = start + period if time is None else time - offset
            if now < start:
                begun_anew = self._is_reset(number, start - now)
                now = start + period if begun_anew else start
                offset = time - now if begun_anew else offset
            if now - start > _LONGEST_PAUSE:
                self.notices.append(
                    f"line {number}: no frame for {float(now - start):.0f} s before it; the pause "
                    f"counts as {_LONGEST_PAUSE} s"
                )
                offset += now - start - _LONGEST_PAUSE
                now = start + _LONGEST_PAUSE
            if held is not None:
                yield Shown(held, start, now)
            held, start = points, now
        yield Shown(held, start, start + period)

    def _is_reset(self, number: int, behind: Fraction) -> bool:
        """Whether a time that is `behind` the last frame's belongs to a clock that began anew."""
        if self.failures is None:
            raise UserError(f"frame {number}: has no time, or one before the last frame's")
        if behind <= _LATE:
            return False
        self.notices.append(
            f"line {number}: its time is {float(behind):g} s before that of the last frame; the "
            "clock has begun anew"
        )
        return True

    def _fail(self, number: int, error: UserError) -> None:
        if self.failures is None:
            raise error
        self.failures.add(f"line {number}", error)
