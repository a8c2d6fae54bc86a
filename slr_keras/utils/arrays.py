"""Checkpoint files: named arrays and a JSON record in one atomically written archive."""

import errno
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path, guarded
from slr_keras.utils.npy import require_sound_npz

RECORD = "record"
_DAMAGED = ("damaged", "restore it, or begin anew with --restart")


def save_arrays(path: str | Path, groups: Mapping[str, Sequence], record: Any) -> None:
    """Write groups of variables and a record of plain values.

    The file is a NumPy archive: arrays called `group/number`, and the record as JSON. An older
    file of the name stays until the new one is complete.

    Args:
        path: ends in .npz.
        groups: variables (or anything with `numpy()`) by group, in a fixed order.
        record: a value that JSON can represent.

    Raises:
        UserError: the file cannot be written, for example because the disk is full.
    """
    arrays = {
        _key(group, number): variable.numpy()
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }
    text = np.frombuffer(json.dumps(record).encode(), np.uint8)
    try:
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            sink = _Sink(file)
            with zipfile.ZipFile(sink, "w") as archive:
                for name, array in {RECORD: text, **arrays}.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            if sink.error:
                raise sink.error
            file.flush()
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        before = "the one before it is intact" if Path(path).exists() else "there is none yet"
        raise UserError(
            f"{path}: cannot save the checkpoint, {reason}; {before}. "
            "Make room and run the same command again"
        ) from error


def load_arrays(path: str | Path, groups: Mapping[str, Sequence]) -> Any:
    """Assign the arrays of a `save_arrays` file to existing variables.

    All names and shapes are checked before the first assignment; other groups are ignored.

    Returns:
        The record.

    Raises:
        UserError: the file is unreadable, or names or shapes differ; names the first variable.
    """
    with _open(path) as archive:
        names = set(archive.files)
        values = []
        for group, variables in groups.items():
            for number, variable in enumerate(variables):
                key, name = _key(group, number), getattr(variable, "path", variable.name)
                if key not in names:
                    raise UserError(
                        f"{path}: nothing for the variable {name} ({key}): it belongs to another "
                        "model; use the run's own config"
                    )
                value = _read(archive, key, path)
                if value.shape != tuple(variable.shape):
                    raise UserError(
                        f"{path}: {name} ({key}) has shape {value.shape} there and "
                        f"{tuple(variable.shape)} here: it belongs to another model or vocabulary"
                    )
                values.append((variable, value))
            if _key(group, len(variables)) in names:
                raise UserError(f"{path}: it has more variables than the model in {group}")
        record = _record(archive, path)
    for variable, value in values:
        variable.assign(value)
    return record


def read_record(path: str | Path) -> Any:
    """Read the record of a `save_arrays` file without its arrays.

    Raises:
        UserError: the file is missing, damaged or no checkpoint.
    """
    with _open(path) as archive:
        return _record(archive, path)


class _Sink:
    """Writes to a file until an error, which is kept and not raised.

    A `ZipFile` that sees the error writes again when it is destroyed and prints a second error.
    """

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.error: OSError | None = None

    def write(self, data) -> int:
        if self.error is None:
            try:
                self.file.write(data)
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Do nothing: the file is flushed at the end."""


def _key(group: str, number: int) -> str:
    # Not the variable's name: Keras numbers its automatic names per process.
    return f"{group}/{number:04d}"


def _record(archive, path: str | Path) -> Any:
    text = _read(archive, RECORD, path).tobytes()
    with guarded(path, *_DAMAGED):
        return json.loads(text)


def _read(archive, key: str, path: str | Path) -> np.ndarray:
    with guarded(path, *_DAMAGED):
        array = archive[key]
        # numpy hands out the bytes of an entry that is no array.
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{key} is no array")
        return array


def _open(path: str | Path):
    if not Path(path).exists():
        raise UserError(f"{path}: there is no such checkpoint")
    with guarded(path, "not a checkpoint of slr_keras, or a damaged one"):
        require_sound_npz(path)
        archive = np.load(path, allow_pickle=False)
        if RECORD not in archive.files:
            archive.close()
            raise ValueError("no record")
        return archive
