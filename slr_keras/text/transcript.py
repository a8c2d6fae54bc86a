"""The transcript of one clip, and the basics of all readers of transcripts."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.text.nist_words import Words, has_choices
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text
from slr_keras.utils.unicode import composed

END_OF_TIME = 1.79769e308
"""The end that PHOENIX's STM files give: the whole clip."""


@dataclass(frozen=True)
class Transcript:
    """The glosses of one clip.

    Attributes:
        id: name of the clip.
        glosses: in order; may be empty.
        signer: "" if the format does not name one.
        times: (start, end) of each gloss in seconds, or empty.
        start, end: of the clip within its file, in seconds.
        words: what NIST's mark-up makes of the glosses, see `slr_keras.text.nist_words`; empty
            where the glosses have no mark-up.
        ignored: whether the file says that the segment is not scored.
        line: number in the file, from 1; 0 for none.

    >>> from slr_keras.metrics import Transcript
    >>> Transcript("clip1", ("A", "B"), signer="s01").glosses
    ('A', 'B')
    """

    id: str
    glosses: tuple[str, ...]
    signer: str = ""
    times: tuple[tuple[float, float], ...] = ()
    start: float = 0.0
    end: float = END_OF_TIME
    words: Words = ()
    ignored: bool = False
    line: int = dataclasses.field(default=0, compare=False)

    @property
    def scored(self) -> Words:
        """The words that are scored: the glosses, with their mark-up resolved."""
        return self.words or self.glosses

    def __post_init__(self) -> None:
        if self.times and len(self.times) != len(self.glosses):
            raise ValueError(
                f"{self.id}: {len(self.glosses)} glosses but times for {len(self.times)}"
            )


class Collector:
    """Transcripts by id, in the order of the file; duplicate ids are refused."""

    def __init__(self, path: str | Path):
        self.path = path
        self.transcripts: dict[str, Transcript] = {}
        self.lines: dict[str, int] = {}

    def add(self, transcript: Transcript, line: int) -> None:
        """Keep the transcript of a line, with id and glosses in Unicode's composed form.

        Raises:
            UserError: the id is empty, or an earlier line has it.
        """
        name = composed(transcript.id)
        if not name:
            raise UserError(f"{self.path}:{line}: no id; give every sentence one")
        if name in self.transcripts:
            raise UserError(
                f"{self.path}:{line}: id {name!r} stands already in line {self.lines[name]}; "
                "an id names one sentence"
            )
        glosses = tuple(composed(gloss) for gloss in transcript.glosses)
        self.transcripts[name] = dataclasses.replace(
            transcript, id=name, glosses=glosses, line=line
        )
        self.lines[name] = line


def read_lines(path: str | Path) -> list[str]:
    """All lines of a text file, without their ends; a byte order mark is dropped.

    The text is UTF-8, or UTF-16 or UTF-32 with a byte order mark, as spreadsheets write it. Lines
    end with LF, CR LF or CR.

    Raises:
        UserError: the file cannot be read, or is not text of these encodings; names the line.
    """
    text = read_text(path)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError(
            f"{path}:{line}: a binary file (it has a NUL byte), not text; save a table as UTF-8"
        )
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def time(text: str) -> float | None:
    """Parse seconds of 0 or more; None if the text is anything else.

    >>> from slr_keras.text.transcript import time
    >>> time("1.5"), time("-1")
    (1.5, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def content(lines: list[str], comment: str = ";;") -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line except blank lines and comments."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not (comment and line.lstrip().startswith(comment)):
            yield number, line


def require_words(path: str | Path, transcript: Transcript, separators: str = "") -> None:
    """Refuse a transcript that a format cannot represent.

    Raises:
        UserError: an id, signer or gloss is empty, or holds white space or one of `separators`.
    """
    for what, word in [
        ("id", transcript.id),
        ("signer", transcript.signer or "-"),
        *(("gloss", gloss) for gloss in transcript.glosses),
    ]:
        if not word or any(c.isspace() or c in separators for c in word):
            raise UserError(
                f"{path}: {what} {word!r} of sentence {transcript.id!r} is empty or has a "
                "character that this format cannot hold; rename it, or write JSONL"
            )


def require_plain(path: str | Path, transcript: Transcript, format: str) -> None:
    """Refuse alternatives and segments to ignore in a format that has none.

    Raises:
        UserError: the transcript has them.
    """
    if transcript.ignored or has_choices(transcript.words):
        raise UserError(
            f"{path}: sentence {transcript.id!r} has alternatives or is to be ignored, which "
            f"{format} cannot hold; write STM"
        )
