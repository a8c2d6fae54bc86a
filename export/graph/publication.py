"""Version folders that a server sees whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import (
    follow_umask,
    read_json,
    sha256,
    write_json,
)

MANIFEST = "manifest.json"
# TensorFlow Serving reads folder names as signed 64-bit numbers.
LARGEST_VERSION = 2**63 - 1


def versions(folder: Path) -> list[int]:
    """Versions in a model's folder, ascending; nothing else counts.

    >>> import tempfile, pathlib
    >>> from export.graph.publication import versions
    >>> with tempfile.TemporaryDirectory() as name:
    ...     for part in ("2", "10", ".11-temporary", "old", "\N{SUPERSCRIPT TWO}"):
    ...         pathlib.Path(name, part).mkdir()
    ...     versions(pathlib.Path(name))
    [2, 10]
    """
    if not folder.is_dir():
        return []
    names = [it.name for it in folder.iterdir() if it.is_dir()]
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def next_version(folder: Path) -> int:
    """One more than the highest; 1 for the first."""
    return max(versions(folder), default=0) + 1


def require_free(folder: Path, version: int) -> None:
    """Refuse a version that is there: servers may have it open, and clients may have named it.

    Raises:
        UserError: it is there, or the model's folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name the model's folder")
    if (folder / str(version)).exists():
        raise UserError(
            f"{folder / str(version)}: version {version} is there already, and versions do not "
            f"change; leave --version out for {next_version(folder)}"
        )


@contextlib.contextmanager
def appearing(folder: Path, version: int) -> Iterator[Path]:
    """A folder that becomes the version when the block ends well, and else is gone.

    It begins under a name that no server takes for a version, on the same file system. Every file
    and folder is on the disk before it gets its name.

    Args:
        folder: of the model.
        version: to publish.

    Raises:
        UserError: another export has published this version meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder, prefix=f".{version}-"))
    try:
        yield work
        _settle(work)
        target = folder / str(version)
        # A rename would take the place of an empty folder.
        if target.exists():
            raise UserError(f"{target}: was published by another export; nothing was written")
        try:
            os.rename(work, target)
        except OSError as error:
            raise UserError(f"{target}: cannot be published ({error.strerror})") from error
        _sync(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_manifest(folder: Path) -> None:
    """Write `manifest.json`: the SHA-256 and size of every other file, by path."""
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {"files": files})


def check_manifest(folder: str | Path) -> None:
    """Whether a version is what was published.

    Raises:
        UserError: a file is missing, changed, or not of the version; names it.

    Example::

        check_manifest("served/stark/3")
    """
    folder = Path(folder)
    listed = read_json(folder / MANIFEST).get("files", {})
    there = {it.relative_to(folder).as_posix() for it in folder.rglob("*") if it.is_file()}
    for name in sorted(there ^ {*listed, MANIFEST}):
        state = "is not listed" if name in there else "is missing"
        raise UserError(f"{folder / name}: {state} in {MANIFEST}; export this version again")
    for name, entry in listed.items():
        if sha256(folder / name) != entry["sha256"]:
            raise UserError(
                f"{folder / name}: is not the file that was published (SHA-256 differs from "
                f"{MANIFEST}); export this version again"
            )


def _settle(work: Path) -> None:
    paths = [work, *work.rglob("*")]
    follow_umask(*paths)
    for path in paths:
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
