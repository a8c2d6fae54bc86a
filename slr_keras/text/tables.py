"""The reader of tables (CSV, TSV) of `prepare`, `extract` and `score`.

* Separator: from Excel's line `sep=;`, else the first of "|", tab, ";" and "," in the header.
* Encoding: UTF-8 with or without byte order mark, UTF-16 with one; all line ends.
* Quotes: a quoted cell may hold the separator and line breaks, also in the header. In tables with
  "|" or tabs, as the published corpora have, quotation marks inside translations are plain text.
* Unicode: cells are in the composed form NFC, except names of files.
* Numbers: `10.0`, `10,0` and R's `1e+05` are whole numbers.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slr_keras.text.transcript import read_lines
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest
from slr_keras.utils.unicode import composed

SEPARATORS = "|\t;,"
"""Column separators in the order of preference."""

Record = tuple[int, list[str]]
"""Number of a record's first line, from 1, and the record's cells."""

Row = tuple[int, dict[str, str]]
"""Number of a row's first line, from 1, and its cells by column name in lower case."""

_SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[^"\s]|\t)"?[;,\t]*', re.IGNORECASE)
_FILE_COLUMNS = frozenset(("file", "path", "video", "folder"))
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}([.,][0-9]{0,40})?([eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[0-9]+,[0-9]{3}")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def is_separator_line(line: str) -> bool:
    """Whether a line is Excel's note of the separator, such as `sep=;`.

    >>> from slr_keras.text.tables import is_separator_line
    >>> is_separator_line("sep=;"), is_separator_line("id;glosses")
    (True, False)
    """
    return _SEPARATOR_LINE.fullmatch(line.rstrip(" \r")) is not None


def read_table(
    path: str | Path,
    columns: Iterable[str] = (),
    empty: bool = False,
    lines: Sequence[str] | None = None,
) -> list[Row]:
    """Read a table with a header.

    Args:
        path: the file.
        columns: names that the header must have, in lower case.
        empty: whether a table without rows is allowed.
        lines: the file's lines, if the caller has read them.

    Returns:
        The rows. Column names are in lower case, cells without surrounding white space; columns
        without a name are left out.

    Raises:
        UserError: the file cannot be read, lacks a column or all rows, names a column twice, or a
            row has too few or too many fields; names file and line, and the nearest column.

    >>> import pathlib, tempfile
    >>> from slr_keras.text.tables import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "glosses.csv")
    ...     _ = path.write_text('sep=;\\n"id";"Glosses"\\nclip1;"RAIN\\nSOON"\\n')
    ...     read_table(path, ("id", "glosses"))
    [(3, {'id': 'clip1', 'glosses': 'RAIN\\nSOON'})]
    """
    records = read_records(path, lines)
    head, names = next(records, (0, []))
    if not names:
        raise UserError(f"{path}: is empty; its first line must name the columns")
    names = [name.lower() for name in names]
    _check_header(f"{path}:{head}", names, columns)
    rows = []
    for line, cells in records:
        require_width(f"{path}:{line}", cells, len(names), head)
        cells = [
            cell if name in _FILE_COLUMNS else composed(cell) for name, cell in zip(names, cells)
        ]
        rows.append((line, {name: cell for name, cell in zip(names, cells) if name}))
    if not rows and not empty:
        raise UserError(f"{path}: has no rows below its header")
    return rows


def _check_header(where: str, names: list[str], columns: Iterable[str]) -> None:
    present = [name for name in names if name]
    absent = [column for column in columns if column not in present]
    if absent:
        hint = nearest(absent[0], present) if len(present) > 1 else ""
        hint = hint if hint.startswith("; did") else "; the header must name it"
        raise UserError(f"{where}: no column {', '.join(absent)}, only {', '.join(present)}{hint}")
    twice = next((name for name in present if present.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{where}: two columns are called {twice!r}; rename or delete one")


def require_width(where: str, cells: Sequence[str], width: int, head: int) -> None:
    """Refuse a record whose number of cells differs from that of the first record.

    Args:
        where: file and line.
        cells: of the record.
        width: number of cells of the first record.
        head: line of the first record.

    Raises:
        UserError: the record is shorter or longer.
    """
    if len(cells) != width:
        raise UserError(
            f"{where}: {len(cells)} fields where the header has {width} (line {head}); add the "
            "empty fields, or put quotation marks around a cell that holds the separator"
        )


def whole_number(text: str) -> int | None:
    """Parse a whole number of 0 or more, as spreadsheets and R write it; None of other text.

    >>> from slr_keras.text.tables import whole_number
    >>> [whole_number(text) for text in ("10", "10.0", "10,0", "1e+05", "1.5", "-1", "NA")]
    [10, 10, 10, 100000, None, None, None]
    """
    value = decimal_number(text)
    if value is None or value < 0 or value >= 2**53 or not value.is_integer():
        return None
    return int(value)


def decimal_number(text: str) -> float | None:
    """Parse a number with a decimal point or comma; None of other text.

    Three digits behind a comma may be thousands, so that they are refused.

    >>> from slr_keras.text.tables import decimal_number
    >>> [decimal_number(text) for text in ("29.97", "29,97", "1,000", "inf")]
    [29.97, 29.97, None, None]
    """
    if not _NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def read_header(path: str | Path, lines: Sequence[str]) -> list[str]:
    """The column names of a table in lower case; [] where the lines are no table.

    >>> from slr_keras.text.tables import read_header
    >>> read_header("dev.csv", ["ID;Glosses", "clip1;RAIN"]), read_header("dev.stm", [])
    (['id', 'glosses'], [])
    """
    try:
        return [name.lower() for name in next(read_records(path, lines), (0, []))[1]]
    except UserError:
        return []


def read_records(path: str | Path, lines: Sequence[str] | None = None) -> Iterator[Record]:
    """The records of a table with or without a header, except blank ones.

    Args:
        path: the file.
        lines: the file's lines, if the caller has read them.

    Raises:
        UserError: the file cannot be read, or a quoted cell is malformed; names file and line.
    """
    lines = list(read_lines(path) if lines is None else lines)
    given = None
    # The note is emptied, not removed: the numbers of the other lines stay.
    if lines and is_separator_line(lines[0]):
        given = _SEPARATOR_LINE.fullmatch(lines[0].rstrip(" \r"))["separator"]
        lines[0] = ""
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    separator = given or _separator(lines[first:])
    yield from _parse(path, lines, separator, _is_quoted(lines, first, separator))


def _separator(lines: list[str]) -> str:
    """The preferred separator outside the quoted cells of the first record, else a comma."""
    head = lines[0]
    for line in lines[1:]:
        if head.count('"') % 2 == 0:
            break
        head += "\n" + line
    # An unpaired quotation mark is text; it does not open a cell with line breaks.
    bare = _QUOTED.sub("", head) if head.count('"') % 2 == 0 else lines[0]
    return next((mark for mark in SEPARATORS if mark in bare), ",")


def _is_quoted(lines: list[str], first: int, separator: str) -> bool:
    """Whether quotation marks enclose cells; otherwise they are text."""
    if separator == "|":
        return lines[first].lstrip().startswith('"')
    if separator != "\t":
        return True
    # Excel quotes cells that hold a tab, a quotation mark or a line break.
    try:
        widths = {len(cells) for _, cells in _parse("", lines, separator, True)}
    except UserError:
        return False
    return len(widths) == 1


def _parse(path: str | Path, lines: list[str], separator: str, quoted: bool) -> Iterator[Record]:
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(
        (line + "\n" for line in lines),
        delimiter=separator,
        quoting=quoting,
        skipinitialspace=quoted,
        strict=True,
    )
    begin = 1
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}:{reader.line_num}: not a table ({error}); the record begins in line {begin}: "
            'close its quoted cell, and write a quotation mark inside one as ""'
        ) from error
