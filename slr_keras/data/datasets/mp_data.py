"""The folder layout of many MediaPipe recordings: `<label>/<recording>/<frame>.npy`.

A widely copied tutorial stores one vector a frame: pose (33 x 4), face (468 x 3), left and right
hand (21 x 3 each), or the same without face, or the hands alone.
"""

from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_array
from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.splits import by_order
from slr_keras.utils.errors import UserError

_POSE, _FACE, _HAND = mediapipe.POSE * 4, mediapipe.FACE * 3, mediapipe.HAND * 3
_KNOWN = {
    _POSE + _FACE + 2 * _HAND: ("pose", "face"),
    _POSE + 2 * _HAND: ("pose",),
    2 * _HAND: (),
}


def prepare(
    source: Path,
    folder: Path,
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
    order: str = "pose-face",
    signer: str = "",
) -> None:
    """Write the data folder of a folder `<label>/<recording>/<frame>.npy`.

    Args:
        source: the folder of the labels.
        folder: to write.
        dev_fraction, test_fraction: fractions of each label's recordings, the last ones by number.
        frame_size, fps: of the camera.
        order: "pose-face" as in the tutorial, or "face-pose", as some recordings have it.
        signer: who signs, if it is one person.

    Raises:
        UserError: the folder has another form, a recording lacks frames, or a frame has another
            number of values than the first.
    """
    recordings = [
        (label.name, recording)
        for label in _folders(source)
        for recording in sorted(_folders(label), key=_order)
        if any(recording.glob("*.npy"))
    ]
    if not recordings:
        raise DATASET.missing(source, ["<label>/<recording>/<frame>.npy"])
    labels = [label for label, _ in recordings]
    first = _read(recordings[0][1])
    values = first.shape[-1]
    if values not in _KNOWN:
        known = ", ".join(str(size) for size in _KNOWN)
        raise UserError(f"{recordings[0][1]}: {values} values a frame; known are {known}")
    recorded = _KNOWN[values] if order == "pose-face" else _KNOWN[values][::-1]
    layout = "mediapipe_holistic_543" if "face" in recorded else "mediapipe_75"
    splits = by_order(
        labels, [_order(path)[0] for _, path in recordings], dev_fraction, test_fraction
    )

    def clips():
        for _, recording in recordings:
            frames = _read(recording)
            if frames.shape[-1] != values:
                raise UserError(
                    f"{recording}: {frames.shape[-1]} values a frame where the first recording "
                    f"has {values}"
                )
            yield mediapipe.assemble(frame_size, **_parts(frames, recorded))

    mediapipe.write_words(
        folder,
        mediapipe.holistic_contract(layout, frame_size, fps),
        [f"{label}/{recording.name}" for label, recording in recordings],
        labels,
        splits,
        clips(),
        [signer] * len(labels),
    )


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DATASET.missing(folder, ["<label>/<recording>/<frame>.npy"])
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _order(path: Path) -> tuple[int, str]:
    """Numbered names by their number, others behind them."""
    return (int(path.stem), "") if path.stem.isdecimal() else (1 << 60, path.name)


def _read(recording: Path) -> np.ndarray:
    """(frames, values); frame numbers must have no hole."""
    files = sorted(recording.glob("*.npy"), key=_order)
    numbers = [_order(file)[0] for file in files]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UserError(f"{recording}: its frames are not numbered without a hole")
    frames = [read_array(file).ravel() for file in files]
    for file, frame in zip(files, frames):
        if len(frame) != len(frames[0]):
            raise UserError(f"{file}: {len(frame)} values, but {files[0].name} {len(frames[0])}")
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
    title="folders of MediaPipe frames: <label>/<recording>/<frame>.npy, isolated signs",
    obtain="your own recordings, or one of the many repositories with a folder MP_Data",
    licence="yours, or the repository's",
    files=(
        "<label>/<recording>/<frame>.npy: 1662 values (pose, face, hands), 258 (pose, hands) or "
        "126 (hands)",
    ),
    prepare=prepare,
    options=(
        *mediapipe.options(0.1, 0.1, "640x480"),
        Option("order", "pose-face", "which part comes first", ("pose-face", "face-pose")),
        Option("signer", "", "who signs, if it is one person"),
    ),
)
