"""Walk through a folder and everything in it, linked folders included."""

import fnmatch
import glob
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path


def walked(folder: Path) -> Iterator[Path]:
    """Yield the files and folders in a folder, at any depth, except names that begin with a dot.

    Links to folders are followed. Each folder is entered once, whatever links lead to it, so that
    a loop ends; its own place comes before its links. A folder that cannot be read is named on
    standard error.

    >>> import pathlib, tempfile
    >>> from slr_keras.utils.walking import walked
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     (folder / "week").mkdir()
    ...     (folder / "week" / "monday.mp4").touch()
    ...     (folder / "week" / "loop").symlink_to(folder)
    ...     sorted(path.relative_to(folder).as_posix() for path in walked(folder))
    ['week', 'week/loop', 'week/monday.mp4']
    """
    entered: set[tuple[int, int]] = set()
    own, linked = [folder], []
    while own or linked:
        place = own.pop() if own else linked.pop(0)
        try:
            status = os.stat(place)
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            print(f"notice: {place}: cannot be read ({error.strerror})", file=sys.stderr)
            continue
        if (status.st_dev, status.st_ino) in entered:
            continue
        entered.add((status.st_dev, status.st_ino))
        for entry in entries:
            path = place / entry.name
            if not entry.name.startswith("."):
                yield path
            if entry.is_dir():
                (linked if entry.is_symlink() else own).append(path)


def matching(pattern: str) -> list[Path]:
    """The paths that fit a pattern such as `clips/*.mp4` or `clips/**/*.mp4`, sorted.

    `**` stands for any number of folders, each of which is entered once, as by `walked`.

    >>> from slr_keras.utils.walking import matching
    >>> matching("no such folder/**/*.mp4")
    []
    """
    base, deep, rest = pattern.partition("**")
    # As in the shell, ** is only special as a whole part.
    if not deep or (base and base[-1] != "/") or (rest and rest[0] != "/"):
        return sorted(map(Path, glob.glob(pattern)))
    parts = (_part(part) for part in (rest.strip("/") or "*").split("/"))
    fits = re.compile("(?:[^/]+/)*" + "/".join(parts).replace(_ANY + "/", _ANY))
    places = sorted(Path(place) for place in glob.glob(base)) if base else [Path()]
    return sorted(
        path
        for place in places
        for path in walked(place)
        if fits.fullmatch(path.relative_to(place).as_posix())
    )


_ANY = "(?:[^/]+/)*"


def _part(part: str) -> str:
    """The regular expression of one part of a pattern; its wildcards do not cross a slash."""
    if part == "**":
        return _ANY
    return fnmatch.translate(part).removesuffix(r")\Z").removeprefix("(?s:").replace(".*", "[^/]*")
