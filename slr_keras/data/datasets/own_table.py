"""Your own clips: a table of glosses, and one keypoint file per clip."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.data.datasets.base import Dataset, Option, number
from slr_keras.data.datasets.span_arrays import Spans
from slr_keras.data.datasets.splits import held_out
from slr_keras.data.lines import SPLITS
from slr_keras.text.tables import read_table, whole_number
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed, readable, spelled, with_slashes

DEFAULT_TABLE = "glosses.csv"
COLUMNS = (
    "glosses.csv: columns id, glosses (separated by spaces); optional file, split, signer, text, "
    "fps, spans (start:end of every gloss in frames, end exclusive, separated by spaces)"
)
"""The table, for help texts."""

OPTIONS = (
    Option("table", DEFAULT_TABLE, "the table's name inside PATH"),
    Option("dev_signers", (), "signers kept for dev, where the table has no column split"),
    Option("test_signers", (), "signers kept for test, where the table has no column split"),
    Option("dev_fraction", 0.1, "fraction of the clips for dev, without split and without signers"),
    Option("test_fraction", 0.0, "the same for test"),
    Option("seed", 0, "of the random choice for dev and test"),
)


@dataclass(frozen=True)
class Row:
    """One clip of the table."""

    id: str
    glosses: tuple[str, ...]
    path: Path
    split: str
    signer: str = ""
    text: str = ""
    fps: float | None = None
    spans: Spans | None = None


def read_rows(
    source: Path,
    dataset: Dataset,
    suffixes: tuple[str, ...],
    table: str = DEFAULT_TABLE,
    dev_signers: tuple[str, ...] = (),
    test_signers: tuple[str, ...] = (),
    dev_fraction: float = 0.1,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> Iterator[Row]:
    """Read the clips of a table with the columns id and glosses, and find their files.

    Optional columns: file (default: the id with one of the suffixes), split, signer, text, fps, and
    spans, the frames of every gloss as "start:end", end exclusive, separated by spaces.

    Args:
        source: folder of the table and the files.
        dataset: for the message when files are missing.
        suffixes: of keypoint files.
        table: name of the table.
        dev_signers, test_signers: signers of these splits, without a column split.
        dev_fraction, test_fraction, seed: fractions for these splits, without a column split and
            such signers; see `splits.held_out`.

    Raises:
        UserError: table or keypoint files are missing, a row is malformed; names file and line.
    """
    dataset.require(source, table)
    path = source / table
    rows = read_table(path, ("id", "glosses"))
    if "split" in rows[0][1]:
        splits = [row["split"] for _, row in rows]
    else:
        glosses = [row["glosses"].split() for _, row in rows]
        signers = [row.get("signer", "") for _, row in rows]
        chosen = (dev_signers, test_signers, dev_fraction, test_fraction, seed)
        splits = held_out(glosses, signers, *chosen)
    files = [_file(source, row, suffixes) for _, row in rows]
    absent = [f"{row['id']} (line {line})" for (line, row), file in zip(rows, files) if not file]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise UserError(
            f"{path}: no file of the clips {', '.join(absent[:5])}{more}; it must be the id with "
            f"{' or '.join(suffixes)}, or stand in a column file"
        )
    for (line, row), split, file in zip(rows, splits, files):
        if split not in SPLITS:
            raise UserError(f"{path}:{line}: split {split!r} must be train, dev or test")
        yield Row(
            id=_name(row["id"], file, source),
            glosses=tuple(row["glosses"].split()),
            path=file,
            split=split,
            signer=row.get("signer", ""),
            text=row.get("text", ""),
            fps=number(row["fps"], f"{path}:{line}: fps") if row.get("fps") else None,
            spans=_spans(row["spans"], f"{path}:{line}") if row.get("spans") else None,
        )


def _name(name: str, file: Path, source: Path) -> str:
    """The id, with slashes where Windows wrote the folders of the file into the id."""
    inside = file.relative_to(source).with_suffix("").as_posix()
    return with_slashes(name) if readable(inside) == composed(with_slashes(name)) else name


def _spans(text: str, where: str) -> Spans:
    """Spans from "0:12 15:40"."""
    spans = []
    for span in text.split():
        start, end = map(whole_number, span.partition(":")[::2])
        if start is None or end is None:
            raise UserError(f"{where}: span {span!r} is not start:end in frames, such as 15:40")
        spans.append([start, end])
    return spans


def _file(source: Path, row: dict[str, str], suffixes: tuple[str, ...]) -> Path | None:
    named = row.get("file")
    candidates = [named] if named else [row["id"] + suffix for suffix in suffixes]
    paths = (spelled(source / name) for name in candidates)
    # Unlike Path.is_file, this takes a name that no file can have, such as one of 300 letters.
    return next((path for path in paths if os.path.isfile(path)), None)
