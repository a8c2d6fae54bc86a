"""The folder layout of many MediaPipe recordings: `<label>/<recording>/<frame>.npy`.

A widely copied tutorial stores one vector a frame: pose (33 x 4), face (468 x 3), left and right
hand (21 x 3 each), or the same without face, or the hands alone. Where several people sign, each
has such a folder: `<signer>/<label>/<recording>/<frame>.npy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_array
from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.passing_over import PassedOver, first_readable
from slr_keras.data.datasets.splits import by_order, by_signer
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError

_FORM = "<label>/<recording>/<frame>.npy"
_POSE, _FACE, _HAND = mediapipe.POSE * 4, mediapipe.FACE * 3, mediapipe.HAND * 3
_KNOWN = {
    _POSE + _FACE + 2 * _HAND: ("pose", "face"),
    _POSE + 2 * _HAND: ("pose",),
    2 * _HAND: (),
}


@dataclass(frozen=True)
class _Recording:
    id: str
    label: str
    signer: str
    path: Path


def prepare(
    source: Path,
    folder: Path,
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
    order: str = "pose-face",
    signer: str = "",
    signers: tuple[str, ...] = (),
    dev_signers: tuple[str, ...] = (),
    test_signers: tuple[str, ...] = (),
) -> None:
    """Write the data folder of a folder `<label>/<recording>/<frame>.npy`, or of one a signer.

    Args:
        source: the folder of the labels, or of the signers' folders of labels.
        folder: to write.
        dev_fraction, test_fraction: fractions of each label's recordings, the last ones by number;
            of each signer's, where there are several.
        frame_size, fps: of the camera.
        order: "pose-face" as in the tutorial, or "face-pose", as some recordings have it.
        signer: who signs, if it is one person.
        signers: the signers' folders in `source`, each FOLDER or SIGNER=FOLDER; by default, every
            folder is a signer where the labels lie one folder deeper.
        dev_signers, test_signers: signers kept for these splits, in place of the fractions.

    Raises:
        UserError: the folder has another form, a signer is unknown, or no recording of train can be
            read. Another recording that lacks frames, or whose frames cannot be read or have
            another number of values than those of the first, is passed over.
    """
    recordings = _recordings(source, signers, signer)
    labels = [recording.label for recording in recordings]
    people = [recording.signer for recording in recordings]
    values = first_readable([recording.path for recording in recordings], _values)
    recorded = _KNOWN[values] if order == "pose-face" else _KNOWN[values][::-1]
    layout = "mediapipe_holistic_543" if "face" in recorded else "mediapipe_75"
    if dev_signers or test_signers:
        splits = by_signer(people, dev_signers, test_signers)
    else:
        blocks = [f"{who}/{label}" if who else label for who, label in zip(people, labels)]
        numbers = [_order(recording.path)[0] for recording in recordings]
        splits = by_order(blocks, numbers, dev_fraction, test_fraction)

    chosen = mediapipe.holistic_contract(layout, frame_size, fps)
    passed = PassedOver()
    with FolderWriter(folder, chosen) as writer:
        for recording, split in zip(recordings, splits):
            frames = None
            if split:
                with passed.reading(split, recording.id):
                    frames = _read(recording.path, values)
            if frames is not None:
                writer.add(
                    split,
                    id=recording.id,
                    glosses=[one_word(recording.label)],
                    keypoints=mediapipe.assemble(frame_size, **_parts(frames, recorded)),
                    signer=recording.signer,
                )
        passed.write(writer.path)


def _values(recording: Path) -> int:
    """The number of values of a frame."""
    values = _read(recording).shape[-1]
    if values not in _KNOWN:
        known = ", ".join(str(size) for size in _KNOWN)
        raise UserError(f"{recording}: {values} values a frame; known are {known}")
    return values


def _recordings(source: Path, signers: Sequence[str], signer: str) -> list[_Recording]:
    """The recordings of every signer, by label and number."""
    named = _signers_folders(source, signers)
    if not named:
        recordings = [
            _Recording(f"{label.name}/{path.name}", label.name, signer, path)
            for label, path in _of_labels(source)
        ]
        if recordings:
            return recordings
        # One folder deeper, every folder is a signer.
        named = {path.name: path for path in _folders(source) if _of_labels(path)}
    if signer and named:
        raise UserError(f"--signer {signer}: {source} has a folder for each signer; leave it out")
    recordings = [
        _Recording(f"{name}/{label.name}/{path.name}", label.name, name, path)
        for name, folder in named.items()
        for label, path in _of_labels(folder)
    ]
    if not recordings:
        raise DATASET.missing(source, [_FORM])
    return recordings


def _signers_folders(source: Path, signers: Sequence[str]) -> dict[str, Path]:
    """Signer to folder, from FOLDER or SIGNER=FOLDER."""
    named: dict[str, Path] = {}
    for text in signers:
        name, equals, place = text.partition("=")
        folder = source / (place if equals else name)
        name = name if equals else folder.name
        if name in named:
            raise UserError(f"--signers {text}: signer {name!r} is named twice")
        if not name or not folder.is_dir() or not _of_labels(folder):
            raise UserError(f"--signers {text}: {folder} is no folder <label>/<recording>")
        named[name] = folder
    return named


def _of_labels(folder: Path) -> list[tuple[Path, Path]]:
    """(label, recording) of a folder of labels, by label and number."""
    return [
        (label, recording)
        for label in _folders(folder)
        for recording in sorted(_folders(label), key=_order)
        if any(recording.glob("*.npy"))
    ]


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DATASET.missing(folder, [_FORM])
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _order(path: Path) -> tuple[int, str]:
    """Numbered names by their number, others behind them."""
    return (int(path.stem), "") if path.stem.isdecimal() else (1 << 60, path.name)


def _read(recording: Path, values: int | None = None) -> np.ndarray:
    """(frames, values); frame numbers must have no hole."""
    files = sorted(recording.glob("*.npy"), key=_order)
    numbers = [_order(file)[0] for file in files]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UserError(f"{recording}: its frames are not numbered without a hole")
    frames = [read_array(file).ravel() for file in files]
    for file, frame in zip(files, frames):
        if len(frame) != len(frames[0]):
            raise UserError(f"{file}: {len(frame)} values, but {files[0].name} {len(frames[0])}")
    if values not in (None, len(frames[0])):
        raise UserError(
            f"{recording}: {len(frames[0])} values a frame where the first recording has {values}"
        )
    return np.stack(frames)


def _parts(frames: np.ndarray, recorded: tuple[str, ...]) -> dict[str, np.ndarray]:
    parts, start = {}, 0
    for name in (*recorded, "left_hand", "right_hand"):
        values = {"pose": _POSE, "face": _FACE}.get(name, _HAND)
        channels = 4 if name == "pose" else 3
        parts[name] = frames[:, start : start + values].reshape(len(frames), -1, channels)
        start += values
    return parts


DATASET = Dataset(
    name="mp_data",
    title=f"folders of MediaPipe frames: {_FORM}, isolated signs",
    obtain="your own recordings, or one of the many repositories with a folder MP_Data",
    licence="yours, or the repository's",
    files=(
        f"{_FORM}: 1662 values (pose, face, hands), 258 (pose, hands) or 126 (hands)",
        f"or <signer>/{_FORM}",
    ),
    prepare=prepare,
    options=(
        *mediapipe.options(0.1, 0.1, "640x480"),
        Option("order", "pose-face", "which part comes first", ("pose-face", "face-pose")),
        Option("signer", "", "who signs, if it is one person"),
        Option(
            "signers",
            (),
            "the signers' folders in PATH, each FOLDER or SIGNER=FOLDER (default: every folder, "
            "where the labels lie one folder deeper)",
        ),
        Option("dev_signers", (), "signers kept for dev, in place of the fractions"),
        Option("test_signers", (), "signers kept for test, in place of the fractions"),
    ),
)
