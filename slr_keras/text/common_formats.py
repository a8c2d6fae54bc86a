"""Transcripts in tables (CSV), JSON lines and plain text."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from slr_keras.text.nist_words import refuse_markup
from slr_keras.text.tables import read_records, require_width
from slr_keras.text.transcript import (
    Collector,
    Transcript,
    content,
    require_plain,
    require_words,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import parse_json
from slr_keras.utils.unicode import composed

_ID = ("id", "name", "clip", "file", "fileid", "sample", "video", "video_id", "index")
_SIGNER = ("signer", "speaker")
_GLOSSES = ("glosses", "gloss", "orth", "annotation", "sentence", "label")
_BY_ROLE = {
    "reference": ("reference", "ref", "target"),
    "hypothesis": ("hypothesis", "hyp", "prediction", "predicted", "pred"),
}


def _gloss_names(role: str) -> tuple[str, ...]:
    # A file of predictions often holds reference and hypothesis; the role selects one.
    return (*_BY_ROLE[role], *_GLOSSES)


def _column(header: list[str], names: Iterable[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def read_csv(path: str | Path, lines: list[str], role: str) -> dict[str, Transcript]:
    """Parse a table: PHOENIX-2014, PHOENIX-2014-T, CSL-Daily, Isharah, GSL, or your own.

    See `slr_keras.text.tables` for separators and quotes. With a header, columns go by name (id
    or name; glosses, gloss, orth or annotation; signer or speaker); without one there are two:
    id, glosses.

    Raises:
        UserError: missing columns, a row of another length, or a duplicate id; names file and
            line.
    """
    collector = Collector(path)
    records = read_records(path, lines)
    head, first = next(records, (0, []))
    if not first:
        return {}
    (name, glosses, signer), is_header = _columns(path, head, first, role)
    for number, row in records if is_header else chain([(head, first)], records):
        require_width(f"{path}:{number}", row, len(first), head)
        refuse_markup(row[glosses], f"{path}:{number}", "CSV")
        signed_by = "" if signer is None else row[signer]
        collector.add(Transcript(row[name], tuple(row[glosses].split()), signed_by), number)
    return collector.transcripts


def _columns(
    path: str | Path, number: int, row: list[str], role: str
) -> tuple[tuple[int, int, int | None], bool]:
    if len(row) == 1:
        raise UserError(f'{path}:{number}: no column separator ("|", tab, ";" or ",")')
    header = [cell.lower() for cell in row]
    name, glosses = _column(header, _ID), _column(header, _gloss_names(role))
    if name is not None and glosses is not None:
        return (name, glosses, _column(header, _SIGNER)), True
    if len(row) == 2 and name is None and glosses is None:
        return (0, 1, None), False
    raise UserError(
        f"{path}:{number}: columns {row[:8]} name no id and glosses; known are "
        f"{', '.join(_ID)} and {', '.join(_gloss_names(role))}"
    )


def format_csv(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of a table `id|signer|gloss`."""
    yield "id|signer|gloss"
    for transcript in transcripts.values():
        require_words(path, transcript, "|")
        require_plain(path, transcript, "CSV")
        yield f"{transcript.id}|{transcript.signer}|{' '.join(transcript.glosses)}"


def read_jsonl(path: str | Path, lines: list[str], role: str) -> dict[str, Transcript]:
    """Parse one JSON object a line: `{"id": ..., "glosses": [...], "signer": ...}`.

    Glosses are a list of strings, a list of objects `{"gloss", "start", "end"}`, or one string.

    Raises:
        UserError: not JSON, no id or glosses, or a duplicate id; names file and line.
    """
    collector = Collector(path)
    for number, line in content(lines, ""):
        where = f"{path}:{number}"
        try:
            value = parse_json(line)
        except (ValueError, RecursionError, MemoryError) as error:
            raise UserError(f"{where}: not valid JSON ({error})") from error
        if not isinstance(value, dict):
            raise UserError(f"{where}: a JSON object is needed, this is {type(value).__name__}")
        name = next((value[key] for key in _ID if key in value), None)
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise UserError(f"{where}: no id; known keys are {', '.join(_ID)}")
        key = next((key for key in _gloss_names(role) if key in value), None)
        if key is None:
            raise UserError(f"{where}: no glosses; known keys are {', '.join(_gloss_names(role))}")
        glosses, times = _glosses(where, key, value[key])
        refuse_markup(" ".join(glosses), where, "JSONL")
        times = times or _times(where, value.get("times"), len(glosses))
        signer = next((str(value[key]) for key in _SIGNER if value.get(key) is not None), "")
        collector.add(Transcript(str(name), glosses, signer, times), number)
    return collector.transcripts


def _glosses(where: str, key: str, value: Any) -> tuple[tuple[str, ...], tuple]:
    if isinstance(value, str):
        return tuple(value.split()), ()
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value), ()
    if isinstance(value, list) and all(
        isinstance(word, dict) and isinstance(word.get("gloss"), str) for word in value
    ):
        times = [[word.get("start"), word.get("end")] for word in value]
        known = all(None not in pair for pair in times)
        glosses = tuple(word["gloss"] for word in value)
        return glosses, _times(where, times if known else None, len(glosses))
    raise UserError(f"{where}: {key!r} is neither a list of glosses nor a string")


def _times(where: str, value: Any, glosses: int) -> tuple[tuple[float, float], ...]:
    if value is None or value == []:
        return ()
    try:
        times = tuple((float(start), float(end)) for start, end in value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: times are pairs of seconds, [[start, end], ...]") from error
    if len(times) != glosses:
        raise UserError(f"{where}: {glosses} glosses but times for {len(times)}")
    return times


def format_jsonl(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of JSON: one object for each transcript."""
    for transcript in transcripts.values():
        require_plain(path, transcript, "JSONL")
        value: dict[str, Any] = {"id": transcript.id, "glosses": transcript.glosses}
        if transcript.signer:
            value["signer"] = transcript.signer
        if transcript.times:
            value["times"] = transcript.times
        yield json.dumps(value, ensure_ascii=False)


def read_text(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse one sentence a line without ids: the line number, from 1, is the id."""
    transcripts = {}
    for number, line in enumerate(lines, 1):
        refuse_markup(line, f"{path}:{number}", "text")
        glosses = tuple(composed(line).split())
        transcripts[str(number)] = Transcript(str(number), glosses, line=number)
    return transcripts


def format_text(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of glosses, without ids."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        require_plain(path, transcript, "text")
        yield " ".join(transcript.glosses)


def read_text_with_ids(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse one sentence a line: the id, a tab (or other white space), the glosses."""
    collector = Collector(path)
    for number, line in content(lines, ""):
        refuse_markup(line, f"{path}:{number}", "text")
        name, _, glosses = line.strip(" ").partition("\t" if "\t" in line else " ")
        collector.add(Transcript(name.strip(), tuple(glosses.split())), number)
    return collector.transcripts


def format_text_with_ids(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of the id, a tab and the glosses."""
    for transcript in transcripts.values():
        require_words(path, transcript)
        require_plain(path, transcript, "text")
        yield f"{transcript.id}\t{' '.join(transcript.glosses)}"
