"""KSL-13: 13 Korean signs in four recording sessions (MediaPipe pose and hands)."""

from pathlib import Path

import numpy as np

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.splits import by_order, by_signer
from slr_keras.utils.errors import UserError

_FILE = "words.npz"
_SESSIONS = ("s0", "s1", "s2", "s3")


def prepare(
    source: Path,
    folder: Path,
    fold: str = "s3",
    dev_fraction: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
) -> None:
    """Write the data folder of KSL-13: one session is the test, the others train and dev.

    The manifest names the session as signer: the set does not name signers, and the test session is
    unseen in training.

    Args:
        source: folder of `words.npz`.
        folder: to write.
        fold: the session left out, "s0" to "s3".
        dev_fraction: fraction of each label's recordings of the other sessions, their last ones.
        frame_size, fps: of the camera.

    Raises:
        UserError: the file is missing or malformed, or the session unknown.
    """
    data = mediapipe.read_words(DATASET, source, _FILE, "session")
    sessions, labels = data["session"], data["labels"]
    splits = np.array(by_signer(sessions.tolist(), dev=(), test=(fold,)))
    known = splits == "train"
    if dev_fraction:
        # Within a session: the sessions differ in length.
        blocks = np.char.add(np.char.add(labels[known], " "), sessions[known])
        try:
            splits[known] = by_order(blocks, data["index"][known], dev_fraction, 0)
        except UserError as error:
            raise UserError(f"{source / _FILE}: {error}") from None
    clips = mediapipe.assemble(frame_size, data["left_hand"], data["right_hand"], data["pose"])
    mediapipe.write_words(
        folder,
        mediapipe.holistic_contract("mediapipe_75", frame_size, fps),
        mediapipe.numbered(labels, sessions.tolist(), data["index"].tolist()),
        labels,
        splits,
        clips,
        sessions.tolist(),
    )


DATASET = Dataset(
    name="ksl13",
    title="KSL-13: 13 isolated Korean signs, 4 sessions, 75 MediaPipe points",
    obtain="github.com/yunlisa96/hand-sign-recognition (MP_Data, MP_Data1, MP_Data2, MP_Data3), "
    "packed into one file; the folders themselves are read by mp_data",
    licence="Apache-2.0",
    files=(
        f"{_FILE}: labels, session, index (N), pose (N, T, 33, 4), left_hand and right_hand "
        "(N, T, 21, 3)",
    ),
    prepare=prepare,
    options=(
        Option("fold", "s3", "session kept for test (leave one session out)", _SESSIONS),
        Option("dev_fraction", 0.1, "fraction of each label's recordings for dev, their last ones"),
        mediapipe.frame_size_option("640x480"),
        mediapipe.FPS,
    ),
)
