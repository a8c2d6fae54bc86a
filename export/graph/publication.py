"""Version folders of a served model: numbering, publication, and the manifest of their files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, sha256, write_json
from slr_keras.utils.published_folder import (
    published_folder,
    remove_unpublished,
    require_no_file,
)
from slr_keras.utils.schema import checked, digest, mapping, record

MANIFEST = "manifest.json"
# TensorFlow Serving reads folder names as signed 64-bit numbers.
LARGEST_VERSION = 2**63 - 1


def versions(folder: Path) -> list[int]:
    """Versions in a model's folder, ascending; folders with other names are ignored.

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
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def next_version(folder: Path) -> int:
    """The number of the next version: one more than the highest, 1 for the first."""
    return max(versions(folder), default=0) + 1


def require_free(folder: Path, version: int) -> None:
    """Refuse a version that exists: servers may have loaded it, and clients may request it.

    Raises:
        UserError: the version exists, or the model's folder is a file.
    """
    require_no_file(folder, "name the model's folder")
    remove_unpublished(folder / str(version))
    if (folder / str(version)).exists():
        raise UserError(
            f"{folder / str(version)}: version {version} exists already, and a published version "
            f"never changes; leave --version out to publish version {next_version(folder)}"
        )


@contextlib.contextmanager
def published_version(folder: Path, version: int) -> Iterator[Path]:
    """A working folder that becomes the version when the block ends without an exception.

    No server takes the name of the working folder for a version. Every file and folder is on the
    disk before the version gets its name.

    Args:
        folder: of the model.
        version: to publish.

    Raises:
        UserError: another export has published this version in the meantime.
    """
    target = folder / str(version)
    try:
        with published_folder(target, replace=False) as work:
            work.mkdir()
            yield work
    except FileExistsError as error:
        if target.exists():
            raise UserError(
                f"{target}: was published by another export; nothing was written"
            ) from error
        raise


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
    """Refuse a version whose files are not those that were published.

    Raises:
        UserError: a file is missing, changed or not listed; names the file.

    Example::

        check_manifest("served/stark/3")
    """
    folder = Path(folder)
    schema = record({"files": mapping(record({"sha256": digest}))})
    listed = checked(read_json(folder / MANIFEST), schema, folder / MANIFEST)["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for name in sorted(present ^ {*listed, MANIFEST}):
        state = f"is not listed in {MANIFEST}" if name in present else "is missing"
        raise UserError(f"{folder / name}: {state}; export this version again")
    for name, entry in listed.items():
        if sha256(folder / name) != entry["sha256"]:
            raise UserError(
                f"{folder / name}: is not the file that was published (SHA-256 differs from "
                f"{MANIFEST}); export this version again"
            )
