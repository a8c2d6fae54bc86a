"""NIST's transcript formats STM and TRN; see `slr_keras.text.nist_words` for mark-up."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slr_keras.text.nist_words import Words, has_choices, is_ignored, parse_words, refuse_ignored
from slr_keras.text.transcript import (
    END_OF_TIME,
    Collector,
    Transcript,
    content,
    require_words,
    time,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed

_UNKNOWN_SIGNER = "unknown"
_TRN_ID = re.compile(r"\(([^()\s]+)\)")


def read_stm(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `id channel signer start end [<label>] gloss gloss ...` lines; ";;" is a comment.

    Raises:
        UserError: a malformed line, malformed mark-up or a duplicate id; names file and line.
    """
    collector = Collector(path)
    for number, line in content(lines):
        fields = line.split()
        if len(fields) < 5:
            raise UserError(
                f"{path}:{number}: an STM line is `id channel signer start end gloss ...`, "
                f"this one has {len(fields)} field(s)"
            )
        start, end = time(fields[3]), time(fields[4])
        if start is None or end is None or end < start:
            raise UserError(
                f"{path}:{number}: start and end of an STM line are seconds, fields 4 and 5; "
                f"here {fields[3]!r} and {fields[4]!r}"
            )
        glosses = fields[5:]
        if glosses and re.fullmatch("<.*>", glosses[0]):
            glosses = glosses[1:]
        ignored = is_ignored(" ".join(glosses))
        words = () if ignored else _words(glosses, f"{path}:{number}")
        signer = "" if fields[2] == _UNKNOWN_SIGNER else fields[2]
        collector.add(
            Transcript(fields[0], tuple(glosses), signer, (), start, end, words, ignored), number
        )
    return collector.transcripts


def format_stm(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of an STM file."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        _words(transcript.glosses, f"{path}: sentence {transcript.id!r}")
        end = "1.79769e+308" if transcript.end >= END_OF_TIME else repr(transcript.end)
        fields = [transcript.id, "1", transcript.signer or _UNKNOWN_SIGNER]
        yield " ".join([*fields, repr(transcript.start), end, *transcript.glosses])


def read_trn(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `gloss gloss ... (id)` lines.

    Raises:
        UserError: a line without id, malformed mark-up, an id that comes twice; names file and
            line.
    """
    collector = Collector(path)
    for number, line in content(lines):
        where = f"{path}:{number}"
        parts = _trn_parts(line)
        if parts is None:
            raise UserError(f"{where}: a TRN line ends with its id in parentheses")
        glosses, name = parts
        refuse_ignored(" ".join(glosses), where, "TRN")
        collector.add(Transcript(name, tuple(glosses), words=_words(glosses, where)), number)
    return collector.transcripts


def format_trn(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of a TRN file."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        if "(" in transcript.id or ")" in transcript.id:
            raise UserError(f"{path}: a TRN id holds no parentheses: {transcript.id!r}")
        _words(transcript.glosses, f"{path}: sentence {transcript.id!r}")
        yield " ".join([*transcript.glosses, f"({transcript.id})"])


def is_trn(line: str) -> bool:
    """Whether a line ends with an id in parentheses."""
    return _trn_parts(line) is not None


def _trn_parts(line: str) -> tuple[list[str], str] | None:
    """Glosses and id of a TRN line; None if the line does not end with an id."""
    # Only the last word is matched: a pattern for the line takes quadratic time on long lines.
    *glosses, last = line.split() or [""]
    match = _TRN_ID.fullmatch(last)
    return (glosses, match[1]) if match else None


def _words(glosses: Sequence[str], where: str) -> Words:
    """The words of glosses with mark-up; () of glosses without."""
    text = composed(" ".join(glosses))
    words = parse_words(text, where)
    return () if words == tuple(text.split()) and not has_choices(words) else words
