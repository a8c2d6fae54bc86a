"""Indian signs by Kinect: 30 signs, 7 signers, 20 joints; as signs or as composed sentences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from slr_keras.data.composition.whole_clips import IsolatedClip, compose_sentences
from slr_keras.data.contract import contract
from slr_keras.data.datasets.base import Dataset, Option, cut, read_npz
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
) -> None:
    """Write the data folder: isolated signs, or sentences composed from them.

    Signers of dev and test are in no other split. Sentences are made of clips of one signer, and
    no gloss sequence of dev or test is in another split; `spans` (half-open, in frames) and
    `clips` of each stand in the manifest.

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

    Raises:
        UserError: the file is missing or malformed, or an option out of range.
    """
    DATASET.require(source, _FILE)
    path = source / _FILE
    shapes = {"frames": (None, 20, 3)}
    data = read_npz(path, shapes | dict.fromkeys(("lengths", "labels", "signers", "reps"), (None,)))
    if stride < 1 or len(words) != 2:
        raise UserError("stride must be 1 or more, words two numbers")
    signers = data["signers"].tolist()
    splits = by_signer(signers, dev_signers, test_signers)
    sequences = [frames[::stride] for frames in cut(path, data["frames"], data["lengths"])]
    if facing == "camera":
        sequences = [face_camera(frames) for frames in sequences]
    clips = [
        IsolatedClip(f"{label}-{signer}-{rep}", str(label), _with_score(frames))
        for label, signer, rep, frames in zip(data["labels"], signers, data["reps"], sequences)
    ]
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
        for signer, split, number, made in _compose(clips, splits, signers, sentences, words, seed):
            writer.add(
                split,
                id=f"{signer}-{number:04d}",
                glosses=made.glosses,
                keypoints=made.keypoints,
                signer=signer,
                spans=[list(span) for span in made.spans],
                clips=list(made.clips),
            )


def _compose(
    clips: list[IsolatedClip],
    splits: list[str],
    signers: list[str],
    count: int,
    words: tuple[int, ...],
    seed: int,
) -> Iterator[tuple]:
    """(signer, split, number, sentence), dev and test before train."""
    split_of = dict(zip(signers, splits))
    root = contract(_LAYOUT).source.indices(contract(_LAYOUT).root)
    kept: set[tuple[str, ...]] = set()
    for signer in sorted(split_of, key=lambda s: (split_of[s] == "train", s)):
        own = [clip for clip, other in zip(clips, signers) if other == signer]
        # By the signer's place in the whole set: moving another signer changes nothing here.
        generator = np.random.default_rng([seed, sorted(split_of).index(signer)])
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


def _with_score(frames: np.ndarray) -> np.ndarray:
    """Every joint is there in every frame."""
    return np.concatenate([frames, np.ones((*frames.shape[:2], 1), np.float32)], axis=-1)


DATASET = Dataset(
    name="kinect_isl30",
    title="Indian signs by Kinect: 30 signs, 7 signers, 1890 clips, 20 joints in metres",
    obtain="github.com/Boyinglby/ADM_SignLangRecog (RawDataset; recorded by Kumar, Saini, Roy and "
    "Dogra), packed into one file with numbers instead of names of the signers",
    licence="MIT in the repository; the recordings' own terms are not stated",
    files=(f"{_FILE}: frames (sum of lengths, 20, 3), lengths, labels, signers, reps (N)",),
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
    ),
)
