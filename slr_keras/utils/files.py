"""Atomic writing (temporary file, fsync, rename) and guarded reading of files.

Folders whose files belong together are published by `slr_keras.utils.published_folder`.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from slr_keras.utils.errors import UserError
from slr_keras.utils.working_folder import synchronise, working_folder

_LONGEST_NAME = 200


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    For libraries that open the file themselves. The suffix is kept because such libraries choose
    the format by it. File and folder are on the disk after the block. What killed writers left in
    the folder is removed.

    >>> import tempfile, pathlib
    >>> from slr_keras.utils.files import atomic_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder, "a.txt")
    ...     with atomic_path(target) as temporary:
    ...         _ = temporary.write_text("complete")
    ...     target.read_text()
    'complete'
    """
    path = Path(path)
    with working_folder(path.parent, path.name) as place:
        # Hidden, so that no search for files of this kind takes it for one.
        temporary = place / f".{path.name}"
        temporary.touch()
        rights = stat.S_IMODE(temporary.stat().st_mode)
        yield temporary
        # Libraries may have put another file here, which its owner alone may read.
        temporary.chmod(rights)
        synchronise(temporary)
        rename(temporary, path)


def rename(path: Path, to: Path) -> None:
    """Rename a file, which replaces the file `to`; the new name is on the disk afterwards."""
    os.replace(path, to)
    synchronise(to.parent)


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file for writing; it appears under its name only when it is complete.

    Args:
        path: the file to write; its folder is created if necessary.
        mode: "w" for text (UTF-8) or "wb" for bytes.

    >>> import tempfile, pathlib
    >>> from slr_keras.utils.files import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(pathlib.Path(folder, "a.txt")) as file:
    ...         _ = file.write("complete")
    ...     pathlib.Path(folder, "a.txt").read_text()
    'complete'
    """
    encoding = None if "b" in mode else "utf-8"
    with atomic_path(path) as temporary, open(temporary, mode, encoding=encoding) as file:
        yield file
        file.flush()


def write_text(path: str | Path, text: str) -> None:
    """Write text atomically."""
    with atomic_write(path) as file:
        file.write(text)


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_text(path: str | Path) -> str:
    """Read UTF-8 text.

    Raises:
        UserError: the file is missing, unreadable or not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        UserError: the file is missing, unreadable or not JSON; names file and line.
    """
    text = read_text(path)
    # Beside JSONDecodeError: RecursionError of deep nesting, ValueError of a number of many digits.
    with guarded(path, "not valid JSON"):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from error


def has_format(path: str | Path, name: str) -> bool:
    """Whether a file exists and is a JSON object whose `format` has this name.

    >>> from slr_keras.utils.files import has_format
    >>> has_format("no such file", "slr_keras.preset")
    False
    """
    if not Path(path).is_file():
        return False
    value = read_json(path)
    return isinstance(value, dict) and value.get("format") == name


@contextlib.contextmanager
def guarded(path: str | Path, problem: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever a reader raises on a damaged file into an error that names the file.

    Files that are truncated, of another format or hostile make numpy, zipfile, zlib and picture
    decoders raise nearly anything: ValueError, EOFError, SyntaxError, tokenize.TokenError,
    BadZipFile, NotImplementedError, OverflowError, MemoryError. A list of them is never complete.

    Args:
        path: the file.
        problem: what an exception other than one of the operating system means, such as
            "truncated, or not a .npz file".
        remedy: what the user can do about a damaged file.

    Raises:
        UserError: anything was raised in the block; a UserError of the block stays as it is.

    >>> from slr_keras.utils.files import guarded
    >>> with guarded("a.npz", "damaged", "record the clip again"):
    ...     raise NotImplementedError("compression 99")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: a.npz: damaged (compression 99); record the clip again
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        remedy = f"; {remedy}" if remedy else ""
        raise UserError(f"{path}: {problem} ({reason}){remedy}") from error


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_name(text: str) -> str:
    """A portable file name of a text: one path component, not hidden, not too long.

    >>> from slr_keras.utils.files import file_name
    >>> file_name("book/1"), file_name("../up")
    ('book%2F1', '%2E.%2Fup')
    """
    name = quote(text, safe=" ")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST_NAME - 17].rstrip('%')}-{digest}"
    return name
