"""RWTH-BOSTON-104: continuous American signing; manually tracked hands and nose."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.contract import contract
from slr_keras.data.datasets import splits
from slr_keras.data.datasets.base import Dataset, Option, number
from slr_keras.data.writer import FolderWriter
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError

# The names of the packed files, then those of the repository they were taken from.
_FRAMES = ("train_frames.csv", "hands_condensed.csv")
_SEGMENTS = ("train_segments.csv", "train_words.csv")
_COORDINATES = ("left-x", "left-y", "right-x", "right-y", "nose-x", "nose-y")


@dataclass(frozen=True)
class _Segment:
    gloss: str
    signer: str
    first: int
    last: int


def prepare(source: Path, folder: Path, fold: int = 0, folds: int = 5, seed: int = 0) -> None:
    """Write the data folder of the training sentences: one fold is dev, the others train.

    `spans` of the signs (half-open, in frames) stand in the manifest. A gloss that only the dev
    fold has cannot be recognised; `prepare` counts such glosses.

    Args:
        source: folder of the tables of frames and of segments.
        folder: to write.
        fold: which part is dev, from 0.
        folds: how many parts.
        seed: of the shuffle that makes the parts.

    Raises:
        UserError: a table is missing or malformed, or a sentence has no frames; names file, line.
    """
    if not 0 <= fold < folds or folds < 2:
        raise UserError(f"fold {fold} of {folds}: folds count from 0, and there are at least 2")
    frames_path, segments_path = (_find(source, names) for names in (_FRAMES, _SEGMENTS))
    segments = _segments(segments_path)
    clips = _frames(frames_path)
    videos = sorted(segments, key=lambda video: (len(video), video))
    part = splits.folds(len(videos), folds, seed)
    with FolderWriter(folder, contract("boston_3")) as writer:
        for video, which in zip(videos, part):
            signs = segments[video]
            keypoints = clips.get(video)
            if keypoints is None or signs[-1].last >= len(keypoints):
                raise UserError(
                    f"{frames_path}: video {video} has {0 if keypoints is None else len(keypoints)}"
                    f" frames, but {segments_path.name} means {signs[-1].last + 1}"
                )
            writer.add(
                "dev" if which == fold else "train",
                id=video,
                glosses=[sign.gloss for sign in signs],
                keypoints=keypoints,
                signer=signs[0].signer,
                spans=[[sign.first, sign.last + 1] for sign in signs],
            )


def _find(source: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (source / name).is_file():
            return source / name
    raise DATASET.missing(source, [" or ".join(names)])


def _segments(path: Path) -> dict[str, list[_Segment]]:
    """Signs of every video in order of time."""
    result: dict[str, list[_Segment]] = {}
    for line, row in read_table(path, ("video", "speaker", "word", "startframe", "endframe")):
        first, last = (
            int(number(row[column], f"{path}:{line}: {column}"))
            for column in ("startframe", "endframe")
        )
        if not 0 <= first <= last:
            raise UserError(f"{path}:{line}: frames {first} to {last} are no segment")
        result.setdefault(row["video"], []).append(
            _Segment(row["word"], row["speaker"], first, last)
        )
    for signs in result.values():
        signs.sort(key=lambda sign: sign.first)
    return result


def _frames(path: Path) -> dict[str, np.ndarray]:
    """(frames, 3 points, x and y in pixels) of every video."""
    rows: dict[str, list[tuple[int, ...]]] = {}
    for line, row in read_table(path, ("video", "frame", *_COORDINATES)):
        where = f"{path}:{line}"
        values = [number(row[column], f"{where}: {column}") for column in _COORDINATES]
        frames = rows.setdefault(row["video"], [])
        if int(number(row["frame"], f"{where}: frame")) != len(frames):
            raise UserError(f"{where}: frame {row['frame']} of video {row['video']} out of order")
        frames.append(tuple(values))
    return {video: np.array(frames, np.float32).reshape(-1, 3, 2) for video, frames in rows.items()}


DATASET = Dataset(
    name="rwth_boston104",
    title="RWTH-BOSTON-104: 161 continuous American sentences, 3 signers, hands and nose in pixels",
    obtain="github.com/udacity/AIND-Recognizer (data/); the corpus: RWTH Aachen, "
    "www-i6.informatik.rwth-aachen.de/~dreuw/database-rwth-boston-104.php",
    licence="MIT (Udacity's tables); corpus of RWTH Aachen and Boston University, free for "
    "research",
    files=(
        f"{' or '.join(_FRAMES)}: video, frame, {', '.join(_COORDINATES)}",
        f"{' or '.join(_SEGMENTS)}: video, speaker, word, startframe, endframe",
    ),
    prepare=prepare,
    options=(
        Option("fold", 0, "which of the parts is dev, from 0"),
        Option("folds", 5, "how many parts"),
        Option("seed", 0, "of the shuffle that makes the parts"),
    ),
)
