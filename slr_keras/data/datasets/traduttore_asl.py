"""Traduttore ASL: words and letters of American Sign Language (MediaPipe pose and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.held_out import given_file, require_new


def prepare(
    source: Path,
    folder: Path,
    part: str = "words",
    dev_fraction: float = 0.1,
    test_fraction: float = 0.1,
    frame_size: str = "1280x720",
    fps: float = 30.0,
    dev_gap: float = 0.0,
    test_file: str = "",
) -> None:
    """Write the data folder of Traduttore's words, or of its letters (hands alone).

    Three people sign, but it is not recorded who; recordings lie in blocks, so the last ones of
    every label are kept for dev and test: in order of `index`, the first are train, the next dev,
    the last test. Neighbouring recordings are alike, and dev begins where train ends; `dev_gap`
    puts recordings between them that are in no split, as dev lies between train and test.

    Args:
        source: folder of `words.npz` and `letters.npz`.
        folder: to write.
        part: "words" or "letters".
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera.
        dev_gap: fraction of each label's recordings that is left out between train and dev; test
            stays the same.
        test_file: file of the same arrays that becomes test; dev is then the last recordings of
            `words.npz`, and train all those before it.

    Raises:
        UserError: a file is missing or malformed, the fractions leave nothing to train on, or the
            test file repeats clips.
    """
    pose = part == "words"
    data = mediapipe.read_words(DATASET, source, f"{part}.npz", pose=pose)
    held_out = None
    if test_file:
        path = given_file(source, test_file, "--test-file")
        held_out = mediapipe.read_file(path, pose=pose)
        require_new(path, mediapipe.recorded(held_out), mediapipe.recorded(data))
    mediapipe.write_recordings(
        folder,
        data,
        dev_fraction,
        test_fraction,
        frame_size,
        fps,
        dev_gap=dev_gap,
        held_out=held_out,
    )


DATASET = Dataset(
    name="traduttore_asl",
    title="Traduttore: isolated American signs (33 words and letters, or 28 letters), 75 points",
    obtain="github.com/traduttore/traduttore-model (MP_Data, LETTER_Data), packed into one file a "
    "part; the folders themselves are read by mp_data",
    licence="MIT",
    files=(
        "words.npz: labels, index (N), pose (N, T, 33, 4), left_hand, right_hand (N, T, 21, 3)",
        "letters.npz: the same without pose",
        "with --test-file: a file of the same arrays",
    ),
    prepare=prepare,
    options=(
        Option("part", "words", "which of the two files", ("words", "letters")),
        *mediapipe.options(0.1, 0.1, "1280x720"),
        Option(
            "dev_gap",
            0.0,
            "fraction of each label's recordings left out between train and dev, which are else "
            "neighbours in time; test stays the same",
        ),
        Option(
            "test_file",
            "",
            "held-out file of the same arrays, such as words_test.npz (inside PATH, or a path): "
            "the test split, in place of --test-fraction",
        ),
    ),
)
