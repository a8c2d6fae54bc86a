"""Find the clips of the inputs: videos, folders, patterns, manifests and tables."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slr_keras.data.datasets.splits import held_out
from slr_keras.data.lines import FRAMES_FILE, SPLITS
from slr_keras.data.manifest import Manifest, read_folder, read_manifest
from slr_keras.data.times import Times
from slr_keras.data.video.recordings import VIDEOS, is_readable, is_recording
from slr_keras.extraction.frames import Window
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed, readable, spelled
from slr_keras.utils.walking import matching, walked

_TABLES = (".csv", ".tsv")
_COLUMNS = ("file", "path", "video")
# Frames a second of pictures for which neither the manifest nor a contract states a rate.
STILL_RATE = 25.0


@dataclass(frozen=True)
class Source:
    """A clip whose keypoints are to be extracted.

    Attributes:
        id: unique name within its split.
        path: of the recording.
        split: "train", "dev" or "test"; "" if unknown.
        glosses, signer, text: annotations of the clip, if any.
        fps: frame rate of sources without timestamps, and of windows.
        window: place of the clip in a longer recording.
        times: when each frame of the clip is shown, if the rate varies.
        extra: further keys of a manifest's line.
        file: unique name of the clip's keypoint file, without suffix.
    """

    id: str
    path: Path
    split: str = ""
    glosses: tuple[str, ...] = ()
    signer: str = ""
    text: str = ""
    fps: float | None = None
    window: Window | None = None
    times: Times | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


def find_sources(inputs: Iterable[str], own: Path | None = None) -> list[Source]:
    """The clips of the inputs, in their order; no picture is read.

    Args:
        inputs: video files, folders of pictures, folders to search, patterns such as "clips/*.mp4",
            manifests (`.jsonl`), data folders of video, and tables (`.csv`, `.tsv`) with a column
            file and optionally id, glosses, split, signer and text.
        own: a folder to leave out: the command's own output.

    Raises:
        UserError: an input does not exist or has no video; a table or manifest is not valid; two
            clips have the same name.

    >>> import pathlib, tempfile
    >>> from slr_keras.extraction.sources import find_sources
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.mp4", "a.mov", "notes.txt"):
    ...         pathlib.Path(folder, name).touch()
    ...     [source.id for source in find_sources([folder])]
    ['a', 'b']
    """
    sources: list[Source] = []
    for name in inputs:
        path = spelled(Path(name))
        if path.exists():
            sources += _of_path(path, own)
        elif matches := _matches(name):
            for match in matches:
                sources += _of_path(match, own)
        else:
            raise UserError(f"{name}: no such file or folder, and no video fits it as a pattern")
    return _unique(sources)


def _matches(pattern: str) -> list[Path]:
    # A pattern may match other files beside the videos; they are skipped, not refused.
    return [path for path in matching(pattern) if is_recording(path)]


def _of_path(path: Path, own: Path | None) -> list[Source]:
    if path.suffix.lower() in _TABLES:
        return _of_table(path)
    if path.suffix == ".jsonl":
        return _of_manifest(read_manifest(path))
    if not path.is_dir():
        if not is_readable(path):
            raise UserError(
                f"{path}: not a video; give videos, folders, manifests (.jsonl) or tables (.csv)"
            )
        return [Source(readable(path.stem), path)]
    if any((path / f"{split}.jsonl").is_file() for split in SPLITS):
        return [
            source for manifest in read_folder(path).values() for source in _of_manifest(manifest)
        ]
    if is_recording(path):
        return [Source(readable(path.resolve().name), path)]
    clips = sorted(p for p in walked(path) if not _inside(p, own) and _is_clip(p))
    if not clips:
        raise UserError(f"{path}: no video in this folder")
    return [Source(_name(p.relative_to(path), p), p) for p in clips]


def _is_clip(path: Path) -> bool:
    # An array in a searched folder need not be video.
    return is_recording(path) if path.is_dir() else path.suffix.lower() in VIDEOS


def _inside(path: Path, own: Path | None) -> bool:
    return own is not None and own.resolve() in (path.resolve(), *path.resolve().parents)


def _name(within: Path, path: Path) -> str:
    # A folder's name may have a dot in it.
    return readable((within if path.is_dir() else within.with_suffix("")).as_posix())


def _of_manifest(manifest: Manifest) -> list[Source]:
    described = (manifest.folder / FRAMES_FILE).exists()
    still_rate = manifest.frame_contract.fps if described else STILL_RATE
    sources = []
    for row, sample in enumerate(manifest):
        if not sample.video:
            raise UserError(f"{manifest.where(row)}: has no video to find keypoints in")
        path = spelled(manifest.folder / sample.video)
        first = sample.video_start
        # One array may hold many clips; `start` is then of the pictures too.
        if first is None and path.suffix == ".npy":
            first = sample.start
        # The times of a complete video file are read from the file itself.
        if first is None and sample.times is not None and not path.is_file():
            first = 0
        window = None if first is None else Window(first, sample.frames, sample.times)
        split = sample.split if sample.split in SPLITS else ""
        labels = (sample.glosses, sample.signer, sample.text, sample.fps or still_rate)
        sources.append(Source(sample.id, path, split, *labels, window, sample.times, sample.extra))
    return sources


def _of_table(path: Path) -> list[Source]:
    sources = []
    for number, row in read_table(path):
        name = next((row[column] for column in _COLUMNS if row.get(column)), "")
        if not name:
            raise UserError(f"{path}:{number}: names no file; the column is called file")
        file = spelled(path.parent / name)
        source = Source(row.get("id") or readable(file.with_suffix("").name), file)
        sources.append(_with_row(source, row, f"{path}:{number}"))
    return sources


def _with_row(source: Source, row: Mapping[str, str], where: str) -> Source:
    """A clip with the annotations of a table's row."""
    split = row.get("split") or source.split
    if split not in ("", *SPLITS):
        raise UserError(f"{where}: split {split!r} must be train, dev or test")
    return dataclasses.replace(
        source,
        split=split,
        glosses=tuple(row["glosses"].split()) if "glosses" in row else source.glosses,
        signer=row.get("signer") or source.signer,
        text=row.get("text") or source.text,
    )


def with_glosses(sources: Iterable[Source], table: Path) -> tuple[list[Source], list[str]]:
    """Add the glosses, splits, signers and texts of a table to clips, by their ids.

    Returns:
        The clips, and the ids of those that the table lacks.

    Raises:
        UserError: no column id or glosses, an id twice, or a table without any of the clips.
    """
    rows: dict[str, tuple[int, dict[str, str]]] = {}
    for number, row in read_table(table, ("id", "glosses")):
        name = row["id"]
        if name in rows:
            raise UserError(f"{table}:{number}: {name!r} is already on line {rows[name][0]}")
        rows[name] = number, row
    joined, without = [], []
    for source in sources:
        # File names may be in the decomposed form, cells of tables are not.
        # Windows writes the folder of an id with a backslash.
        names = {composed(source.id), composed(source.id).replace("/", "\\")} & rows.keys()
        if names:
            number, row = rows[min(names)]
            source = _with_row(source, row, f"{table}:{number}")
        else:
            without.append(source.id)
        joined.append(source)
    if len(without) == len(joined):
        raise UserError(
            f"{table}: has none of the clips; its first id is {next(iter(rows))!r}, that of the "
            f"first clip is {without[0]!r}"
        )
    return joined, without


def with_splits(
    sources: Sequence[Source],
    split: str | None = None,
    dev_signers: Sequence[str] = (),
    test_signers: Sequence[str] = (),
    dev_fraction: float = 0.0,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> list[Source]:
    """Give a split to the clips that state none.

    Args:
        sources: the clips.
        split: of all these clips; None: train if any clip has glosses, else test.
        dev_signers, test_signers, dev_fraction, test_fraction, seed: as for `prepare npz`, see
            `held_out`. Fractions are of the clips with glosses; the others stay in train.

    Raises:
        UserError: both `split` and clips to keep apart are given, no clip is without a split, or
            a signer is unknown.

    >>> from pathlib import Path
    >>> from slr_keras.extraction.sources import Source, with_splits
    >>> clips = [Source(name, Path(f"{name}.mp4"), glosses=("RAIN",)) for name in "abcd"]
    >>> sorted(clip.split for clip in with_splits(clips, dev_fraction=0.25))
    ['dev', 'train', 'train', 'train']
    """
    apart = bool(dev_signers or test_signers or dev_fraction or test_fraction)
    if apart and split:
        raise UserError(
            f"--split {split} puts all clips into one split: omit it, or the options for dev and "
            "test"
        )
    unstated = [row for row, source in enumerate(sources) if not source.split]
    if not apart:
        labelled = any(source.glosses for source in sources)
        chosen = [split or ("train" if labelled else "test")] * len(unstated)
    else:
        if not (dev_signers or test_signers):
            unstated = [row for row in unstated if sources[row].glosses]
        if not unstated:
            raise UserError(
                "no clip with glosses is without a split, so none can be chosen for dev or test: "
                "omit these options, give --glosses, or remove the column split"
            )
        clips = [sources[row] for row in unstated]
        glosses, signers = [clip.glosses for clip in clips], [clip.signer for clip in clips]
        named = (dev_signers, test_signers)
        chosen = held_out(glosses, signers, *named, dev_fraction, test_fraction, seed)
    result = [dataclasses.replace(source, split=source.split or "train") for source in sources]
    for row, name in zip(unstated, chosen, strict=True):
        result[row] = dataclasses.replace(result[row], split=name)
    return result


def _unique(sources: list[Source]) -> list[Source]:
    """Clips with unique names: equal ones get their file's suffix, if it distinguishes them."""
    count = Counter((source.split, source.id) for source in sources)
    named = [
        dataclasses.replace(source, id=f"{source.id}{source.path.suffix}")
        if count[source.split, source.id] > 1
        else source
        for source in sources
    ]
    first: dict[tuple[str, str], Source] = {}
    for source in named:
        other = first.setdefault((source.split, source.id), source)
        if other is not source:
            raise UserError(
                f"{other.path} and {source.path}: both would be called {source.id!r}; rename one, "
                "give the folder above both, or a table with a column id"
            )
    # The splits of a data folder may have clips of the same name.
    splits = Counter(source.id for source in named)
    return [
        dataclasses.replace(source, file=f"{source.split}/{source.id}")
        if splits[source.id] > 1
        else dataclasses.replace(source, file=source.id)
        for source in named
    ]
