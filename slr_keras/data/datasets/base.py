"""What a data set module declares, and the reading that several of them share."""

import csv
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text


@dataclass(frozen=True)
class Option:
    """A choice of the user: a keyword of the data set's function, a flag of the command.

    Attributes:
        name: the keyword; as a flag with "-" for "_".
        default: also gives the type; a tuple means any number of values.
        help: one line.
        choices: the only values allowed, if not empty.
    """

    name: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A data set: what it is, where it is obtained, and the function that prepares it.

    Attributes:
        name: as given to `python -m slr_keras.prepare`.
        title: one line.
        obtain: where its files come from.
        licence: under which terms.
        files: what the folder must hold, one line each.
        prepare: `prepare(source, folder, **options)` writes the data folder `folder`.
        options: the keywords of `prepare`.
    """

    name: str
    title: str
    obtain: str
    licence: str
    files: tuple[str, ...]
    prepare: Callable[..., None]
    options: tuple[Option, ...] = ()

    def missing(self, source: Path, what: Iterable[str]) -> UserError:
        """The error for files that the user's folder does not have."""
        if not source.exists():
            return UserError(f"{source}: no such folder; {self._where()}")
        return UserError(f"{source}: missing {', '.join(what)}; {self._where()}")

    def require(self, source: Path, *names: str) -> None:
        """Check that the folder holds the named files.

        Raises:
            UserError: lists every file that is missing, and where the data is obtained.
        """
        absent = [name for name in names if not (source / name).is_file()]
        if absent or not source.is_dir():
            raise self.missing(source, absent or names)

    def _where(self) -> str:
        return f"the folder must hold {' | '.join(self.files)}; obtain it from {self.obtain}"


def read_npz(path: Path, shapes: Mapping[str, tuple[int | None, ...]]) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` file, without pickles.

    Args:
        path: the file.
        shapes: name of every array needed to its shape; None for an axis of any length.

    Raises:
        UserError: the file is damaged, or an array is missing or of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in shapes if name in file.files}
            present = ", ".join(file.files)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        raise UserError(f"{path}: truncated or not an .npz file of numbers ({error})") from error
    for name, shape in shapes.items():
        if name not in arrays:
            raise UserError(f"{path}: has no array {name!r}, only {present}")
        actual = arrays[name].shape
        if len(actual) != len(shape) or any(b not in (None, a) for a, b in zip(actual, shape)):
            expected = ", ".join("any" if axis is None else str(axis) for axis in shape)
            raise UserError(f"{path}: array {name!r} has shape {actual}, not ({expected})")
    rows = {len(arrays[name]) for name, shape in shapes.items() if name != "frames"}
    if len(rows) > 1:
        raise UserError(f"{path}: its arrays describe different numbers of clips: {sorted(rows)}")
    return arrays


def cut(path: Path, frames: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The clips of a ragged array: `lengths[i]` frames each, one behind the other.

    Raises:
        UserError: the lengths do not add up to the frames.
    """
    if lengths.dtype.kind not in "iu" or (lengths < 0).any() or lengths.sum() != len(frames):
        raise UserError(f"{path}: 'lengths' do not add up to the {len(frames)} frames")
    return np.split(frames, np.cumsum(lengths)[:-1])


def read_csv(path: Path, columns: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with a header, each with its line number.

    The separator is the first of "|", tab, ";" and "," that the header has.

    Raises:
        UserError: the file cannot be read, a column is missing, or a row has too few or too many
            fields; names file and line.
    """
    names = header(path)
    absent = [column for column in columns if column not in names]
    if absent:
        raise UserError(f"{path}:1: no column {', '.join(absent)}; the header must name it")
    lines = read_text(path).split("\n")
    separator = _separator(lines[0])
    # Translations hold quotation marks that mean nothing; only comma-separated files quote.
    quoting = csv.QUOTE_MINIMAL if separator in ",;" else csv.QUOTE_NONE
    reader = csv.reader(lines[1:], delimiter=separator, quoting=quoting)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for fields in reader:
            line = reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(names):
                raise UserError(
                    f"{path}:{line}: {len(fields)} fields where the header has {len(names)}"
                )
            rows.append((line, {n: field.strip() for n, field in zip(names, fields)}))
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num + 1}: {error}") from error
    return rows


def header(path: Path) -> list[str]:
    """The fields of a file's first line, at its separator."""
    first = read_text(path).partition("\n")[0].removeprefix("\ufeff")
    return [field.strip() for field in first.split(_separator(first))]


def _separator(line: str) -> str:
    return next((mark for mark in "|\t;" if mark in line), ",")


def number(text: str, where: str) -> float:
    """A number of a text file.

    Raises:
        UserError: names `where`.
    """
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number") from None


def frame_size(text: str) -> tuple[float, float]:
    """Width and height from "640x480".

    >>> from slr_keras.data.datasets.base import frame_size
    >>> frame_size("640x480")
    (640.0, 480.0)

    Raises:
        UserError: the text is something else.
    """
    width, cross, height = text.partition("x")
    try:
        size = float(width), float(height)
    except ValueError:
        size = (0.0, 0.0)
    if not cross or not all(0 < side < 1e6 for side in size):
        raise UserError(f"frame size {text!r}: give width and height in pixels, such as 640x480")
    return size


def one_word(label: str) -> str:
    """A label as a gloss, which is one word.

    >>> from slr_keras.data.datasets.base import one_word
    >>> one_word("do it")
    'do-it'
    """
    return "-".join(label.split())
