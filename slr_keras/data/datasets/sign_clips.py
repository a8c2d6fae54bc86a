"""Data sets of isolated signs in video: measure the clips, list missing ones, write manifests."""

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slr_keras.data.datasets.base import Option, frame_size
from slr_keras.data.lines import FRAMES_FILE, SPLITS, write_manifest
from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.data.sample import Sample
from slr_keras.data.validation.files import GROUPS_FILE
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.measuring import Measure, measured
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS, Failures
from slr_keras.utils.files import write_json

#: How data sets name their splits.
SPLIT_NAMES = {"train": "train", "val": "dev", "dev": "dev", "test": "test"}
_LISTED = 10

RESIZE = Option("resize", "320x256", "width x height that pictures are resized to")
CROP = Option("crop", "256x256", "width x height that is cut out of them, for the model")
FPS = Option("fps", 25.0, "frames a second of clips that do not say it, and of the model")
ALLOW_MISSING = Option(
    "allow_missing", False, f"go on without the clips that have no readable file; {MISSING_FILE} "
    "lists them (default: those with a damaged file are passed over, those without one stop it)"
)  # fmt: skip
OPTIONS = (RESIZE, CROP, FPS, ALLOW_MISSING)


@dataclass(frozen=True)
class SignClip:
    """One sign of a data set's lists.

    Attributes:
        id: unique name within the split.
        gloss: the sign.
        split: "train", "dev" or "test".
        path: of the recording; None if it is missing.
        signer: name of the signer.
        first, end: frames [first, end) of the recording, from 0; None or an end beyond the
            recording means its end.
        full_recording: whether the clip is the entire recording.
        frames: length of the recording, if the lists give it.
        absent: why the path is missing.
    """

    id: str
    gloss: str
    split: str
    path: Path | None
    signer: str = ""
    first: int = 0
    end: int | None = None
    full_recording: bool = True
    frames: int | None = None
    absent: str = "no such file"


def frame_contract(resize: str, crop: str, fps: float) -> FrameContract:
    """The contract of recordings of any size.

    Args:
        resize, crop: width x height, such as "320x256".
        fps: of the model.

    >>> from slr_keras.data.datasets.sign_clips import frame_contract
    >>> contract = frame_contract("320x256", "256x224", 25.0)
    >>> contract.resize, contract.crop
    ((320, 256), (224, 256))

    Raises:
        UserError: no sizes, or a crop that is larger than the picture.
    """
    (width, height), (cut_width, cut_height) = (
        [int(side) for side in frame_size(text)] for text in (resize, crop)
    )
    return FrameContract(None, fps, resize=(width, height), crop=(cut_height, cut_width))


def write_sign_clips(
    folder: Path,
    clips: Sequence[SignClip],
    glosses: Sequence[str],
    contract: FrameContract,
    allow_missing: bool = False,
    groups: Mapping[str, Sequence[str]] | None = None,
    count: bool = True,
) -> None:
    """Write a data folder of isolated signs that points at their recordings.

    Args:
        folder: to write.
        clips: all clips of the data set, including those without files.
        glosses: in the order of the classes.
        contract: size and rate of the model's input.
        allow_missing: leave out clips without a readable file.
        groups: group name → glosses, for separate scores.
        count: see `measured`.

    A recording that is there and cannot be read is passed over.

    Raises:
        UserError: recordings are not there and `allow_missing` is False, or train is empty.
    """
    from tqdm import tqdm

    known = {clip.path: clip.frames for clip in clips if clip.path}
    paths = sorted(known)
    measure = partial(_measure, known=known, count=count, target=contract.fps)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pool.map(measure, paths)
        bar = tqdm(work, "measuring", len(paths), unit="clip", leave=False, disable=None)
        measures = dict(zip(paths, bar))
    samples: dict[str, list[Sample]] = {split: [] for split in SPLITS}
    missing: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    for clip in clips:
        try:
            samples[clip.split].append(_sample(clip, measures, contract.fps))
        except UserError as error:
            missing[clip.split][clip.id] = str(error)
    expected = dict(Counter(clip.split for clip in clips))
    absent = Missing(expected, {split: names for split, names in missing.items() if names})
    _require_train(absent)
    damaged = _damaged(clips, absent)
    if allow_missing or len(damaged) < sum(map(len, absent.clips.values())):
        _report_missing(absent, allow_missing)
    contract.write(folder / FRAMES_FILE)
    Vocabulary(tuple(glosses)).write(folder / "vocabulary.txt")
    if groups is not None:
        write_json(folder / GROUPS_FILE, {name: list(words) for name, words in groups.items()})
    if absent.clips:
        absent.write(folder / MISSING_FILE)
    if not allow_missing:
        damaged.write(folder / ERRORS)
    for split, listed in samples.items():
        if listed:
            write_manifest(folder / f"{split}.jsonl", listed)


def _measure(
    path: Path, known: Mapping[Path, int | None], count: bool, target: float
) -> Measure | UserError:
    try:
        # The length of pictures and arrays is known without decoding.
        if known[path] and (path.is_dir() or path.suffix == ".npy"):
            return Measure(known[path])
        return measured(path, count, known[path], target)
    except UserError as error:
        return error


def _sample(clip: SignClip, measures: Mapping[Path, Measure | UserError], fps: float) -> Sample:
    """The manifest's line of a clip.

    Raises:
        UserError: the clip has no readable file, or begins behind the end of the file.
    """
    if clip.path is None:
        raise UserError(clip.absent)
    measure = measures[clip.path]
    if isinstance(measure, UserError):
        raise measure
    end = measure.frames if clip.end is None else min(clip.end, measure.frames)
    if end <= clip.first:
        raise UserError(
            f"{clip.path}: has {measure.frames} frames, but the clip begins at frame {clip.first}"
        )
    return Sample(
        clip.id,
        (clip.gloss,),
        end - clip.first,
        clip.signer,
        round(measure.fps or fps, 3),
        split=clip.split,
        video=str(clip.path.absolute()),
        video_start=None if clip.full_recording else clip.first,
        times=measure.times and measure.times.part(clip.first, end),
    )


def _damaged(clips: Sequence[SignClip], absent: Missing) -> Failures:
    """Those of the missing clips whose recordings are there."""
    damaged = Failures("clip")
    for clip in clips:
        reason = absent.clips.get(clip.split, {}).get(clip.id)
        if clip.path is not None and reason is not None:
            damaged.add(clip.id, reason)
    return damaged


def _require_train(absent: Missing) -> None:
    gone = absent.clips.get("train", {})
    if gone and len(gone) == absent.expected["train"]:
        name, why = next(iter(gone.items()))
        raise UserError(f"no clip of train has a readable file; the first is {name!r}: {why}")


def _report_missing(absent: Missing, allowed: bool) -> None:
    """Print the missing clips and stop unless they are allowed.

    Raises:
        UserError: missing clips are not allowed.
    """
    if not absent.clips:
        return
    for split, names in absent.clips.items():
        for name, why in list(names.items())[:_LISTED]:
            print(f"missing in {split}: {name}: {why}", file=sys.stderr)
        if len(names) > _LISTED:
            print(f"missing in {split}: ... and {len(names) - _LISTED} more", file=sys.stderr)
    if not allowed:
        raise UserError(
            f"{absent}; obtain them, or leave them out with --allow-missing: scores then count "
            "fewer clips than published ones"
        )
    print(f"note: {absent}; scores count the others only", file=sys.stderr)
