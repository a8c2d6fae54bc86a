"""Detect the format of transcript files, read and write them."""

import re
from collections.abc import Mapping
from pathlib import Path

from slr_keras.text import common_formats, ctm, nist
from slr_keras.text.tables import is_separator_line
from slr_keras.text.transcript import Transcript, content, read_lines, time
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write

FORMATS = ("stm", "ctm", "trn", "csv", "jsonl", "text", "text-id")
"""Names of the formats; `text` has a sentence on each line, `text-id` an id before it."""

_BY_SUFFIX = {
    ".stm": "stm",
    ".ctm": "ctm",
    ".trn": "trn",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_READ = {"stm": nist.read_stm, "ctm": ctm.read_ctm, "trn": nist.read_trn}
_READ |= {"text": common_formats.read_text, "text-id": common_formats.read_text_with_ids}
_READ_BY_ROLE = {"csv": common_formats.read_csv, "jsonl": common_formats.read_jsonl}
_WRITE = {
    "stm": nist.format_stm,
    "ctm": ctm.format_ctm,
    "trn": nist.format_trn,
    "csv": common_formats.format_csv,
    "jsonl": common_formats.format_jsonl,
    "text": common_formats.format_text,
    "text-id": common_formats.format_text_with_ids,
}


def detect_format(path: str | Path, lines: list[str]) -> str:
    """Detect the format of a file by its extension, else by its content.

    Raises:
        UserError: the content fits two formats.

    >>> from slr_keras.metrics import detect_format
    >>> detect_format("dev.txt", ["c1 1 s01 0.0 1.79769e+308 A B"])
    'stm'
    >>> detect_format("dev.txt", ["id|gloss", "c1|A B"])
    'csv'
    """
    known = _BY_SUFFIX.get(Path(path).suffix.lower())
    if known:
        return known
    sentences = [line for _, line in content(lines)]
    if not sentences:
        return "text"
    words = [line.split() for line in sentences]
    # A TRN line may begin with alternatives in braces.
    if re.match(r"\s*\{(?!.*\([^()]+\)\s*$)", sentences[0]):
        return "jsonl"
    if "|" in sentences[0] or is_separator_line(sentences[0]):
        return "csv"
    if all(_times_at(fields, 3, 4) for fields in words):
        return "stm"
    if all(_times_at(fields, 2, 3) for fields in words):
        return "ctm"
    if all("\t" in line.strip("\n") for line in sentences):
        return "text-id"
    if all(nist.is_trn(line) for line in sentences):
        return "trn"
    names = [fields[0] for fields in words]
    if len(set(names)) == len(names) > 1 and all(any(map(str.isdigit, name)) for name in names):
        raise UserError(
            f"{path}: is {names[0]!r}, which begins the first line, an id or a gloss? "
            "Say --format text-id or --format text"
        )
    return "text"


def read_transcripts(
    path: str | Path, format: str | None = None, role: str = "reference"
) -> dict[str, Transcript]:
    """Read transcripts by id, in the order of the file.

    Args:
        path: STM, CTM, TRN, CSV, JSONL or plain text, UTF-8.
        format: one of `FORMATS`; by default detected from extension and content.
        role: "reference" or "hypothesis": the column to read from a file that holds both, such
            as the predictions of a run.

    Raises:
        UserError: unreadable, malformed, no sentence, an id twice; names file and line.

    >>> import pathlib, tempfile
    >>> from slr_keras.metrics import read_transcripts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dev.stm")
    ...     _ = path.write_text("c1 1 s01 0.0 1.79769e+308 A B")
    ...     read_transcripts(path)["c1"].glosses
    ('A', 'B')
    """
    if role not in ("reference", "hypothesis"):
        raise ValueError(f'role is "reference" or "hypothesis", not {role!r}')
    lines = read_lines(path)
    format = detect_format(path, lines) if format is None else _known(format)
    if format in _READ_BY_ROLE:
        transcripts = _READ_BY_ROLE[format](path, lines, role)
    else:
        transcripts = _READ[format](path, lines)
    if not transcripts:
        raise UserError(f"{path}: no sentence in it (read as {format})")
    return transcripts


def write_transcripts(
    path: str | Path, transcripts: Mapping[str, Transcript], format: str | None = None
) -> None:
    """Write transcripts atomically.

    CTM, TRN and text drop signers; STM, TRN, CSV and text drop times; text drops ids.

    Args:
        path: the file to write.
        transcripts: by id, as `read_transcripts` gives them.
        format: one of `FORMATS`; by default by the extension (`.txt`: text-id).

    Raises:
        UserError: no format has this extension, or the format cannot represent an id or gloss.

    >>> import pathlib, tempfile
    >>> from slr_keras.metrics import Transcript, write_transcripts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dev.csv")
    ...     write_transcripts(path, {"c1": Transcript("c1", ("A", "B"), "s01")})
    ...     path.read_text()
    'id|signer|gloss\\nc1|s01|A B\\n'
    """
    if format is None:
        suffix = Path(path).suffix.lower()
        format = "text-id" if suffix == ".txt" else _BY_SUFFIX.get(suffix)
        if format is None:
            raise UserError(f"{path}: no transcript format has the extension {suffix!r}")
    with atomic_write(path) as file:
        for line in _WRITE[_known(format)](path, transcripts):
            file.write(line + "\n")


def _times_at(fields: list[str], *places: int) -> bool:
    # `*` stands beside the alternatives of a CTM file.
    return len(fields) >= 5 and all(
        fields[place] == "*" or time(fields[place]) is not None for place in places
    )


def _known(format: str) -> str:
    if format not in FORMATS:
        raise UserError(f"format {format!r} is unknown; known are {', '.join(FORMATS)}")
    return format
