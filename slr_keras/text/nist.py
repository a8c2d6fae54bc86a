"""NIST's transcript formats: STM, CTM and TRN."""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from slr_keras.text.phoenix import EMPTY
from slr_keras.text.transcript import (
    END_OF_TIME,
    Collector,
    Transcript,
    composed,
    content,
    require_words,
)
from slr_keras.utils.errors import UserError

_UNKNOWN_SIGNER = "unknown"
_GRID = 0.01
_TRN = re.compile(r"^(?P<words>.*?)\s*(?<!\S)\((?P<id>[^()\s]+)\)\s*$")


def time(text: str) -> float | None:
    """Parse seconds of 0 or more; None if the text is anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def read_stm(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `id channel signer start end [<label>] gloss gloss ...` lines; ";;" is a comment.

    Raises:
        UserError: a malformed line or a duplicate id; names file and line.
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
        if glosses == ["IGNORE_TIME_SEGMENT_IN_SCORING"] or "{" in glosses:
            raise UserError(
                f"{path}:{number}: segments to ignore and alternatives in braces are not "
                "supported; remove the sentence from reference and hypothesis"
            )
        signer = "" if fields[2] == _UNKNOWN_SIGNER else fields[2]
        collector.add(Transcript(fields[0], tuple(glosses), signer, (), start, end), number)
    return collector.transcripts


def format_stm(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of an STM file."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        end = "1.79769e+308" if transcript.end >= END_OF_TIME else repr(transcript.end)
        fields = [transcript.id, "1", transcript.signer or _UNKNOWN_SIGNER]
        yield " ".join([*fields, repr(transcript.start), end, *transcript.glosses])


def read_ctm(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `id channel start duration gloss [confidence]` lines, one gloss each.

    The glosses of a clip stand together and are put in order of their start. `[EMPTY]`, which
    the PHOENIX scripts write for a clip without glosses, is kept: sclite scores it as a word.
    (Those scripts write the end into the duration's field, so ends are only as good as the file.)

    Raises:
        UserError: a malformed line, or a clip in two separate places; names file and line.
    """
    words: dict[str, list[tuple[float, float, str]]] = {}
    first: dict[str, int] = {}
    channels: dict[str, str] = {}
    last = None
    for number, line in content(lines):
        fields = line.split()
        if not 5 <= len(fields) <= 8:
            raise UserError(
                f"{path}:{number}: a CTM line is `id channel start duration gloss "
                f"[confidence]`, this one has {len(fields)} field(s)"
            )
        name, channel = composed(fields[0]), fields[1]
        start, duration = time(fields[2]), time(fields[3])
        if start is None or duration is None:
            raise UserError(
                f"{path}:{number}: start and duration of a CTM line are seconds, fields 3 and "
                f"4; here {fields[2]!r} and {fields[3]!r}"
            )
        if len(fields) > 5 and fields[5] != "NA" and time(fields[5].lstrip("-")) is None:
            raise UserError(
                f"{path}:{number}: one gloss to a CTM line; the sixth field is a confidence, "
                f"here {fields[5]!r}"
            )
        if channels.setdefault(name, channel) != channel or (name in words and name != last):
            raise UserError(
                f"{path}:{number}: clip {name!r} began in line {first[name]} and comes again; "
                "keep the glosses of a clip together, in one channel (sort the file by id)"
            )
        first.setdefault(name, number)
        words.setdefault(name, []).append((start, duration, composed(fields[4])))
        last = name
    transcripts = {}
    for name, spoken in words.items():
        spoken.sort(key=lambda word: word[0])
        times = tuple((start, start + duration) for start, duration, _ in spoken)
        transcripts[name] = Transcript(name, tuple(word for _, _, word in spoken), "", times)
    return transcripts


def format_ctm(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of a CTM file, sorted by id; `[EMPTY]` where a clip has no glosses.

    Without times the glosses are laid on a grid of 0.01 s, as the PHOENIX scripts do.
    """
    for name in sorted(transcripts):
        transcript = transcripts[name]
        require_words(path, transcript)
        times = transcript.times or tuple(
            (i * _GRID, (i + 1) * _GRID) for i in range(len(transcript.glosses))
        )
        if not transcript.glosses:
            yield f"{name} 1 0.000 {_GRID:.3f} {EMPTY}"
        for gloss, (start, end) in zip(transcript.glosses, times):
            yield f"{name} 1 {start:.3f} {end - start:.3f} {gloss}"


def read_trn(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `gloss gloss ... (id)` lines.

    Raises:
        UserError: a line without id, an id that comes twice; names file and line.
    """
    collector = Collector(path)
    for number, line in content(lines):
        match = _TRN.match(line)
        if not match:
            raise UserError(f"{path}:{number}: a TRN line ends with its id in parentheses")
        collector.add(Transcript(match["id"], tuple(match["words"].split())), number)
    return collector.transcripts


def format_trn(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of a TRN file."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        if "(" in transcript.id or ")" in transcript.id:
            raise UserError(f"{path}: a TRN id holds no parentheses: {transcript.id!r}")
        yield " ".join([*transcript.glosses, f"({transcript.id})"])


def is_trn(line: str) -> bool:
    """Whether a line ends with an id in parentheses."""
    return bool(_TRN.match(line))
