"""Three Indian signs with all 543 landmarks of MediaPipe Holistic, one person."""

from pathlib import Path

import numpy as np

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset

_FILE = "isl_3words.npz"
_POSE, _FACE = (mediapipe.POSE, 4), (mediapipe.FACE, 3)


def prepare(
    source: Path,
    folder: Path,
    dev_fraction: float = 0.2,
    test_fraction: float = 0.0,
    frame_size: str = "640x480",
    fps: float = 30.0,
) -> None:
    """Write the data folder of the three signs; the last recordings of every sign are dev.

    Args:
        source: folder of `isl_3words.npz`.
        folder: to write.
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera.

    Raises:
        UserError: the file is missing or malformed, or the fractions leave nothing to train on.
    """
    data = mediapipe.read_words(DATASET, source, _FILE, face=True)
    data["pose"], data["face"] = regroup(data["pose"], data["face"])
    mediapipe.write_recordings(folder, data, dev_fraction, test_fraction, frame_size, fps, "s01")


def regroup(pose: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correct the swapped pose and face of the packed file.

    The recordings hold the face before the pose, but the packed file was split as if the pose came
    first. Joined and split the other way round, the wrists of the pose lie on the hands.

    Args:
        pose: (N, T, 33, 4), in truth the first 132 values.
        face: (N, T, 468, 3), in truth the other 1404.

    Returns:
        pose (N, T, 33, 4) and face (N, T, 468, 3).
    """
    leading = pose.shape[:2]
    values = np.concatenate([pose.reshape(*leading, -1), face.reshape(*leading, -1)], axis=-1)
    first = _FACE[0] * _FACE[1]
    return (
        values[..., first:].reshape(*leading, *_POSE),
        values[..., :first].reshape(*leading, *_FACE),
    )


DATASET = Dataset(
    name="holistic_full_sample",
    title="3 isolated Indian signs, one signer, all 543 MediaPipe Holistic points",
    obtain="github.com/S4M0707/sign_lang_detection, packed into one file",
    licence="MIT",
    files=(
        f"{_FILE}: labels, index (N), pose (N, T, 33, 4), face (N, T, 468, 3), left_hand, "
        "right_hand (N, T, 21, 3)",
    ),
    prepare=prepare,
    options=mediapipe.options(0.2, 0.0, "640x480"),
)
