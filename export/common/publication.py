"""Publication of folders: readers see a folder complete or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import follow_umask


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


@contextlib.contextmanager
def working_folder(parent: Path, name: str) -> Iterator[Path]:
    """A hidden folder on the file system of `parent`, removed after the block unless renamed.

    Args:
        parent: created if missing.
        name: of the folder to be published; the working folder is called `.NAME-...`.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=f".{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def replaced_folder(to: Path) -> Iterator[Path]:
    """A working folder that takes the name `to`, and the place of a folder there, after the block.

    An exception in the block leaves `to` as it was.

    >>> import tempfile, pathlib
    >>> from export.common.publication import replaced_folder
    >>> with tempfile.TemporaryDirectory() as name:
    ...     target = pathlib.Path(name, "bundle")
    ...     with replaced_folder(target) as folder:
    ...         _ = (folder / "metadata.json").write_text("{}")
    ...         before = target.exists()
    ...     before, [path.name for path in target.iterdir()]
    (False, ['metadata.json'])
    """
    with working_folder(to.parent, to.name) as work:
        yield work
        make_durable(work)
        if to.is_dir():
            with working_folder(to.parent, f"{to.name}-old") as old:
                os.replace(to, old)
                try:
                    os.replace(work, to)
                except OSError:
                    os.replace(old, to)
                    raise
        else:
            os.replace(work, to)
        synchronise(to.parent)


def make_durable(folder: Path) -> None:
    """Write a folder and all of its files to the disk, with the rights that the umask leaves."""
    paths = [folder, *folder.rglob("*")]
    follow_umask(*paths)
    for path in paths:
        synchronise(path)


def synchronise(path: Path) -> None:
    """Write a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
