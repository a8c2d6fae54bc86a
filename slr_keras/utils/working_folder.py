"""Working folders: hidden, locked while their writer lives, and removed by the next writer.

A file or folder is written in `.NAME.TOKEN.unfinished` beside its place and renamed when it is
complete. The writer locks the file `lock` inside. A killed writer loses its lock, and whoever
writes into the same parent next removes the folder. The lock belongs to the open file, not to a
process number, so it also holds between containers. On file systems without `flock`, and on
Windows, working folders of killed writers stay.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None

SUFFIX = ".unfinished"
LOCK = "lock"
#: In a working folder: the folder that is being replaced, where two renames are needed.
REPLACED = "replaced"
_LONGEST_NAME = 200
# Looking for leftovers takes at most this fraction of the time.
_SHARE = 0.02
_next_look: dict[str, float] = {}
#: What to do about a full disk, by the number of the error.
DISK_FULL = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
}


@contextlib.contextmanager
def working_folder(parent: Path, name: str) -> Iterator[Path]:
    """A locked, hidden folder on the file system of `parent`; removed after the block.

    Working folders of killed writers in `parent` are removed first.

    Args:
        parent: created if missing.
        name: of the file or folder to be published.

    Raises:
        OSError: the disk is full: names the file or folder to be published.

    >>> import os, pathlib, tempfile
    >>> from slr_keras.utils.working_folder import working_folder
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with working_folder(pathlib.Path(parent), "a.txt") as place:
    ...         os.listdir(place)
    ...     os.listdir(parent)
    ['lock']
    []
    """
    _make_parents(parent)
    _look_for_leftovers(parent)
    place, lock = _make(parent, name)
    try:
        yield place
    except OSError as error:
        if (number := _full(error)) is None:
            raise
        raise OSError(number, os.strerror(number), str(parent / name)) from error
    finally:
        with contextlib.suppress(OSError):
            # The usual case, a file that was renamed, in two calls.
            os.unlink(place / LOCK)
            os.rmdir(place)
        if place.exists():
            shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def remove_leftovers(folder: str | Path, recursive: bool = False) -> None:
    """Remove the working folders of killed writers; those of living writers stay.

    Args:
        folder: that holds them; need not exist.
        recursive: also look into its subfolders.
    """
    for place in _unfinished(Path(folder), recursive):
        _remove_if_abandoned(place)


def synchronise(path: Path) -> None:
    """Write a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot do this for folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)


def is_working_folder(name: str) -> bool:
    """Whether a folder of this name is a working folder."""
    # A folder of the user's that only ends alike must stay.
    return re.fullmatch(rf"\..+\.[0-9a-f]{{8}}{re.escape(SUFFIX)}", name) is not None


def _make_parents(folder: Path) -> None:
    """Create a folder and its parents; their entries are on the disk afterwards."""
    if not folder.is_dir():
        _make_parents(folder.parent)
        folder.mkdir(exist_ok=True)
        synchronise(folder.parent)


def _make(parent: Path, name: str) -> tuple[Path, int]:
    """A new working folder and its locked file."""
    while True:
        place = parent / f".{name[:_LONGEST_NAME]}.{secrets.token_hex(4)}{SUFFIX}"
        os.mkdir(place)
        try:
            lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            continue  # Another process took the empty folder for a leftover.
        if _locked(lock) is not False and _is_still(place / LOCK, lock):
            return place, lock
        os.close(lock)


def _locked(handle: int) -> bool | None:
    """Lock an open file; False: another process holds the lock; None: there are no locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _look_for_leftovers(parent: Path) -> None:
    """`remove_leftovers`, at intervals that a large folder makes longer."""
    began, key = time.monotonic(), os.path.abspath(parent)
    if began < _next_look.get(key, 0.0):
        return
    remove_leftovers(parent)
    now = time.monotonic()
    _next_look[key] = now + (now - began) / _SHARE


def _unfinished(folder: Path, recursive: bool) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    places = [folder / name for name in folders if is_working_folder(name)]
    if recursive:
        for name in folders:
            if not is_working_folder(name):
                places += _unfinished(folder / name, recursive)
    return places


def _remove_if_abandoned(place: Path) -> None:
    with contextlib.suppress(OSError):
        lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if _locked(lock):
                _put_back(place)
                shutil.rmtree(place, ignore_errors=True)
        finally:
            os.close(lock)


def _put_back(place: Path) -> None:
    """Give a folder its name again whose replacement was interrupted between two renames."""
    name = place.name[1 : -len(SUFFIX)].rpartition(".")[0]
    if (place / REPLACED).is_dir() and not place.with_name(name).exists():
        os.rename(place / REPLACED, place.with_name(name))
        synchronise(place.parent)


def _full(error: OSError) -> int | None:
    """The number of an error that means a full disk, also where a library hides the number."""
    if error.errno is not None:
        return error.errno if error.errno in DISK_FULL else None
    hidden = re.search(r"\berrno = (\d+)", str(error))
    if hidden:
        return int(hidden[1]) if int(hidden[1]) in DISK_FULL else None
    # NumPy counts the items that it could not write.
    return errno.ENOSPC if re.search(r"\d+ requested and \d+ written", str(error)) else None
