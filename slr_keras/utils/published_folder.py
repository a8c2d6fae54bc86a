"""Publication of folders: readers see the old folder or the new one, and nothing between.

The new folder is written in a working folder beside its place. Files of the old folder that stay
are hard-linked into it; no file is copied. Everything is written to the disk. Then the two folders
exchange their names in one step (`renameat2` with RENAME_EXCHANGE, on Linux), and the old one is
removed. A process that is killed at any moment leaves the old or the new folder whole, and a
working folder that the next writer removes.

Two fallbacks are weaker:

* Without RENAME_EXCHANGE, the old folder is renamed before the new one takes its name. A process
  that is killed between these two calls leaves no folder; the next writer puts the old one back.
* Where the folder cannot be renamed or its files cannot be linked (it is a mount point, its parent
  is not writable, the file system has no hard links, the user's shell is in it), files are replaced
  one by one, manifests last. Readers notice a mixture by the fingerprints in the manifests.
"""

import contextlib
import ctypes
import errno
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from slr_keras.utils.errors import UserError
from slr_keras.utils.working_folder import (
    REPLACED,
    fcntl,
    is_working_folder,
    remove_leftovers,
    synchronise,
    working_folder,
)

T = TypeVar("T")
NEW = "new"
_EXCHANGE = 2
_CURRENT_FOLDER = -100
_NO_LINKS = (errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
# Written last, because they refer to the other files.
_LAST = {".json": 1, ".jsonl": 2}

#: Whether a file of the old folder stays, by its path relative to the folder, with "/".
Stays = Callable[[str], bool]


@contextlib.contextmanager
def published_folder(
    folder: str | Path, stays: Stays = lambda name: False, replace: bool = True
) -> Iterator[Path]:
    """Write a folder beside its place, which it takes when the block ends without an error.

    Args:
        folder: to write; a link is followed.
        stays: which files of an old folder stay, unless the new folder has a file of this path.
        replace: whether a folder that is there is replaced.

    Yields:
        The path to write to; nothing is there yet.

    Raises:
        FileExistsError: the folder is there, and `replace` is False.
        OSError: the disk is full, or a file cannot be written; the old folder is unchanged.

    >>> import os, pathlib, tempfile
    >>> from slr_keras.utils.published_folder import published_folder
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     target = pathlib.Path(parent, "bundle")
    ...     with published_folder(target) as fresh:
    ...         fresh.mkdir()
    ...         _ = (fresh / "metadata.json").write_text("{}")
    ...         before = target.exists()
    ...     before, os.listdir(target), os.listdir(parent)
    (False, ['metadata.json'], ['bundle'])
    """
    folder = Path(os.path.realpath(folder))
    inside = folder.is_dir() and not _can_be_renamed(folder)
    with working_folder(folder if inside else folder.parent, folder.name) as place:
        fresh = place / NEW
        yield fresh
        _write_to_disk(fresh, os.stat(place).st_mode)
        with _alone(folder if inside else folder.parent):
            if not replace and os.path.lexists(folder):
                raise FileExistsError(f"{folder}: is there already")
            if not folder.is_dir():
                os.rename(fresh, folder)
                synchronise(folder.parent)
            elif inside or not _replace_at_once(fresh, folder, stays):
                _replace_one_by_one(fresh, folder, stays)


def remove_unpublished(folder: Path) -> None:
    """Remove what killed writers of a folder left, beside it and in it."""
    remove_leftovers(folder.parent)
    remove_leftovers(folder)


def read_at_rest(folder: Path, read: Callable[[Path], T]) -> T:
    """Read a folder again whenever another process has replaced it in the meantime.

    Args:
        folder: to read.
        read: called with the folder; what it raises counts only where the folder was not replaced.
    """
    while True:
        before, error = os.stat(folder), None
        try:
            value = read(folder)
        except UserError as raised:
            error = raised
        if os.path.samestat(os.stat(folder), before):
            if error is not None:
                raise error
            return value


def require_no_file(path: Path, advice: str) -> None:
    """Refuse a path that is a file.

    Args:
        path: of a folder to write.
        advice: what the user should name instead.

    Raises:
        UserError: the path is a file.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; {advice}")


def _write_to_disk(folder: Path, rights: int) -> None:
    """Write a folder and its files to the disk, readable by whom `rights` of a folder let read."""
    for path, _, files in os.walk(folder):
        for name in files:
            if (file := Path(path, name)).is_file() and not file.is_symlink():
                _allow(file, rights & 0o666)
                synchronise(file)
        _allow(Path(path), rights & 0o777)
        synchronise(Path(path))


def _allow(path: Path, rights: int) -> None:
    """Add the rights of the user's umask, which temporary files of libraries do not have."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode | rights != mode:
        path.chmod(mode | rights)


def _can_be_renamed(folder: Path) -> bool:
    here = Path(os.path.realpath(os.curdir))
    return (
        folder not in (here, *here.parents)
        and not os.path.ismount(folder)
        and os.stat(folder).st_dev == os.stat(folder.parent).st_dev
        and os.access(folder.parent, os.W_OK | os.X_OK)
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let writers that publish in one folder wait for each other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        if fcntl is not None:
            # Some network file systems do not lock folders.
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# === In one step ===


def _replace_at_once(fresh: Path, folder: Path, stays: Stays) -> bool:
    """Exchange the folders; False where files cannot be linked, and nothing has changed."""
    known: set[str] = set()
    try:
        _link(folder, fresh, "", stays, known)
    except (PermissionError, NotImplementedError):
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    with contextlib.suppress(OSError):
        shutil.copystat(folder, fresh)
    with contextlib.suppress(OSError):
        os.chown(fresh, -1, os.stat(folder).st_gid)
    for path, _, _ in os.walk(fresh):
        synchronise(Path(path))
    if exchanged(fresh, folder):
        old = fresh
    else:
        old = fresh.with_name(REPLACED)
        os.rename(folder, old)
        try:
            os.rename(fresh, folder)
        except OSError:
            os.rename(old, folder)
            raise
    synchronise(folder.parent)
    synchronise(fresh.parent)
    _keep_later_files(old, folder, "", known)
    return True


def _link(old: Path, fresh: Path, prefix: str, stays: Stays, known: set[str]) -> None:
    """Hard-link the files that stay; `known` receives the path of every file."""
    with os.scandir(old) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name, target = prefix + entry.name, fresh / entry.name
            if entry.is_dir(follow_symlinks=False):
                if is_working_folder(entry.name):
                    continue
                there = target.exists()
                target.mkdir(exist_ok=True)
                _link(Path(entry.path), target, f"{name}/", stays, known)
                if not there and not any(target.iterdir()) and any(os.scandir(entry.path)):
                    # Nothing of the old folder stayed.
                    target.rmdir()
                elif not there:
                    shutil.copystat(entry.path, target)
                continue
            known.add(name)
            if not os.path.lexists(target) and stays(name):
                os.link(entry.path, target, follow_symlinks=False)


def _keep_later_files(old: Path, folder: Path, prefix: str, known: set[str]) -> None:
    """Move what another process put into the old folder after its files had been linked."""
    with os.scandir(old) as entries:
        for entry in list(entries):
            name, target = prefix + entry.name, folder / entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and target.is_dir():
                _keep_later_files(Path(entry.path), target, f"{name}/", known)
            elif is_folder and any(other.startswith(f"{name}/") for other in known):
                continue
            elif name not in known and not os.path.lexists(target):
                with contextlib.suppress(OSError):
                    os.rename(entry.path, target)


def exchanged(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False if the system cannot."""
    call = _renameat2()
    if call is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return call(_CURRENT_FOLDER, names[0], _CURRENT_FOLDER, names[1], _EXCHANGE) == 0


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return call


# === File by file ===


def _replace_one_by_one(fresh: Path, folder: Path, stays: Stays) -> None:
    new = sorted(
        (path.relative_to(fresh) for path in fresh.rglob("*") if not path.is_dir()),
        key=lambda path: (_LAST.get(path.suffix, 0), path),
    )
    names = {path.as_posix() for path in new}
    old = [path for path in folder.rglob("*") if not path.is_dir()]
    for path in sorted(old, key=lambda path: -_LAST.get(path.suffix, 0)):
        name = path.relative_to(folder)
        hidden = any(is_working_folder(part) for part in name.parts)
        if not hidden and name.as_posix() not in names and not stays(name.as_posix()):
            path.unlink()
    for name in new:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh / name, folder / name)
    for path, _, _ in os.walk(folder):
        synchronise(Path(path))
