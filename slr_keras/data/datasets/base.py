"""Declaration of a data set, and helpers of several data set modules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from slr_keras.data.arrays import read_npz as read_entries
from slr_keras.text.tables import decimal_number
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed


@dataclass(frozen=True)
class Option:
    """An option of `prepare`: a keyword of the data set's function and a flag of the command.

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
    """A data set: description, source, and the function that prepares it.

    Attributes:
        name: as given to `slr prepare`.
        title: one line.
        obtain: where the user gets its files.
        licence: terms of use.
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
        """The error for files that are missing in the user's folder."""
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


# Arrays of several rows a clip.
_RAGGED = ("frames", "spans")


def read_npz(
    path: Path,
    shapes: Mapping[str, tuple[int | None, ...]],
    optional: Mapping[str, tuple[int | None, ...]] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Read arrays of known shapes from an `.npz` file.

    Args:
        path: the file.
        shapes: name of every array needed to its shape; None for an axis of any length.
        optional: the same of arrays that are read where the file has them.

    Raises:
        UserError: the file is damaged, or an array is missing or of another shape.
    """
    arrays = read_entries(path, shapes, optional)
    present = {name: shape for name, shape in {**shapes, **optional}.items() if name in arrays}
    for name, shape in present.items():
        actual = arrays[name].shape
        if len(actual) != len(shape) or any(b not in (None, a) for a, b in zip(actual, shape)):
            expected = ", ".join("any" if axis is None else str(axis) for axis in shape)
            raise UserError(f"{path}: array {name!r} has shape {actual}, not ({expected})")
    rows = {len(arrays[name]) for name, shape in present.items() if shape and name not in _RAGGED}
    if len(rows) > 1:
        raise UserError(f"{path}: its arrays describe different numbers of clips: {sorted(rows)}")
    return arrays


def cut(path: Path, frames: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Split a concatenated array into clips of `lengths[i]` frames.

    Raises:
        UserError: the lengths do not add up to the frames.
    """
    if lengths.dtype.kind not in "iu" or (lengths < 0).any() or lengths.sum() != len(frames):
        raise UserError(f"{path}: 'lengths' do not add up to the {len(frames)} frames")
    return np.split(frames, np.cumsum(lengths)[:-1])


def number(text: str, where: str) -> float:
    """Parse a number of a text file.

    Raises:
        UserError: names `where`.
    """
    value = decimal_number(text)
    if value is None:
        raise UserError(f"{where}: {text!r} is not a number")
    return value


def frame_size(text: str) -> tuple[float, float]:
    """Parse width and height from "640x480".

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
    """A label as a gloss of one word in composed letters: white space becomes "-".

    >>> from slr_keras.data.datasets.base import one_word
    >>> one_word("do it")
    'do-it'
    """
    return "-".join(composed(label).split())
