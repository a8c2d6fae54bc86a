"""Sources of landmarks: recorded clips, a video or camera, or a pipe.

A pipe carries one JSON value on each line. A frame is a list of points, each a list of the layout's
channels, or an object `{"points": [...], "time": SECONDS}`. Missing points are `null`, and any
number may be `null`. The first line may describe the frames:
`{"layout": "mediapipe_75", "fps": 30, "image_size": [1280, 720]}`; missing keys default to the
values of the run. Frames are resampled to the frame rate of the run by their times, if given,
otherwise by `fps`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout
from slr_keras.data.rates import Shown, at_rate, steady
from slr_keras.extraction import LAYOUT, Settings, landmark_frames
from slr_keras.extraction.settings import mediapipe_version
from slr_keras.recognition.clip import Clip, Points
from slr_keras.recognition.layout_matching import agreed_layout, arrange, match_layout
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.utils.errors import UserError

# Characters of a JSON line; 543 points of four channels need a fifth of them.
LONGEST_LINE = 250_000


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


@dataclass(frozen=True)
class _Header:
    """Description of the frames in the first line of a pipe."""

    layout: KeypointLayout | None = None
    fps: float | None = None
    image_size: tuple[float, float] | None = None


class LineSource(LandmarkSource):
    """Frames from lines of JSON in the format of this module.

    Args:
        lines: of the pipe.
        contract: of the run.
        overrides: properties of the frames that the user states; these precede the first line.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.streaming.sources import LineSource
    >>> lines = ['{"layout": "boston_3", "fps": 25}', "[[9, 9], null, [8, 7]]"]
    >>> next(iter(LineSource(lines, contract("boston_3"))))[:, 0].tolist()
    [9.0, nan, 8.0]
    """

    def __init__(
        self,
        lines: Iterable[str],
        contract: KeypointContract,
        overrides: Overrides | None = None,
    ):
        self._lines = lines
        self._contract = contract
        self._overrides = overrides or Overrides()

    def __iter__(self) -> Iterator[np.ndarray]:
        header, frames = self._read()
        fps = self._overrides.fps or header.fps or self._contract.fps
        first = next(frames, None)
        if first is None:
            return iter(())
        frames = chain([first], frames)
        shown = (
            steady((frame for frame, _ in frames), fps) if first[1] is None else _timed(frames, fps)
        )
        return at_rate(shown, self._contract.fps)

    def _read(self) -> tuple[_Header, Iterator[tuple[np.ndarray, float | None]]]:
        numbered = ((number, line) for number, line in enumerate(self._lines, 1) if line.strip())
        header, rest = _Header(), numbered
        first = next(numbered, None)
        if first is not None:
            value = _parsed(*first)
            if isinstance(value, dict) and "points" not in value:
                header = _header(value)
            else:
                rest = chain([first], numbered)
        return header, self._frames(header, rest)

    def _frames(
        self, header: _Header, lines: Iterable[tuple[int, str]]
    ) -> Iterator[tuple[np.ndarray, float | None]]:
        given = self._overrides.layout
        size = self._overrides.image_size or header.image_size
        seen = False
        for number, line in lines:
            where = f"line {number}"
            value = _parsed(number, line)
            time = value.get("time") if isinstance(value, dict) else None
            rows = value.get("points") if isinstance(value, dict) else value
            stated = given or header.layout or self._contract.source
            points = Points(_array(rows, stated, where)[None], None, header.layout, size)
            frame = arrange(points, self._contract, where, given)
            if not seen and not self._contract.missing(self._contract.select(frame)).all():
                # Units are checked once: a detector may give outliers later.
                match_layout(
                    replace(points, values=points.values.copy()), self._contract, where, given
                )
                seen = True
            yield frame[0], _time(time, where)


def _parsed(number: int, line: str) -> Any:
    if len(line) > LONGEST_LINE:
        raise UserError(f"line {number}: has more than {LONGEST_LINE} characters; one frame a line")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"line {number}: is no JSON value ({error}); each line is one frame of landmarks, "
            "[[x, y, score], ...]"
        ) from None


def _header(value: dict[str, Any]) -> _Header:
    unknown = set(value) - {"layout", "fps", "image_size"}
    if unknown:
        raise UserError(
            f"line 1: unknown key {sorted(unknown)[0]!r}; the first line may say layout, fps and "
            'image_size, a frame has the key "points"'
        )
    size, fps = value.get("image_size"), value.get("fps")
    try:
        size = None if size is None else (float(size[0]), float(size[1]))
        fps = None if fps is None else float(fps)
        good = (size is None or min(size) > 0) and (fps is None or 1 <= fps <= 1000)
    except (TypeError, ValueError, IndexError, KeyError):
        good = False
    if not good:
        raise UserError('line 1: write {"fps": 30, "image_size": [1280, 720]}')
    name = value.get("layout")
    # Only names are allowed: a pipe must not choose files.
    if name is not None and (not isinstance(name, str) or not name.isidentifier()):
        raise UserError(f"line 1: layout {name!r} is not the name of a layout")
    return _Header(None if name is None else layout(name), fps, size)


def _array(rows: Any, stated: KeypointLayout, where: str) -> np.ndarray:
    """`(points, channels)` float32, NaN for null."""
    points, channels = len(stated.points), len(stated.channels)
    nothing = [None] * channels
    try:
        array = np.array([nothing if row is None else row for row in rows], np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != (points, channels):
        raise UserError(
            f"{where}: a frame of layout {stated.name!r} is a list of {points} points, each null "
            f"or a list of {', '.join(stated.channels)}"
        )
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _time(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise UserError(f"{where}: time is {value!r}; write seconds from the stream's start")
    return float(value)


def _timed(frames: Iterator[tuple[np.ndarray, float | None]], fps: float) -> Iterator[Shown]:
    """Each frame is shown until the next one; the last for one frame of the stated rate."""
    start = begin = None
    held = None
    for number, (frame, time) in enumerate(frames, 1):
        if time is None or (start is not None and Fraction(time) < start):
            raise UserError(f"frame {number}: has no time, or one before the last frame's")
        now = Fraction(time)
        if held is not None:
            yield Shown(held, start - begin, now - begin)
        begin = now if begin is None else begin
        held, start = frame, now
    yield Shown(held, start - begin, start - begin + 1 / Fraction(fps))
