"""SignWish: 11 words of American Sign Language, one person (MediaPipe pose and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset

_FILE = "words.npz"


def prepare(
    source: Path,
    folder: Path,
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
) -> None:
    """Write the data folder of SignWish; the last recordings of every word are dev and test.

    Args:
        source: folder of `words.npz`.
        folder: to write.
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera.

    Raises:
        UserError: the file is missing or malformed, or the fractions leave nothing to train on.
    """
    data = mediapipe.read_words(DATASET, source, _FILE)
    mediapipe.write_recordings(folder, data, dev_fraction, test_fraction, frame_size, fps, "s01")


DATASET = Dataset(
    name="asl_signwish",
    title="SignWish: 11 isolated American signs, one signer, 75 MediaPipe points",
    obtain="github.com/tamtridung/ASL_SignWish (MP_Data), packed into one file; the folder itself "
    "is read by mp_data",
    licence="MIT",
    files=(f"{_FILE}: labels, index (N), pose (N, T, 33, 4), left_hand, right_hand (N, T, 21, 3)",),
    prepare=prepare,
    options=mediapipe.options(0.1, 0.1, "640x480"),
)
