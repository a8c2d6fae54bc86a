"""Indian signs by Kinect: 30 signs, 7 signers, 20 joints; as signs or as composed sentences."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from slr_keras.data.composition.whole_clips import IsolatedClip, compose_sentences
from slr_keras.data.contract import contract
from slr_keras.data.datasets.base import Dataset, Option, cut, read_npz
from slr_keras.data.datasets.given_sentences import KEYS, GivenSentence, read_sentences
from slr_keras.data.datasets.held_out import given_file, require_apart
from slr_keras.data.datasets.span_arrays import every_nth, require_fit
from slr_keras.data.datasets.splits import by_signer
from slr_keras.data.layout import layout
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError

_FILE = "sequences.npz"
_FRAMES_A_SECOND = 30
_LAYOUT = "kinect_20"


def prepare(
    source: Path,
    folder: Path,
    form: str = "isolated",
    dev_signers: tuple[str, ...] = ("S09",),
    test_signers: tuple[str, ...] = (),
    stride: int = 2,
    sentences: int = 150,
    words: tuple[int, ...] = (2, 5),
    facing: str = "camera",
    seed: int = 0,
    test_file: str = "",
    sentences_file: str = "",
) -> None:
    """Write the data folder: isolated signs, or sentences composed from them.

    Signers of dev and test are in no other split. Sentences are made of clips of one signer, and
    no gloss sequence of dev or test is in another split; `spans` (half-open, in frames) and
    `clips` of each stand in the manifest. Signers who are held out come in a file of their own:
    as clips (`test_file`), or as ready-made sentences (`sentences_file`), which are test as they
    are. Train and dev stay the same, but for sentences whose gloss sequence test has.

    Args:
        source: folder of `sequences.npz`.
        folder: to write.
        form: "isolated" or "sentences".
        dev_signers, test_signers: kept for these splits; the others train.
        stride: takes every n-th of the 30 frames a second.
        sentences: how many a signer, for "sentences".
        words: least and most signs of a sentence.
        facing: "camera" turns the body of every clip to the front, "recorded" leaves it.
        seed: of the composition.
        test_file: file as `sequences.npz` of other signers, who are test.
        sentences_file: file of sentences of other signers, which are test; `given_sentences.KEYS`
            lists its arrays. Those with `fps` keep all their frames, the others have 30 a second.

    Raises:
        UserError: a file is missing or malformed, an option out of range, or a signer of the
            held-out file is in `sequences.npz`, too.
    """
    DATASET.require(source, _FILE)
    if stride < 1 or len(words) != 2:
        raise UserError("stride must be 1 or more, words two numbers")
    if sum(map(bool, (test_signers, test_file, sentences_file))) > 1:
        raise UserError("--test-signers, --test-file and --sentences-file: each is test; give one")
    if sentences_file and form != "sentences":
        raise UserError("--sentences-file needs --form sentences")
    clips, signers = _read(source / _FILE, stride, facing)
    splits = by_signer(signers, dev_signers, test_signers)
    order = sorted(set(signers))
    given: list[GivenSentence] = []
    if test_file:
        path = given_file(source, test_file, "--test-file")
        others, theirs = _read(path, stride, facing)
        require_apart(path, theirs, signers)
        clips, signers = clips + others, signers + theirs
        splits, order = splits + ["test"] * len(theirs), order + sorted(set(theirs))
    if sentences_file:
        path = given_file(source, sentences_file, "--sentences-file")
        given = _given(path, stride, facing)
        require_apart(path, (sentence.signer for sentence in given), signers)
    # Turned bodies have narrow shoulders in the picture; head to hips stays within 6 %.
    chosen = contract(_LAYOUT, fps=_FRAMES_A_SECOND / stride, scale=("head", "spine_base"))
    with FolderWriter(folder, chosen) as writer:
        if form == "isolated":
            for clip, split, signer in zip(clips, splits, signers):
                writer.add(
                    split,
                    id=clip.id,
                    glosses=[clip.gloss],
                    keypoints=clip.keypoints,
                    signer=signer,
                )
            return
        kept = {sentence.glosses for sentence in given}
        split_of = dict(zip(signers, splits))
        split_of = {signer: split_of[signer] for signer in order}
        for signer, split, number, made in _compose(
            clips, signers, split_of, sentences, words, seed, kept
        ):
            writer.add(
                split,
                id=f"{signer}-{number:04d}",
                glosses=made.glosses,
                keypoints=made.keypoints,
                signer=signer,
                spans=[list(span) for span in made.spans],
                clips=list(made.clips),
            )
        for sentence in given:
            writer.add(
                "test",
                id=sentence.id,
                glosses=sentence.glosses,
                keypoints=sentence.keypoints,
                signer=sentence.signer,
                fps=sentence.fps,
                **({} if sentence.spans is None else {"spans": sentence.spans}),
            )


def _read(path: Path, stride: int, facing: str) -> tuple[list[IsolatedClip], list[str]]:
    """The clips of a file and their signers."""
    shapes = {"frames": (None, 20, 3)}
    data = read_npz(path, shapes | dict.fromkeys(("lengths", "labels", "signers", "reps"), (None,)))
    signers = data["signers"].tolist()
    sequences = cut(path, data["frames"], data["lengths"])
    clips = [
        IsolatedClip(f"{label}-{signer}-{rep}", str(label), _seen(frames[::stride], facing))
        for label, signer, rep, frames in zip(data["labels"], signers, data["reps"], sequences)
    ]
    return clips, signers


def _given(path: Path, stride: int, facing: str) -> list[GivenSentence]:
    """Ready-made sentences at the rate of the clips; a sentence is turned as a whole."""
    sentences = []
    for sentence in read_sentences(path, 20, 3):
        step = stride if sentence.fps is None else 1
        spans = None if sentence.spans is None else every_nth(sentence.spans, step)
        keypoints = _seen(sentence.keypoints[::step], facing)
        if spans is not None:
            require_fit(str(path), sentence.id, sentence.glosses, len(keypoints), spans)
        sentences.append(replace(sentence, keypoints=keypoints, spans=spans))
    return sentences


def _seen(frames: np.ndarray, facing: str) -> np.ndarray:
    """The clip as it is stored; every joint is there in every frame."""
    frames = face_camera(frames) if facing == "camera" else frames
    return np.concatenate([frames, np.ones((*frames.shape[:2], 1), np.float32)], axis=-1)


def _compose(
    clips: list[IsolatedClip],
    signers: list[str],
    split_of: dict[str, str],
    count: int,
    words: tuple[int, ...],
    seed: int,
    kept: set[tuple[str, ...]],
) -> Iterator[tuple]:
    """(signer, split, number, sentence), dev and test before train.

    `split_of` has the signers in the order of their seeds, held-out ones last; no sentence of dev
    and train is one of `kept`, to which those of dev and test are added.
    """
    root = contract(_LAYOUT).source.indices(contract(_LAYOUT).root)
    for signer in sorted(split_of, key=lambda s: (split_of[s] == "train", s)):
        own = [clip for clip, other in zip(clips, signers) if other == signer]
        # By the signer's place in the whole set: moving another signer changes nothing here.
        generator = np.random.default_rng([seed, list(split_of).index(signer)])
        made = compose_sentences(own, count, generator, root, tuple(words), avoid=kept)
        for number, sentence in enumerate(made):
            if split_of[signer] != "train":
                kept.add(sentence.glosses)
            yield signer, split_of[signer], number, sentence


def face_camera(frames: np.ndarray) -> np.ndarray:
    """Rotate a clip about the vertical axis so that the shoulders face the camera.

    The signers stand turned by up to 90 degrees (about 45 as a rule), differently in every clip.

    Args:
        frames: (frames, 20, 3): x right, y up, z away.

    Returns:
        The same shape; the body stays where it is.
    """
    if not len(frames):
        return frames
    left, right = layout(_LAYOUT).indices(("shoulder_left", "shoulder_right"))
    across = np.median(frames[:, right] - frames[:, left], axis=0)
    angle = np.arctan2(across[2], across[0])
    centre = np.median((frames[:, right] + frames[:, left]) / 2, axis=0)
    cosine, sine = np.cos(angle), np.sin(angle)
    # Rows are the axes of the turned body, so points are multiplied from the left.
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], frames.dtype)
    return (frames - centre) @ turn + centre


DATASET = Dataset(
    name="kinect_isl30",
    title="Indian signs by Kinect: 30 signs, 7 signers, 1890 clips, 20 joints in metres",
    obtain="github.com/Boyinglby/ADM_SignLangRecog (RawDataset; recorded by Kumar, Saini, Roy and "
    "Dogra), packed into one file with numbers instead of names of the signers",
    licence="MIT in the repository; the recordings' own terms are not stated",
    files=(
        f"{_FILE}: frames (sum of lengths, 20, 3), lengths, labels, signers, reps (N)",
        "with --test-file: a file of the same arrays",
        f"with --sentences-file: {KEYS.format(20, 3)}",
    ),
    prepare=prepare,
    options=(
        Option("form", "isolated", "signs, or sentences made of them", ("isolated", "sentences")),
        Option("dev_signers", ("S09",), "signers kept for dev"),
        Option("test_signers", (), "signers kept for test"),
        Option("stride", 2, "take every n-th of the 30 frames a second"),
        Option("sentences", 150, "sentences a signer, with --form sentences"),
        Option("words", (2, 5), "least and most signs of a sentence"),
        Option("facing", "camera", "turn every body to the front", ("camera", "recorded")),
        Option("seed", 0, "of the composition"),
        Option(
            "test_file",
            "",
            "file of the same arrays by held-out signers (inside PATH, or a path), who are test",
        ),
        Option(
            "sentences_file",
            "",
            "with --form sentences: file of ready-made sentences by held-out signers (inside PATH, "
            "or a path), which are test; without an array fps they have 30 frames a second, of "
            "which --stride takes every n-th; each is turned to the front as a whole",
        ),
    ),
)
