"""BOBSL: signs that were spotted in British broadcasts (docs/papers/stepnet.md §13.3)."""

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr_keras.data.datasets import sign_clips
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.sign_clips import SignClip
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, read_text
from slr_keras.utils.unicode import composed

# Kinds of files by their source; the verified ones come last.
_AUTOMATIC = ("mouthing", "dict")
_VERIFIED = tuple(f"verified_{kind}" for kind in _AUTOMATIC)
_EPISODES = "subset2episode.json"
_WORDS = "words.txt"
_SPLITS = {
    "train": "train",
    "val": "dev",
    "dev": "dev",
    "test": "test",
    "public_test": "test",
}
_VIDEO_FOLDER = "videos"


@dataclass(frozen=True)
class _Spotting:
    """A word at a time of an episode."""

    kind: str
    word: str
    episode: str
    seconds: float


def prepare(
    source: Path,
    folder: Path,
    words: str = "",
    videos: str = "",
    mouthing_threshold: float = 0.8,
    dict_threshold: float = 0.8,
    mouthing_window: tuple[int, ...] = (-15, 4),
    dict_window: tuple[int, ...] = (-3, 22),
    resize: str = "256x256",
    crop: str = "224x224",
    fps: float = 25.0,
    allow_missing: bool = False,
) -> None:
    """Write the data folder of BOBSL's spottings: automatic ones for train and dev, checked for
    test.

    Args:
        source: folder of the release.
        folder: to write.
        words: file of the classes, `word<TAB>index`; "" means words.txt in `source`.
        videos: folder of `<episode>.mp4`; "" means videos in `source`.
        mouthing_threshold, dict_threshold: least probability of an automatic spotting.
        mouthing_window, dict_window: first and last frame around a spotting, both included.
        resize, crop, fps, allow_missing: see `sign_clips.OPTIONS`.

    Raises:
        UserError: files are missing, are pickles, or are malformed; names file and word.
    """
    files = {kind: _spotting_file(source, kind) for kind in (*_AUTOMATIC, *_VERIFIED)}
    classes = Path(words) if words else source / _WORDS
    absent = [f"{kind}_spottings.json" for kind in _AUTOMATIC if files[kind] is None]
    absent += [] if classes.is_file() else [str(classes.name)]
    if absent:
        raise DATASET.missing(source, absent)
    glosses = _vocabulary(classes)
    subsets = _subsets(source)
    windows = {"mouthing": _window(mouthing_window), "dict": _window(dict_window)}
    thresholds = {"mouthing": mouthing_threshold, "dict": dict_threshold}
    place = Path(videos) if videos else source / _VIDEO_FOLDER
    clips, left = [], Counter()
    for kind, path in files.items():
        checked = kind in _VERIFIED
        way = kind.removeprefix("verified_")
        least = 0.0 if checked else thresholds[way]
        for split, spotting in _spottings(path, kind, least) if path else ():
            split = subsets.get(spotting.episode, split) if subsets else split
            gloss = glosses.get(spotting.word)
            if gloss is None or split not in _SPLITS:
                left["of words outside the vocabulary" if gloss is None else "of other splits"] += 1
            # Verified spottings are the test split, automatic ones train and dev.
            elif (_SPLITS[split] == "test") == checked:
                clips.append(_clip(spotting, gloss, _SPLITS[split], place, windows[way], fps))
    for why, count in left.items():
        print(f"note: {count} spottings {why} are left out", file=sys.stderr)
    if not clips:
        raise UserError(f"{source}: no spotting is of a word in {classes} and probable enough")
    unique = {(clip.split, clip.id): clip for clip in clips}
    contract = sign_clips.frame_contract(resize, crop, fps)
    sign_clips.write_sign_clips(
        folder,
        list(unique.values()),
        tuple(dict.fromkeys(glosses.values())),
        contract,
        allow_missing,
        count=False,
    )


def _spotting_file(source: Path, kind: str) -> Path | None:
    """The file of spottings, in any folder of the release.

    Raises:
        UserError: the release holds it only as a pickle.
    """
    name = f"{kind}_spottings"
    places = ("", "*/", "*/*/")
    files = [path for place in places for path in sorted(source.glob(f"{place}{name}.json"))]
    pickled = [path for place in places for path in sorted(source.glob(f"{place}{name}*.pkl"))]
    if pickled and not files:
        raise UserError(
            f"{pickled[0]}: a pickle runs whatever program it holds when it is read, so it is not "
            f"read here; use {name}.json of the release"
        )
    return files[0] if files else None


def _vocabulary(path: Path) -> dict[str, str]:
    """Word → gloss in the order of the indices."""
    words: dict[int, str] = {}
    for number, line in enumerate(composed(read_text(path)).split("\n"), start=1):
        if not line.strip():
            continue
        word, tab, index = line.rpartition("\t")
        if not tab or not word.strip() or not index.strip().isdecimal():
            raise UserError(f"{path}:{number}: {line!r} is not a word, a tab and its index")
        if words.setdefault(int(index), word.strip()) != word.strip():
            raise UserError(f"{path}:{number}: index {index} is also of {words[int(index)]!r}")
    if sorted(words) != list(range(len(words))):
        raise UserError(f"{path}: the indices are not 0 to {len(words) - 1}, each once")
    return {words[index]: one_word(words[index]) for index in sorted(words)}


def _subsets(source: Path) -> dict[str, str]:
    """Split of every episode; empty if the file is missing."""
    path = source / _EPISODES
    if not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict) or not all(isinstance(names, list) for names in value.values()):
        raise UserError(f"{path}: is not a JSON object of lists of episodes by split")
    return {_episode(str(name)): split for split, names in value.items() for name in names}


def _spottings(path: Path, kind: str, least: float) -> Iterator[tuple[str, _Spotting]]:
    """Spottings of at least the probability `least`, with their split in the file."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: is not a JSON object of splits")
    for split, by_word in value.items():
        if not isinstance(by_word, dict):
            raise UserError(f"{path}: split {split!r} is not an object of words")
        for word, entry in by_word.items():
            lists = _parallel(entry, f"{path}: split {split!r}, word {word!r}", kind in _VERIFIED)
            for name, seconds, probability in zip(*lists):
                if probability >= least:
                    yield split, _Spotting(kind, composed(word), _episode(name), seconds)


def _parallel(entry: Any, where: str, checked: bool) -> tuple[list, list, list]:
    """Episodes, seconds and probabilities of a word."""
    entry = entry if isinstance(entry, Mapping) else {}
    names, times = entry.get("names"), entry.get("global_times")
    # Verified spottings may lack probabilities.
    probabilities = entry.get("probs", [1.0] * len(names or ()) if checked else None)
    lists = (names, times, probabilities)
    if not all(isinstance(values, list) for values in lists) or len(set(map(len, lists))) != 1:
        raise UserError(f"{where}: 'names', 'global_times' and 'probs' are not lists of one length")
    numbers = [*times, *probabilities]
    if not all(isinstance(name, str) and name for name in names) or not all(map(_finite, numbers)):
        raise UserError(f"{where}: a name is no text, or a time or probability no number from 0")
    return lists


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


def _episode(name: str) -> str:
    return name.removesuffix(".mp4")


def _window(frames: tuple[int, ...]) -> tuple[int, int]:
    if len(frames) != 2 or frames[0] > frames[1]:
        raise UserError(f"window {' '.join(map(str, frames))}: give its first and last frame")
    return tuple(frames)


def _clip(
    spotting: _Spotting,
    gloss: str,
    split: str,
    videos: Path,
    window: tuple[int, int],
    fps: float,
) -> SignClip:
    frame = round(spotting.seconds * fps)
    path = videos / f"{spotting.episode}.mp4"
    return SignClip(
        f"{spotting.episode}/{frame}-{gloss}-{spotting.kind}",
        gloss,
        split,
        path if path.is_file() else None,
        first=max(frame + window[0], 0),
        end=max(frame + window[1] + 1, 1),
        full_recording=False,
        absent=f"{path}: no such file",
    )


DATASET = Dataset(
    name="bobsl",
    title="BOBSL: British signs spotted in broadcasts, 39 signers, 2281 classes, video",
    obtain="www.robots.ox.ac.uk/~vgg/data/bobsl, with an agreement with the BBC",
    licence="BBC agreement: academic, non-commercial research only; models trained on it likewise",
    files=(
        "videos/<episode>.mp4",
        "mouthing_spottings.json, dict_spottings.json: in spottings or automatic_annotations; JSON "
        "alone",
        "verified_mouthing_spottings.json, verified_dict_spottings.json: become test",
        f"{_EPISODES}: the split of every episode; without it, that of the spottings",
        f"{_WORDS}: word<TAB>index, the classes; the release does not have it",
    ),
    prepare=prepare,
    options=(
        Option("words", "", f"file of the classes, word<TAB>index; default: {_WORDS} in PATH"),
        Option("videos", "", "folder of <episode>.mp4; default: videos in PATH"),
        Option("mouthing_threshold", 0.8, "least probability of a spotting by mouthing"),
        Option("dict_threshold", 0.8, "least probability of a spotting by dictionary"),
        Option("mouthing_window", (-15, 4), "first and last frame around it"),
        Option("dict_window", (-3, 22), "first and last frame around it"),
        Option("resize", "256x256", "width x height that pictures are resized to"),
        Option("crop", "224x224", "width x height that is cut out of them, for the model"),
        sign_clips.FPS,
        sign_clips.ALLOW_MISSING,
    ),
)
