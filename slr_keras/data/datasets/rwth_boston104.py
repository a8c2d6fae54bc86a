"""RWTH-BOSTON-104: continuous American signing; manually tracked hands and nose."""

from collections.abc import Mapping
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
_TEST_FRAMES = ("test_frames.csv", "hands_condensed.csv")
_TEST_SEGMENTS = ("test_segments.csv", "test_words.csv")
_TEST_SENTENCES = "test_sentences.csv"
_COORDINATES = ("left-x", "left-y", "right-x", "right-y", "nose-x", "nose-y")


@dataclass(frozen=True)
class _Segment:
    gloss: str
    signer: str
    first: int
    last: int


@dataclass(frozen=True)
class _Sentence:
    """A sentence; `spans` is empty where only the glosses are known."""

    glosses: tuple[str, ...]
    signer: str
    frames: int
    spans: tuple[tuple[int, int], ...] = ()


def prepare(
    source: Path,
    folder: Path,
    fold: int = 0,
    folds: int = 5,
    seed: int = 0,
    official_test: bool = False,
) -> None:
    """Write the data folder: one fold of the training sentences is dev, the others are train.

    `spans` of the signs (half-open, in frames) stand in the manifest. A gloss that only the dev
    fold has cannot be recognised; `prepare` counts such glosses. The 40 sentences of the official
    test part are in no fold; where their files are present, `official_test` makes them test.

    Args:
        source: folder of the tables of frames and of segments.
        folder: to write.
        fold: which part of the training sentences is dev, from 0.
        folds: how many parts.
        seed: of the shuffle that makes the parts.
        official_test: writes the test split from the tables of the official test part; without
            segments, its sentences have no `spans`.

    Raises:
        UserError: a table is missing or malformed, a sentence has no frames, or stands in the
            training and the test part; names file, line.
    """
    if not 0 <= fold < folds or folds < 2:
        raise UserError(f"fold {fold} of {folds}: folds count from 0, and there are at least 2")
    frames_path, signs_path = _find(source, _FRAMES, _SEGMENTS)
    sentences = _segments(signs_path)
    videos = _in_order(sentences)
    split_of = {
        video: "dev" if part == fold else "train"
        for video, part in zip(videos, splits.folds(len(videos), folds, seed))
    }
    tests: tuple[Path, ...] = ()
    if official_test:
        tests = _find(source, _TEST_FRAMES, (*_TEST_SEGMENTS, _TEST_SENTENCES))
    with FolderWriter(folder, contract("boston_3")) as writer:
        _write(writer, frames_path, signs_path, sentences, split_of)
        if tests:
            with_spans = tests[1].name != _TEST_SENTENCES
            held_out = _segments(tests[1]) if with_spans else _glosses(tests[1])
            for video in _in_order(held_out):
                if video in sentences:
                    raise UserError(f"{tests[1]}: video {video} is in {signs_path.name}, too")
            _write(writer, *tests, held_out, dict.fromkeys(_in_order(held_out), "test"))


def _in_order(sentences: Mapping[str, _Sentence]) -> list[str]:
    """Videos by their number."""
    return sorted(sentences, key=lambda video: (len(video), video))


def _write(
    writer: FolderWriter,
    frames_path: Path,
    signs_path: Path,
    sentences: Mapping[str, _Sentence],
    split_of: Mapping[str, str],
) -> None:
    clips = _frames(frames_path)
    for video, split in split_of.items():
        sentence, keypoints = sentences[video], clips.get(video, np.zeros((0, 3, 2)))
        if not sentence.frames <= len(keypoints):
            raise UserError(
                f"{frames_path}: video {video} has {len(keypoints)} frames, but {signs_path.name} "
                f"means {sentence.frames}"
            )
        spans = {"spans": [list(span) for span in sentence.spans]} if sentence.spans else {}
        writer.add(
            split,
            id=video,
            glosses=sentence.glosses,
            keypoints=keypoints,
            signer=sentence.signer,
            **spans,
        )


def _find(source: Path, *wanted: tuple[str, ...]) -> tuple[Path, ...]:
    """The first file there of each tuple of names.

    Raises:
        UserError: lists every tuple of which no file is there.
    """
    found = [[source / name for name in names if (source / name).is_file()] for names in wanted]
    absent = [" or ".join(names) for names, paths in zip(wanted, found) if not paths]
    if absent:
        raise DATASET.missing(source, absent)
    return tuple(paths[0] for paths in found)


def _glosses(path: Path) -> dict[str, _Sentence]:
    """Sentences of a table without segments."""
    result = {}
    for line, row in read_table(path, ("video", "signer", "num_frames", "gloss")):
        frames = int(number(row["num_frames"], f"{path}:{line}: num_frames"))
        if row["video"] in result or not row["gloss"]:
            raise UserError(f"{path}:{line}: video {row['video']} is there twice or has no gloss")
        result[row["video"]] = _Sentence(tuple(row["gloss"].split()), row["signer"], frames)
    return result


def _segments(path: Path) -> dict[str, _Sentence]:
    """Sentences of a table of segments, their signs in order of time."""
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
    return {
        video: _Sentence(
            tuple(sign.gloss for sign in signs),
            signs[0].signer,
            signs[-1].last + 1,
            tuple((sign.first, sign.last + 1) for sign in signs),
        )
        for video, signs in result.items()
    }


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
    title="RWTH-BOSTON-104: 161 + 40 continuous American sentences, 3 signers, hands and nose",
    obtain="github.com/udacity/AIND-Recognizer (data/); the corpus: RWTH Aachen, "
    "www-i6.informatik.rwth-aachen.de/~dreuw/database-rwth-boston-104.php",
    licence="MIT (Udacity's tables); corpus of RWTH Aachen and Boston University, free for "
    "research",
    files=(
        f"{' or '.join(_FRAMES)}: video, frame, {', '.join(_COORDINATES)}",
        f"{' or '.join(_SEGMENTS)}: video, speaker, word, startframe, endframe",
        f"with --official-test: {' or '.join(_TEST_FRAMES)}; {' or '.join(_TEST_SEGMENTS)}, or "
        f"{_TEST_SENTENCES}: video, signer, num_frames, gloss",
    ),
    prepare=prepare,
    options=(
        Option("fold", 0, "which of the parts of the training sentences is dev, from 0"),
        Option("folds", 5, "how many parts"),
        Option("seed", 0, "of the shuffle that makes the parts"),
        Option(
            "official_test",
            False,
            "write the official test part (40 sentences) as test; its files must be in PATH",
        ),
    ),
)
