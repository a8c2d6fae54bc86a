"""WLASL: 2000 American signs from the web, one a clip (docs/papers/stepnet.md §13.1)."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.data.datasets import sign_clips
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.label_map import LABEL_MAP, joined, read_label_map
from slr_keras.data.datasets.sign_clips import SPLIT_NAMES, SignClip
from slr_keras.data.video.recordings import VIDEOS
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, read_text

_ANNOTATIONS = "WLASL_v0.3.json"
_CLASSES = "wlasl_class_list.txt"
# Where the authors' repository keeps its files.
_PLACES = ("", "start_kit", "code/I3D/preprocess")
_VIDEO_FOLDERS = ("videos", "raw_videos_mp4", "WLASL2000")
_SUBSETS = ("100", "300", "1000", "2000")
_SPLIT_SOURCES = ("nslt", "v0.3")


@dataclass(frozen=True)
class _Instance:
    """One recording in the lists: its class, and frames from 1 to the last, -1 for all."""

    video: str
    number: int
    split: str
    start: int
    end: int
    signer: str = ""


def prepare(
    source: Path,
    folder: Path,
    subset: str = "2000",
    split_source: str = "nslt",
    videos: str = "",
    untrimmed: bool = False,
    label_map: str = "",
    resize: str = "320x256",
    crop: str = "256x256",
    fps: float = 25.0,
    allow_missing: bool = False,
) -> None:
    """Write the data folder of WLASL's first 100, 300, 1000 or 2000 glosses.

    Args:
        source: folder of the lists, as in the authors' repository or all in one.
        folder: to write.
        subset: how many glosses.
        split_source: "nslt" for the splits that published scores are of, "v0.3" for those of the
            annotations, which lack 12 clips.
        videos: folder of `<video id>.mp4`; "" looks for it in `source`.
        untrimmed: the videos are as downloaded, and frame_start and frame_end cut the signs out.
        label_map: file of classes to join; "" joins none.
        resize, crop, fps, allow_missing: see `sign_clips.OPTIONS`.

    Raises:
        UserError: lists or videos are missing, or a list is malformed; names file and entry.
    """
    count = int(subset)
    annotations = _find(source, _ANNOTATIONS)
    if split_source == "nslt":
        lists = {name: _find(source, name) for name in (f"nslt_{subset}.json", _CLASSES)}
        absent = [name for name, path in lists.items() if path is None]
        if absent:
            raise DATASET.missing(source, absent)
        splits, classes = lists.values()
        names = _class_names(classes, count)
        signers = _signers(annotations) if annotations else {}
        instances = list(_nslt(splits, count, signers))
    else:
        if annotations is None:
            raise DATASET.missing(source, [_ANNOTATIONS])
        entries = _annotated(annotations)[:count]
        if len(entries) < count:
            raise UserError(f"{annotations}: has {len(entries)} glosses, fewer than {count}")
        names = [name for name, _ in entries]
        instances = [instance for _, listed in entries for instance in listed]
    glosses = _glosses(names)
    becomes = read_label_map(label_map, glosses) if label_map else dict(zip(glosses, glosses))
    files = _files(source, videos)
    flash = {video for video, path in files.items() if path.suffix.lower() == ".swf"}
    clips = [
        SignClip(
            instance.video,
            becomes[glosses[instance.number]],
            instance.split,
            None if instance.video in flash else files.get(instance.video),
            instance.signer,
            first=max(instance.start - 1, 0) if untrimmed else 0,
            end=instance.end if untrimmed and instance.end != -1 else None,
            full_recording=not untrimmed,
            absent="is Flash (.swf); convert it to .mp4" if instance.video in flash else "no file",
        )
        for instance in instances
    ]
    contract = sign_clips.frame_contract(resize, crop, fps)
    kept = joined(glosses, becomes)
    sign_clips.write_sign_clips(folder, clips, kept, contract, allow_missing)
    if len(kept) < len(glosses):
        print(f"note: {len(glosses)} classes became {len(kept)}", file=sys.stderr)


def _find(source: Path, name: str) -> Path | None:
    return next((p for place in _PLACES if (p := source / place / name).is_file()), None)


def _files(source: Path, videos: str) -> dict[str, Path]:
    """Recordings by video id."""
    places = [Path(videos)] if videos else [source / name for name in _VIDEO_FOLDERS]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise UserError(
            f"{places[0]}: no such folder of <video id>.mp4; name it with --videos, and obtain the "
            f"videos from {DATASET.obtain}"
        )
    # mp4 last, so that it replaces other files of the same id.
    order = ("", ".swf", *VIDEOS[::-1])
    files = [path for path in place.iterdir() if path.is_dir() or path.suffix.lower() in order]
    kinds = {path: "" if path.is_dir() else path.suffix.lower() for path in files}
    files.sort(key=lambda path: (kinds[path] == ".mp4", order.index(kinds[path])))
    return {path.stem: path for path in files}


def _class_names(path: Path, count: int) -> list[str]:
    """Names of the first classes of `index<TAB>gloss`."""
    names = []
    for number, line in enumerate(read_text(path).rstrip("\n").split("\n"), start=1):
        index, tab, name = line.partition("\t")
        if not tab or index.strip() != str(number - 1) or not name.strip():
            raise UserError(f"{path}:{number}: {line!r} is not {number - 1}, a tab and a gloss")
        names.append(name.strip())
    if len(names) < count:
        raise UserError(f"{path}: has {len(names)} glosses, fewer than {count}")
    return names[:count]


def _glosses(names: list[str]) -> tuple[str, ...]:
    """Names as unique glosses of one word."""
    glosses: dict[str, None] = {}
    for number, name in enumerate(names):
        gloss = one_word(name)
        glosses[gloss if gloss not in glosses else f"{gloss}#{number}"] = None
    return tuple(glosses)


def _nslt(path: Path, count: int, signers: Mapping[str, str]) -> Iterator[_Instance]:
    value = read_json(path)
    if not isinstance(value, dict) or not value:
        raise UserError(f"{path}: is not a JSON object of video ids")
    for video, entry in value.items():
        where = f"{path}: video {video!r}"
        entry = entry if isinstance(entry, dict) else {}
        split, action = entry.get("subset"), entry.get("action")
        good = isinstance(action, list) and len(action) == 3
        if not good or not all(type(number) is int for number in action):
            raise UserError(f"{where}: 'action' is {action!r}, not [class, first frame, last]")
        if not 0 <= action[0] < count:
            raise UserError(f"{where}: class {action[0]} is not one of 0 to {count - 1}")
        yield _checked(
            _Instance(video, action[0], split, *action[1:], signers.get(video, "")), where
        )


def _annotated(path: Path) -> list[tuple[str, list[_Instance]]]:
    """Names and instances of the glosses in WLASL_v0.3.json."""
    value = read_json(path)
    if not isinstance(value, list):
        raise UserError(f"{path}: is not a JSON list of glosses")
    return [_entry(entry, number, path) for number, entry in enumerate(value)]


def _entry(entry: Any, number: int, path: Path) -> tuple[str, list[_Instance]]:
    entry = entry if isinstance(entry, dict) else {}
    name, instances = entry.get("gloss"), entry.get("instances")
    if not isinstance(name, str) or not name.strip() or not isinstance(instances, list):
        raise UserError(f"{path}: entry {number} has no 'gloss' with 'instances'")
    checked = []
    for value in instances:
        video = value.get("video_id") if isinstance(value, dict) else None
        if not isinstance(video, str):
            raise UserError(f"{path}: gloss {name!r}: an instance has no 'video_id' that is text")
        frames = value.get("frame_start", 1), value.get("frame_end", -1)
        signer = str(value.get("signer_id", ""))
        instance = _Instance(video, number, value.get("split"), *frames, signer)
        checked.append(_checked(instance, f"{path}: video {video!r}"))
    return name, checked


def _checked(instance: _Instance, where: str) -> _Instance:
    """The instance with this package's name of its split.

    Raises:
        UserError: an unknown split, or an empty range of frames.
    """
    if not isinstance(instance.split, str) or instance.split not in SPLIT_NAMES:
        raise UserError(f"{where}: the split is {instance.split!r}, not train, val or test")
    start, end = instance.start, instance.end
    if type(start) is not int or type(end) is not int or (end != -1 and end < max(start, 1)):
        raise UserError(f"{where}: frames {start!r} to {end!r} are no part of a video")
    return dataclasses.replace(instance, split=SPLIT_NAMES[instance.split])


def _signers(path: Path) -> dict[str, str]:
    return {one.video: one.signer for _, listed in _annotated(path) for one in listed}


DATASET = Dataset(
    name="wlasl",
    title="WLASL: 100, 300, 1000 or 2000 isolated American signs, 119 signers, video",
    obtain="github.com/dxli94/WLASL: lists in start_kit and code/I3D/preprocess; the links to the "
    "videos rot, and the authors send missing or trimmed ones on request",
    licence="C-UDA 1.0: computational use only, redistribution under the same terms; the authors "
    "add: academic and computational use only, no commercial usage",
    files=(
        f"nslt_<K>.json and {_CLASSES}: the published splits and classes",
        f"{_ANNOTATIONS}: with --split-source v0.3; adds the signers to nslt",
        "videos/<video id>.mp4: trimmed to the signs, as the authors send them, unless --untrimmed",
    ),
    prepare=prepare,
    options=(
        Option("subset", "2000", "how many glosses", _SUBSETS),
        Option(
            "split_source",
            "nslt",
            "nslt: the splits of published scores; v0.3: the annotations', without 12 of the clips",
            _SPLIT_SOURCES,
        ),
        Option("videos", "", "folder of <video id>.mp4; default: videos in PATH"),
        Option(
            "untrimmed",
            False,
            "videos are as downloaded: frame_start and frame_end cut the signs out, counted at 25 "
            "frames a second",
        ),
        LABEL_MAP,
        *sign_clips.OPTIONS,
    ),
)
