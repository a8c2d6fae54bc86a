"""Lines of a pipe: reading of bounded length, header, frames and times.

Nothing that a line holds ends the stream: a bad line is an error of that line. No line is kept in
memory beyond its limit, and every number has a range.
"""

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import numpy as np

from slr_keras.data.layout import KeypointLayout, layout
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import parse_json
from slr_keras.utils.schema import shown

# Characters of a JSON line; 543 points of four channels need a fifth of them.
LONGEST_LINE = 250_000
# Limits of a picture's width and height, and the latest time in seconds.
_SMALLEST_SIDE, _LARGEST_SIDE, _LATEST = 1e-6, 1e6, 1e9
_BLOCK = 1 << 16
_KEYS = {"layout", "fps", "image_size"}


class Line(NamedTuple):
    """A line of a pipe: its number from 1, and its text; None for a line that is too long."""

    number: int
    text: str | None


@dataclass(frozen=True)
class Header:
    """Description of the frames in the first line of a pipe."""

    layout: KeypointLayout | None = None
    fps: float | None = None
    image_size: tuple[float, float] | None = None


def read_lines(source: Iterable[str] | IO[bytes] | IO[str]) -> Iterator[Line]:
    """The lines of a pipe that are not blank; a long line is never held as a whole.

    Args:
        source: an open file of bytes (UTF-8, or UTF-16 with a byte order mark) or text, or lines.

    >>> import io
    >>> from slr_keras.streaming.pipe import read_lines
    >>> [line.text for line in read_lines(io.BytesIO(b"\\xef\\xbb\\xbf[]\\n\\n" + b"1" * 10**6))]
    ['[]', None]
    """
    lines = _bounded(_decoding(source)) if hasattr(source, "readline") else source
    for number, line in enumerate(lines, 1):
        if line is not None and len(line) > LONGEST_LINE:
            line = None
        if isinstance(line, bytes):
            line = line.decode("utf-8", "replace")
        line = line if line is None else line.lstrip("\ufeff")
        if line is None or line.strip():
            yield Line(number, line)


def parsed(line: Line) -> Any:
    """The JSON value of a line.

    Raises:
        UserError: the line is too long or no JSON value; names the line.
    """
    number, text = line
    if text is None:
        raise UserError(f"line {number}: has more than {LONGEST_LINE} characters; one frame a line")
    try:
        return parse_json(text)
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(
            f"line {number}: is no JSON value ({reason}), but {shown(text.strip())}; each line is "
            "one frame of landmarks, [[x, y, score], ...]"
        ) from None


def is_header(value: Any) -> bool:
    """Whether the value of a line describes frames, and is none itself."""
    return isinstance(value, dict) and "points" not in value


def read_header(value: dict[str, Any], number: int) -> Header:
    """The description of the frames.

    Raises:
        UserError: a key is unknown, or a value is out of its range; names the line.
    """
    unknown = set(value) - _KEYS
    if unknown:
        raise UserError(
            f"line {number}: unknown key {shown(sorted(unknown)[0])}; the first line may say "
            'layout, fps and image_size, a frame has the key "points"'
        )
    size, fps = value.get("image_size"), value.get("fps")
    sides = isinstance(size, list) and len(size) == 2
    good = sides and all(_within(side, _SMALLEST_SIDE, _LARGEST_SIDE) for side in size)
    if not (good or size is None) or (fps is not None and not _within(fps, 1, 1000)):
        raise UserError(
            f'line {number}: write {{"fps": 30, "image_size": [1280, 720]}}; fps is from 1 to '
            f"1000, and a side above 0 and at most {_LARGEST_SIDE:g}"
        )
    name = value.get("layout")
    # Only names are allowed: a pipe must not choose files.
    if name is not None and (not isinstance(name, str) or not name.isidentifier()):
        raise UserError(f"line {number}: layout {shown(name)} is not the name of a layout")
    return Header(
        None if name is None else layout(name),
        None if fps is None else float(fps),
        None if size is None else (float(size[0]), float(size[1])),
    )


def read_points(value: Any, stated: KeypointLayout, where: str) -> np.ndarray:
    """The points of a frame `(points, channels)` float32, NaN for null.

    A frame that is `null` or `[]`, or an object whose points are, shows nobody: every point is
    missing.

    Raises:
        UserError: the value is no frame of this layout; names the line.
    """
    if is_header(value):
        raise UserError(
            f'{where}: a frame needs the key "points", and only the first line may lack it'
        )
    rows = value["points"] if isinstance(value, dict) else value
    points, channels = len(stated.points), len(stated.channels)
    if rows is None or rows == []:
        return np.full((points, channels), np.nan, np.float32)
    nothing = [None] * channels
    if not isinstance(rows, list) or len(rows) != points or not all(map(_is_row, rows)):
        array = np.empty(0)
    else:
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


def read_time(value: Any, stated: KeypointLayout, where: str) -> float | None:
    """The time of a frame in seconds; None if the frame states none.

    Raises:
        UserError: the time is not a number of seconds; names the line.
    """
    time = value.get("time") if isinstance(value, dict) else None
    if time is None:
        return None
    if not _within(time, 0, _LATEST):
        raise UserError(
            f"{where}: a frame of layout {stated.name!r} may state its time in seconds from the "
            f"stream's start, but the time is {shown(time)}"
        )
    return float(time)


def _is_row(row: Any) -> bool:
    if row is None:
        return True
    return isinstance(row, list) and all(type(part) in (int, float, type(None)) for part in row)


def _within(value: Any, least: float, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # A whole number of many digits can be compared, but not converted; NaN fails a comparison.
    return number and least <= value <= most


def _decoding(source: IO) -> IO:
    """The source as it is or, with the mark of UTF-16, as text."""
    if not hasattr(source, "peek"):
        return source
    if source.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return io.TextIOWrapper(source, "utf-16", errors="replace", newline="\n")
    return source


def _bounded(source: IO) -> Iterator[str | bytes | None]:
    """Lines of at most `LONGEST_LINE` characters; None in place of a longer one."""
    while line := source.readline(LONGEST_LINE + 2):
        end = b"\n" if isinstance(line, bytes) else "\n"
        if line.endswith(end) or len(line) < LONGEST_LINE + 2:
            yield line.removesuffix(end)
            continue
        while (rest := source.readline(_BLOCK)) and not rest.endswith(end):
            pass
        yield None
