"""Prepare a data set into a data folder, all of it or nothing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slr_keras.data.datasets import dataset
from slr_keras.data.manifest import read_folder, read_manifest
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS, Failures
from slr_keras.utils.files import read_json, write_json
from slr_keras.utils.published_folder import published_folder, remove_unpublished
from slr_keras.utils.schema import any_text, checked, record, sequence

RECORD = "prepared.json"
#: Split of clips without any sign, for the number of false words a minute.
REST_SPLIT = "rest"
_SPLITS = ("train", "dev", "test", REST_SPLIT)
_FILES = ("keypoints.json", "frames.json", "vocabulary.txt", "groups.json", "missing.json")
_FILES = (*_FILES, RECORD, ERRORS)
_KINDS = ("jsonl", "npy")


def prepare(name: str, source: Path, folder: Path, force: bool = False, **settings: Any) -> None:
    """Prepare a data set into a data folder.

    The data are written beside the folder first. They replace an old data set only when they are
    complete; on any error the old data set stays.

    Args:
        name: see `slr_keras.data.datasets.list_datasets`.
        source: folder of the data set's files.
        folder: data folder to write.
        force: replaces a data set in the folder.
        settings: options of the data set.

    Raises:
        UserError: the folder is occupied, or the data set's files are missing or malformed.
    """
    known = dataset(name)
    _check_target(folder, force)
    if not source.is_dir():
        raise known.missing(source, known.files)
    with replacing(folder, force) as fresh:
        known.prepare(source, fresh, **settings)
        write_json(fresh / RECORD, {"dataset": name, "options": settings})


@contextlib.contextmanager
def replacing(folder: Path, force: bool = False) -> Iterator[Path]:
    """Write a data folder beside its place, which it takes when the block ends without an error.

    Args:
        folder: data folder to write.
        force: replaces a data set in the folder.

    Yields:
        The path to write to; nothing is there yet.

    >>> import pathlib, tempfile
    >>> from slr_keras.data.datasets.prepare import replacing
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = pathlib.Path(parent, "data")
    ...     with replacing(folder) as fresh:
    ...         fresh.mkdir()
    ...         _ = (fresh / "train.jsonl").write_text("")
    ...     [path.name for path in folder.iterdir()]
    ['train.jsonl']

    Raises:
        UserError: the folder is occupied.
    """
    _check_target(folder, force)
    with published_folder(folder, _stays) as fresh:
        yield fresh


def _check_target(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; give a folder")
    remove_unpublished(folder)
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UserError(
            f"{folder}: the folder is not empty; choose another one, or --force to replace its data"
        )


def _stays(name: str) -> bool:
    """Whether a file is none of a data set, so that it stays in the folder."""
    return name not in (*_FILES, *(f"{split}.{kind}" for split in _SPLITS for kind in _KINDS))


def passed_over(folder: Path) -> Failures:
    """The clips of a data folder that `prepare` passed over."""
    failures, path = Failures("clip"), folder / ERRORS
    if path.is_file():
        schema = record({"errors": sequence(record({"name": any_text, "error": any_text}))})
        for entry in checked(read_json(path), schema, path)["errors"]:
            failures.add(entry["name"], entry["error"])
    return failures


def summarise(folder: Path) -> tuple[str, list[str]]:
    """Describe the splits of a data folder.

    Returns:
        A table of clips, signs, glosses, signers and minutes; and a note for every split with
        glosses that are not in train.
    """
    splits = read_folder(folder)
    if (folder / f"{REST_SPLIT}.jsonl").is_file():
        splits[REST_SPLIT] = read_manifest(folder / f"{REST_SPLIT}.jsonl")
    glosses = {name: [g for s in split for g in s.glosses] for name, split in splits.items()}
    trained = set(glosses.get("train", ()))
    lines = [f"{'split':<6} {'clips':>7} {'signs':>7} {'glosses':>8} {'signers':>8} {'minutes':>8}"]
    notes = []
    for name, split in splits.items():
        signers = {sample.signer for sample in split} - {""}
        minutes = sum(sample.frames / split.rate(sample) for sample in split) / 60
        lines.append(
            f"{name:<6} {len(split):>7} {len(glosses[name]):>7} {len(set(glosses[name])):>8} "
            f"{len(signers) or '?':>8} {minutes:>8.1f}"
        )
        unknown = [gloss for gloss in glosses[name] if gloss not in trained]
        if unknown and name != "train":
            notes.append(
                f"{len(unknown)} of the {len(glosses[name])} signs of {name} "
                f"({len(set(unknown))} glosses) are not in train and cannot be recognised"
            )
    return "\n".join(lines), notes
