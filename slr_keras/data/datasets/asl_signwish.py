"""SignWish: 11 words of American Sign Language, one person (MediaPipe pose and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset
from slr_keras.data.datasets.splits import by_order

_FILE = "words.npz"


def prepare(
    source: Path,
    folder: Path,
    dev_share: float = 0.1,
    test_share: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
) -> None:
    """Write the data folder of SignWish; the last recordings of every word are dev and test.

    Args:
        source: folder of `words.npz`.
        folder: to write.
        dev_share, test_share: shares of each label's recordings.
        frame_size, fps: of the camera.

    Raises:
        UserError: the file is missing or malformed, or the shares are no shares.
    """
    data = mediapipe.read_words(DATASET, source, _FILE)
    labels = data["labels"]
    mediapipe.write_words(
        folder,
        mediapipe.holistic_contract("mediapipe_75", frame_size, fps),
        mediapipe.numbered(labels, data["index"].tolist()),
        labels,
        by_order(labels, data["index"], dev_share, test_share),
        mediapipe.assemble(frame_size, data["left_hand"], data["right_hand"], data["pose"]),
        ["s01"] * len(labels),
    )


DATASET = Dataset(
    name="asl_signwish",
    title="SignWish: 11 isolated American signs, one signer, 75 MediaPipe points",
    obtain="github.com/tamtridung/ASL_SignWish (MP_Data), packed into one file; the folder itself "
    "is read by mp_data",
    licence="MIT",
    files=(f"{_FILE}: labels, index (N), pose (N, T, 33, 4), left_hand, right_hand (N, T, 21, 3)",),
    prepare=prepare,
    options=(
        *mediapipe.shares(0.1, 0.1),
        mediapipe.frame_size_option("640x480"),
        mediapipe.FPS,
    ),
)
