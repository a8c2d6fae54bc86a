"""Text as people and systems write it: composed letters, names of files, output of any encoding."""

import codecs
import io
import os
import sys
import unicodedata
from pathlib import Path

ESCAPED = "slr_keras.escaped"
"""Error handler of encoders: what the encoding lacks becomes an escape of JSON, such as \\u5929."""


def composed(text: str) -> str:
    """Text in Unicode's composed form NFC, in which equal words have equal characters.

    >>> from slr_keras.utils.unicode import composed
    >>> len("GRO\\u0308SSE"), len(composed("GRO\\u0308SSE"))
    (7, 6)
    """
    return unicodedata.normalize("NFC", text)


def readable(name: str) -> str:
    """The text of a file's name, composed; bytes that are not UTF-8 are read as Windows wrote them.

    >>> import os
    >>> from slr_keras.utils.unicode import readable
    >>> readable(os.fsdecode(b"B\\xe4ume"))
    'Bäume'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        data = name.encode(errors="surrogateescape")
        try:
            name = data.decode("cp1252")
        except UnicodeDecodeError:
            name = data.decode("latin-1")
    return composed(name)


def spelled(path: Path) -> Path:
    """The path as the file system spells it: as given, or in another form.

    macOS decomposes the letters of names, other systems and most tables compose them. Windows
    writes `sub\\name`, which other systems take for one name.

    Returns:
        The path that exists; the given one if none does.

    >>> import tempfile, pathlib
    >>> from slr_keras.utils.unicode import spelled
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pathlib.Path(folder, "gro\\u0308sse.npy").touch()
    ...     spelled(pathlib.Path(folder, "gr\\u00f6sse.npy")).exists()
    True
    """
    # A path with a NUL exists in no spelling.
    if os.path.exists(path):
        return path
    if os.sep == "/" and "\\" in str(path):
        other = spelled(Path(with_slashes(str(path))))
        return other if os.path.exists(other) else path
    if str(path).isascii():
        return path
    for form in ("NFC", "NFD"):
        other = Path(unicodedata.normalize(form, str(path)))
        if os.path.exists(other):
            return other
    return _by_parts(path)


def with_slashes(name: str) -> str:
    r"""A relative path of Windows, such as sub\name, with slashes.

    >>> from slr_keras.utils.unicode import with_slashes
    >>> with_slashes("sub\\name")
    'sub/name'
    """
    return name.replace("\\", "/")


def _by_parts(path: Path) -> Path:
    """The path whose parts each have the form that exists; the given one if a part does not."""
    place = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        forms = (part, *(unicodedata.normalize(form, part) for form in ("NFC", "NFD")))
        existing = next((place / form for form in forms if os.path.exists(place / form)), None)
        if existing is None:
            return path
        place = existing
    return place


def show_any_text() -> None:
    """Let standard output and standard error escape what their encoding lacks.

    A terminal of Windows may have an encoding of 256 characters, and a name of a file may be no
    text at all; a command has its result by then.

    >>> from slr_keras.utils.unicode import show_any_text
    >>> show_any_text()
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[place : place + 2].hex() for place in range(0, len(units), 2))
    return "".join(f"\\u{pair}" for pair in pairs), error.end


codecs.register_error(ESCAPED, _escape)
