"""Merge data folders of keypoints into one, without confusing their clips or their signers."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.data.datasets.held_out import digest
from slr_keras.data.datasets.label_map import read_label_map
from slr_keras.data.datasets.merge_layout import Matched, matched
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.datasets.prepare import RECORD, replacing
from slr_keras.data.manifest import FRAMES_FILE, Manifest, read_folder
from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.data.sample import Sample
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS
from slr_keras.utils.files import write_json
from slr_keras.utils.suggestions import nearest

_VOCABULARY = "vocabulary.txt"
_LEFT_OUT = ("groups.json",)

Folders = Mapping[str, dict[str, Manifest]]
"""Name of a folder to its splits."""


def merge(
    folders: Sequence[Path],
    folder: Path,
    force: bool = False,
    same_signers: bool = False,
    without: Collection[str] = (),
    points: str = "all",
    label_map: str = "",
) -> None:
    """Merge data folders: train to train, dev to dev, test to test.

    Ids that several folders have become "FOLDER/ID", and so do signers, who are then other people.
    Clips keep their frame rate. `vocabulary.txt` becomes the union in the order of the folders.

    Args:
        folders: two or more data folders of keypoints.
        folder: to write.
        force: replaces a data set in the folder.
        same_signers: a name is the same person in all folders.
        without: glosses; clips that have one of them are left out.
        points: see `merge_layout.matched`.
        label_map: table of glosses that become others; see `read_label_map`.

    >>> import pathlib, tempfile, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.datasets.merge import merge
    >>> from slr_keras.data.manifest import FolderWriter, read_folder
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     a, b, both = (pathlib.Path(parent, name) for name in ("a", "b", "both"))
    ...     for number, folder in enumerate((a, b)):
    ...         with FolderWriter(folder, contract("kinect_20")) as writer:
    ...             points = np.full((9, 20, 4), number)
    ...             writer.add("train", id="1", glosses=["RAIN"], keypoints=points, signer="s")
    ...     merge([a, b], both)
    ...     [(sample.id, sample.signer) for sample in read_folder(both)["train"]]
    [('a/1', 'a/s'), ('b/1', 'b/s')]

    Raises:
        UserError: fewer than two folders, contracts that differ, a clip or a signer in several
            splits, a folder of video, a gloss of `without` that no clip has, or no clip of train
            that can be read. Another clip that cannot be read is passed over.
    """
    if len({path.resolve() for path in folders}) < max(2, len(folders)):
        raise UserError("merge: give two or more folders, each once")
    if folder.resolve() in {path.resolve() for path in folders}:
        raise UserError(f"{folder}: is one of the folders to merge; choose another one")
    by_name = dict(zip(_names(folders), folders))
    read = {name: _read(path) for name, path in by_name.items()}
    if without:
        read = _without(read, without)
    layouts = matched({name: next(iter(s.values())).contract for name, s in read.items()}, points)
    chosen = _one_contract(by_name, layouts.contracts)
    becomes = read_label_map(label_map, _glosses(read)) if label_map else {}
    ids = _shared({s.id for split in splits.values() for s in split} for splits in read.values())
    signers = _shared(
        {s.signer for split in splits.values() for s in split} - {""} for splits in read.values()
    )
    if same_signers:
        _check_signers(read, signers)
        signers = set()
    with replacing(folder, force) as fresh:
        passed = PassedOver()
        with FolderWriter(fresh, chosen) as writer:
            _write(writer, read, ids, signers, layouts, becomes, passed)
        passed.require_some()
        _write_vocabulary(fresh, by_name.values(), read, without, becomes)
        _write_missing(fresh, by_name, read, passed)
        options = {
            "folders": list(map(str, folders)),
            "same_signers": same_signers,
            "without": sorted(without),
        }
        options |= {"points": points} if points != "all" else {}
        options |= {"label_map": label_map} if label_map else {}
        write_json(fresh / RECORD, {"dataset": "merge", "options": options})
    for name in _LEFT_OUT:
        for path in folders:
            if (path / name).exists():
                print(f"note: {path / name} is not merged", file=sys.stderr)


def _names(folders: Sequence[Path]) -> list[str]:
    """Short and unique names of the folders."""
    names = [path.resolve().name for path in folders]
    return names if len(set(names)) == len(names) else [str(path) for path in folders]


def _read(path: Path) -> dict[str, Manifest]:
    splits = read_folder(path)
    if (path / FRAMES_FILE).exists():
        raise UserError(f"{path}: holds video; merge takes folders of keypoints alone")
    return splits


def _without(read: Folders, glosses: Collection[str]) -> Folders:
    """The folders without the clips of some glosses."""
    every = {
        g for splits in read.values() for split in splits.values() for s in split for g in s.glosses
    }
    for gloss in glosses:
        if gloss not in every:
            raise UserError(f"--without {gloss}: no clip has this gloss{nearest(gloss, every)}")
    kept: dict[str, dict[str, Manifest]] = {}
    for name, splits in read.items():
        kept[name] = {
            split: manifest.subset(
                n for n, s in enumerate(manifest) if not {*s.glosses} & {*glosses}
            )
            for split, manifest in splits.items()
        }
    return kept


def _glosses(read: Folders) -> list[str]:
    """All glosses, in the order of the folders."""
    clips = (s for splits in read.values() for split in splits.values() for s in split)
    return list(dict.fromkeys(gloss for clip in clips for gloss in clip.glosses))


def _one_contract(
    by_name: Mapping[str, Path], contracts: Mapping[str, KeypointContract]
) -> KeypointContract:
    """The first folder's contract, if the others are the same but for the frame rate.

    Sizes in pixels may differ where the body's size is the unit.
    """
    first, *others = contracts
    chosen = contracts[first]
    for name in others:
        other = dataclasses.replace(contracts[name], fps=chosen.fps)
        in_pixels = min(*chosen.image_size, *other.image_size) > 1
        if chosen.normalisation == "body" and in_pixels:
            other = dataclasses.replace(other, image_size=chosen.image_size)
        chosen.require_same(other, str(by_name[first]), str(by_name[name]))
    return chosen


def _shared(of_folders: Iterable[set[str]]) -> set[str]:
    """What several folders have."""
    count = Counter(item for items in of_folders for item in items)
    return {item for item, folders in count.items() if folders > 1}


def _check_signers(read: Folders, shared: set[str]) -> None:
    """Refuse signers of several folders who would then be in several splits."""
    seen: dict[str, tuple[str, str]] = {}
    for name, splits in read.items():
        for split, manifest in splits.items():
            for sample in manifest:
                other, where = seen.setdefault(sample.signer, (split, name))
                if sample.signer in shared and other != split:
                    raise UserError(
                        f"signer {sample.signer!r} is in {other} of {where} and in {split} of "
                        f"{name}; prepare the folders with the same signers for dev and test, or "
                        "leave out --same-signers if they are different people"
                    )


def _write(
    writer: FolderWriter,
    read: Folders,
    ids: set[str],
    signers: set[str],
    layouts: Matched,
    becomes: Mapping[str, str],
    passed: PassedOver,
) -> None:
    seen: dict[bytes, tuple[str, str, Sample]] = {}
    for name, splits in read.items():
        for split, manifest in splits.items():
            for sample in manifest:
                id, keypoints = f"{name}/{sample.id}" if sample.id in ids else sample.id, None
                with passed.reading(split, id):
                    keypoints = layouts.converted(name, manifest.load(sample))
                if keypoints is None:
                    continue
                where, other, twin = seen.setdefault(digest(keypoints), (name, split, sample))
                if where != name and other != split:
                    raise UserError(
                        f"{manifest.where(sample)} of {split} is the clip {twin.id!r} of {other} "
                        f"in {where}; a clip cannot be in two splits: prepare the folders with "
                        "the same splits"
                    )
                writer.add(
                    split,
                    id=id,
                    glosses=[becomes.get(gloss, gloss) for gloss in sample.glosses],
                    keypoints=keypoints,
                    signer=f"{name}/{sample.signer}" if sample.signer in signers else sample.signer,
                    fps=manifest.rate(sample),
                    text=sample.text,
                    **sample.extra,
                )


def _write_vocabulary(
    fresh: Path,
    folders: Iterable[Path],
    read: Folders,
    without: Collection[str],
    becomes: Mapping[str, str],
) -> None:
    """The union of the folders' classes, where one of them lists its own."""
    paths = [folder / _VOCABULARY for folder in folders]
    if not any(path.exists() for path in paths):
        return
    glosses: dict[str, None] = {}
    for path, splits in zip(paths, read.values()):
        if path.exists():
            glosses |= dict.fromkeys(Vocabulary.read(path).glosses)
        else:
            glosses |= dict.fromkeys(g for s in splits.get("train", ()) for g in s.glosses)
    kept = dict.fromkeys(becomes.get(gloss, gloss) for gloss in glosses if gloss not in without)
    Vocabulary(tuple(kept)).write(fresh / _VOCABULARY)


def _write_missing(
    fresh: Path, by_name: Mapping[str, Path], read: Folders, passed: PassedOver
) -> None:
    """The clips that any of the folders lacks, and those that cannot be read."""
    expected: Counter[str] = Counter()
    clips: dict[str, dict[str, str]] = {}
    for name, folder in by_name.items():
        if not (folder / MISSING_FILE).exists():
            expected.update({split: len(manifest) for split, manifest in read[name].items()})
            continue
        absent = Missing.read(folder / MISSING_FILE)
        expected.update(absent.expected)
        for split, reasons in absent.clips.items():
            named = {f"{name}/{id}": reason for id, reason in reasons.items()}
            clips.setdefault(split, {}).update(named)
    for split, reasons in passed.missing().clips.items():
        clips.setdefault(split, {}).update(reasons)
    passed.failures.write(fresh / ERRORS)
    if clips:
        Missing(dict(expected), clips).write(fresh / MISSING_FILE)
