"""Atomic writing (temporary file, fsync, rename) and guarded reading of files.

Folders whose files belong together are published by `slr_keras.utils.published_folder`.
"""

import codecs
import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import ESCAPED
from slr_keras.utils.working_folder import synchronise, working_folder

#: Largest JSON file in bytes: a language model of a million sentences is smaller.
LARGEST_JSON = 2**28
#: Levels of lists and objects in JSON; the configuration of a Keras model has fewer than 30.
DEEPEST_JSON = 100
_LONGEST_NAME = 200
# UTF-32 first: its mark begins with that of UTF-16.
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_END = re.compile(r"\r+\n|\r")


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
    # Names of files that are no UTF-8 become escapes, which JSON reads back.
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": ESCAPED}
    with atomic_path(path) as temporary, open(temporary, mode, **text) as file:
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
    r"""Read text: UTF-8, or UTF-16 or UTF-32 with a byte order mark, which is dropped.

    Returns:
        The text, in which lines end with "\n", whatever ends them in the file.

    Raises:
        UserError: the file is missing, unreadable or not text; names the line.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{str(path)!r}: is no path ({error})") from error
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        raise UserError(
            f"{path}:{data[: error.start].count(10) + 1}: not {name} text ({error.reason}); "
            "convert the file, for example with: iconv -f cp1252 -t utf-8"
        ) from error
    # Windows programs that write text twice leave two carriage returns.
    return _LINE_END.sub("\n", text)


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        UserError: the file is missing, unreadable, too large or not JSON; names file and line.
    """
    # Beside JSONDecodeError: RecursionError of deep nesting, ValueError of a number of many digits.
    with guarded(path, "not valid JSON"):
        size = os.stat(path).st_size
        if size > LARGEST_JSON:
            raise ValueError(f"{size} bytes, where {LARGEST_JSON} are the limit")
        try:
            return parse_json(read_text(path))
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from error


def parse_json(text: str | bytes) -> Any:
    """Parse JSON whose lists and objects are nested in one another `DEEPEST_JSON` times at most.

    A deeper value can be parsed, but not be printed or written again.

    Raises:
        ValueError: the text is not JSON, or nested too deeply.
        RecursionError, MemoryError: the text is far beyond the limits.

    >>> from slr_keras.utils.files import parse_json
    >>> parse_json('{"id": "a"}')
    {'id': 'a'}
    """
    value = json.loads(text)
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST_JSON):
        if not level:
            return value
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
    if level:
        raise ValueError(f"its lists are nested more than {DEEPEST_JSON} times")
    return value


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
        refuse_waiting(path)
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        remedy = f"; {remedy}" if remedy else ""
        raise UserError(f"{path}: {problem} ({reason}){remedy}") from error


def refuse_waiting(path: str | Path) -> None:
    """Refuse a pipe, socket or device under a file's name: to open it may wait for ever.

    Raises:
        UserError: the path is there, and neither a file nor a folder.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        # Whoever opens the file reports that it is missing.
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UserError(f"{path}: is a pipe, socket or device, not a file")


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
