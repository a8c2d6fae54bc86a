"""Traduttore ASL: words and letters of American Sign Language (MediaPipe pose and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option


def prepare(
    source: Path,
    folder: Path,
    part: str = "words",
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    frame_size: str = "1280x720",
    fps: float = 30.0,
) -> None:
    """Write the data folder of Traduttore's words, or of its letters (hands alone).

    Three people sign, but it is not recorded who; recordings lie in blocks, so the last ones of
    every label are kept for dev and test.

    Args:
        source: folder of `words.npz` and `letters.npz`.
        folder: to write.
        part: "words" or "letters".
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera.

    Raises:
        UserError: the file is missing or malformed, or the fractions leave nothing to train on.
    """
    data = mediapipe.read_words(DATASET, source, f"{part}.npz", pose=part == "words")
    mediapipe.write_recordings(folder, data, dev_fraction, test_fraction, frame_size, fps)


DATASET = Dataset(
    name="traduttore_asl",
    title="Traduttore: isolated American signs (33 words and letters, or 28 letters), 75 points",
    obtain="github.com/traduttore/traduttore-model (MP_Data, LETTER_Data), packed into one file a "
    "part; the folders themselves are read by mp_data",
    licence="MIT",
    files=(
        "words.npz: labels, index (N), pose (N, T, 33, 4), left_hand, right_hand (N, T, 21, 3)",
        "letters.npz: the same without pose",
    ),
    prepare=prepare,
    options=(
        Option("part", "words", "which of the two files", ("words", "letters")),
        *mediapipe.options(0.1, 0.1, "1280x720"),
    ),
)
