"""Isolated signs in video from folders: one folder per class, one recording per clip."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.datasets import sign_clips
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.sign_clips import SignClip
from slr_keras.data.datasets.splits import by_signer, check_fractions
from slr_keras.data.video.recordings import is_recording
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import readable

_LAYOUT = "<class>/<recording>"


def prepare(
    source: Path,
    folder: Path,
    fractions: tuple[float, ...] = (0.1, 0.1),
    signer_regex: str = "",
    dev_signers: tuple[str, ...] = (),
    test_signers: tuple[str, ...] = (),
    seed: int = 0,
    resize: str = "320x256",
    crop: str = "256x256",
    fps: float = 25.0,
    allow_missing: bool = False,
) -> None:
    """Write the data folder of a folder of classes.

    Args:
        source: has a folder of recordings for each class.
        folder: to write.
        fractions: fractions of each class for dev and test, at random, where no signers are named.
        signer_regex: matches the signer in a recording's name, by its group or as a whole.
        dev_signers, test_signers: signers kept for these splits.
        seed: of the random choice.
        resize, crop, fps, allow_missing: see `sign_clips.OPTIONS`.

    Raises:
        UserError: no classes, a name without a signer, or fractions that leave nothing for train.
    """
    recordings = _recordings(source)
    if not recordings:
        raise DATASET.missing(source, [_LAYOUT])
    signers = _signers([path for _, path in recordings], signer_regex)
    if dev_signers or test_signers:
        if not signer_regex:
            raise UserError("--dev-signers and --test-signers need --signer-regex")
        splits = by_signer(signers, dev_signers, test_signers)
    else:
        splits = at_random([gloss for gloss, _ in recordings], fractions, seed)
    clips = [
        SignClip(readable(f"{path.parent.name}/{path.stem}"), gloss, split, path, signer)
        for (gloss, path), signer, split in zip(recordings, signers, splits)
    ]
    _check_unique(clips)
    glosses = tuple(dict.fromkeys(gloss for gloss, _ in recordings))
    contract = sign_clips.frame_contract(resize, crop, fps)
    sign_clips.write_sign_clips(folder, clips, glosses, contract, allow_missing)


def at_random(labels: Sequence[str], fractions: Sequence[float], seed: int) -> list[str]:
    """The split of every clip: the same fractions of each label, by a seeded shuffle.

    Args:
        labels: of the clips.
        fractions: for dev and test; a fraction above 0 is at least one clip, as far as one is left
            for train.
        seed: of the shuffle; a label's split does not depend on the other labels.

    >>> from slr_keras.data.datasets.folders import at_random
    >>> sorted(at_random(["a"] * 10, (0.1, 0.2), seed=0))
    ['dev', 'test', 'test', 'train', 'train', 'train', 'train', 'train', 'train', 'train']

    Raises:
        UserError: not two fractions, or fractions that leave nothing.
    """
    if len(fractions) != 2:
        raise UserError(f"fractions are {tuple(fractions)}; give two, for dev and for test")
    check_fractions(*fractions)
    splits = np.full(len(labels), "train", dtype="<U5")
    for label in sorted(set(labels)):
        rows = np.flatnonzero(np.asarray(labels) == label)
        rng = np.random.default_rng([seed, *label.encode()])
        rows = rng.permutation(rows)
        dev, test = (
            max(1, round(fraction * len(rows))) if fraction else 0 for fraction in fractions
        )
        test = min(test, len(rows) - 1)
        dev = min(dev, len(rows) - 1 - test)
        splits[rows[:test]] = "test"
        splits[rows[test : test + dev]] = "dev"
    return splits.tolist()


def _recordings(source: Path) -> list[tuple[str, Path]]:
    """Gloss and path of every recording, by class and name."""
    if not source.is_dir():
        return []
    recordings_by_class: list[tuple[str, Path]] = []
    names: dict[str, str] = {}
    for place in sorted(path for path in source.iterdir() if path.is_dir()):
        recordings = [p for p in sorted(place.iterdir()) if p.name[0] != "." and is_recording(p)]
        if not recordings:
            print(f"note: {place}: has no recordings, and is no class", file=sys.stderr)
            continue
        name = readable(place.name)
        gloss = one_word(name)
        if names.setdefault(gloss, name) != name:
            raise UserError(f"{place}: is the class {gloss!r}, as is {names[gloss]!r}; rename one")
        recordings_by_class += [(gloss, path) for path in recordings]
    return recordings_by_class


def _signers(paths: Sequence[Path], regex: str) -> list[str]:
    if not regex:
        return [""] * len(paths)
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise UserError(f"--signer-regex {regex!r}: not a regular expression ({error})") from None
    signers = []
    for path in paths:
        match = pattern.search(readable(path.stem))
        if match is None:
            raise UserError(f"{path}: --signer-regex {regex!r} finds no signer in its name")
        signers.append(next((group for group in match.groups() if group), match.group()))
    return signers


def _check_unique(clips: Sequence[SignClip]) -> None:
    first: dict[str, Path] = {}
    for clip in clips:
        if first.setdefault(clip.id, clip.path) != clip.path:
            raise UserError(
                f"{clip.path}: differs from {first[clip.id]} in its ending or form of Unicode "
                "alone; rename one"
            )


DATASET = Dataset(
    name="folders",
    title="isolated signs in video from folders: one folder of recordings a class",
    obtain="your own recordings, or any set with a folder a class",
    licence="yours, or the set's",
    files=(f"{_LAYOUT}: a video, a folder of PNG or JPEG pictures, or a .npy of uint8 frames",),
    prepare=prepare,
    options=(
        Option("fractions", (0.1, 0.1), "fractions of each class for dev and test, at random"),
        Option(
            "signer_regex",
            "",
            r"finds the signer in a recording's name, such as '^(s\d+)_'; its first group counts",
        ),
        Option("dev_signers", (), "signers kept for dev, in place of the fractions"),
        Option("test_signers", (), "signers kept for test, in place of the fractions"),
        Option("seed", 0, "of the random choice"),
        *sign_clips.OPTIONS,
    ),
)
