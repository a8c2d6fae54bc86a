"""Isolated signs in video from a table, such as NMFs-CSL or your own.

See docs/papers/stepnet.md §13.2.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from slr_keras.data.datasets import sign_clips
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.label_map import LABEL_MAP, joined, read_label_map
from slr_keras.data.datasets.sign_clips import SPLIT_NAMES, SignClip
from slr_keras.data.datasets.splits import by_signer
from slr_keras.text.tables import Row, decimal_number, read_table, whole_number
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import readable, spelled, with_slashes

_TABLE = "manifest.csv"


def prepare(
    source: Path,
    folder: Path,
    table: str = _TABLE,
    dev_signers: tuple[str, ...] = (),
    confusing_max: int = -1,
    label_map: str = "",
    resize: str = "320x256",
    crop: str = "256x256",
    fps: float = 25.0,
    allow_missing: bool = False,
) -> None:
    """Write the data folder of a table with the columns path, label and split.

    Args:
        source: folder of the table, to which its paths are relative.
        folder: to write.
        table: its name.
        dev_signers: signers of train who become dev, where the table has no such split.
        confusing_max: labels from 0 to this number are the group "confusing", the others "normal";
            -1 makes no groups.
        label_map: file of classes to join; "" joins none.
        resize, crop, fps, allow_missing: see `sign_clips.OPTIONS`.

    Raises:
        UserError: table or clips are missing, or a row is malformed; names file and line.
    """
    DATASET.require(source, table)
    path = source / table
    rows = read_table(path, ("path", "label", "split"))
    rows = [(line, {**row, "label": label}) for (line, row), label in zip(rows, _labels(rows))]
    clips = [_clip(source, row, f"{path}:{line}") for line, row in rows]
    if dev_signers:
        clips = _with_dev(clips, dev_signers, path)
    _check_unique(clips, [line for line, _ in rows], path)
    glosses = _classes({clip.gloss for clip in clips})
    groups = _groups(glosses, confusing_max, path) if confusing_max >= 0 else None
    if label_map:
        becomes = read_label_map(label_map, glosses)
        glosses = joined(glosses, becomes)
        clips = [_renamed(clip, becomes[clip.gloss]) for clip in clips]
        groups = groups and {
            name: tuple(gloss for gloss in members if gloss in glosses)
            for name, members in groups.items()
        }
    contract = sign_clips.frame_contract(resize, crop, fps)
    sign_clips.write_sign_clips(folder, clips, glosses, contract, allow_missing, groups)


def _labels(rows: Sequence[Row]) -> list[str]:
    """The labels; class numbers that a spreadsheet wrote as 3.0 are whole numbers."""
    labels = [row["label"] for _, row in rows]
    numbers = list(map(whole_number, labels))
    if None in numbers or all(label.isdecimal() for label in labels):
        return labels
    return list(map(str, numbers))


def _clip(source: Path, row: Mapping[str, str], where: str) -> SignClip:
    split, label = row["split"], one_word(row["label"])
    if split not in SPLIT_NAMES:
        raise UserError(f"{where}: split {split!r} must be train, val (or dev) or test")
    if not label or not row["path"]:
        raise UserError(f"{where}: the {'label' if row['path'] else 'path'} is empty")
    first, end, frames = (_number(row, key, where) for key in ("start", "end", "num_frames"))
    if end is not None and end <= (first or 0):
        raise UserError(f"{where}: frames {first or 0} to {end} are no part of a video")
    path = spelled(source / row["path"])
    full_recording = not first and end is None
    named = row["path"] if (source / row["path"]).exists() else with_slashes(row["path"])
    name = readable(Path(named).with_suffix("").as_posix())
    return SignClip(
        name if full_recording else f"{name}@{first or 0}",
        label,
        SPLIT_NAMES[split],
        path if path.exists() else None,
        row.get("signer", ""),
        first or 0,
        end,
        full_recording,
        # `num_frames` is the length of the file, not of a part.
        frames if full_recording else None,
        absent=f"{path}: no such file or folder ({where})",
    )


def _number(row: Mapping[str, str], key: str, where: str) -> int | None:
    text = row.get(key, "")
    if text in ("", "NA") or decimal_number(text) == -1:
        return None
    number = whole_number(text)
    if number is None or (key == "num_frames" and not number):
        raise UserError(f"{where}: {key} {text!r} is not a number of frames")
    return number


def _with_dev(clips: list[SignClip], signers: tuple[str, ...], path: Path) -> list[SignClip]:
    if any(clip.split == "dev" for clip in clips):
        raise UserError(f"{path}: has a split val already; leave --dev-signers out")
    train = [clip for clip in clips if clip.split == "train"]
    splits = iter(by_signer([clip.signer for clip in train], signers))
    return [
        dataclasses.replace(clip, split=next(splits)) if clip.split == "train" else clip
        for clip in clips
    ]


def _check_unique(clips: list[SignClip], lines: list[int], path: Path) -> None:
    first: dict[tuple[str, str], int] = {}
    for clip, line in zip(clips, lines):
        before = first.setdefault((clip.split, clip.id), line)
        if before != line:
            raise UserError(f"{path}:{line}: the clip {clip.id!r} is already on line {before}")


def _classes(labels: set[str]) -> tuple[str, ...]:
    """Labels in the order of their numbers where all are numbers, else of the alphabet."""
    if all(label.isascii() and label.isdecimal() for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _groups(glosses: tuple[str, ...], most: int, path: Path) -> dict[str, tuple[str, ...]]:
    for gloss in glosses:
        if not gloss.isascii() or not gloss.isdecimal():
            raise UserError(
                f"{path}: --confusing-max {most} needs labels that are numbers; one is {gloss!r}"
            )
    return {
        "confusing": tuple(gloss for gloss in glosses if int(gloss) <= most),
        "normal": tuple(gloss for gloss in glosses if int(gloss) > most),
    }


def _renamed(clip: SignClip, gloss: str) -> SignClip:
    return dataclasses.replace(clip, gloss=gloss)


DATASET = Dataset(
    name="isolated_csv",
    title="isolated signs in video from a table: path,label,split; such as NMFs-CSL",
    obtain="your own recordings; NMFs-CSL: its makers at USTC, after an agreement that a full-time "
    "member of staff signs (no students)",
    licence="yours; NMFs-CSL: non-commercial research, no redistribution and no copies to others, "
    "identifiable people are not to be shown",
    files=(
        f"{_TABLE}: path,label,split[,signer,start,end,num_frames]",
        "  path: a video, a folder of PNG or JPEG pictures, or a .npy, relative to PATH",
        "  label: a word or a class number; split: train, val or test",
        "  start, end: first frame and the one behind the last, from 0; empty or -1: all",
        "  num_frames: length of the file, so that it need not be decoded to count",
    ),
    prepare=prepare,
    options=(
        Option("table", _TABLE, "the table's name inside PATH"),
        Option("dev_signers", (), "signers of train kept for dev, where there is no split val"),
        Option(
            "confusing_max",
            -1,
            "write groups.json: labels 0 to this number are reported as `confusing`, the others as "
            "`normal`; 609 for NMFs-CSL (default: no groups)",
        ),
        LABEL_MAP,
        *sign_clips.OPTIONS,
    ),
)
