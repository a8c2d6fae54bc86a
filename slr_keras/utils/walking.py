"""Walk through a folder and everything in it, linked folders included."""

import os
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
