"""KSL-13: 13 Korean signs in recording sessions (MediaPipe pose and hands)."""

from itertools import chain
from pathlib import Path

import numpy as np

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.held_out import given_file, require_apart, require_new
from slr_keras.data.datasets.splits import by_order, by_signer
from slr_keras.utils.errors import UserError

_FILE = "words.npz"
_FOLD = "s3"
_NONE = "none"


def prepare(
    source: Path,
    folder: Path,
    fold: str = _FOLD,
    test_session: str = "",
    dev_session: str = "",
    session_file: str = "",
    dev_fraction: float = 0.1,
    frame_size: str = "640x480",
    fps: float = 30.0,
) -> None:
    """Write the data folder of KSL-13: a session is test, one may be dev, the others are train.

    The manifest names the session as signer: the set does not name signers, and the test session is
    unseen in training. With `dev_session`, so is dev; without it, dev has the last recordings of
    the training sessions, and says little about a new session.

    Args:
        source: folder of `words.npz`.
        folder: to write.
        fold: the test session, unless `test_session` is given.
        test_session: the test session; "none": there is no test split.
        dev_session: the session that is dev as a whole.
        session_file: a second file of the same arrays, with other sessions; without an array
            `session`, it is one session, called as the file.
        dev_fraction: without `dev_session`: fraction of each label's recordings of the training
            sessions, their last ones.
        frame_size, fps: of the camera.

    Raises:
        UserError: a file is missing or malformed, or a session unknown; lists the known ones.
    """
    test = () if test_session == _NONE else (test_session or fold,)
    if test_session and fold not in (_FOLD, test_session):
        raise UserError(f"--fold {fold} and --test-session {test_session}: name one session")
    files = _read(source, session_file)
    sessions, labels, index = (
        np.concatenate([data[name] for data in files]) for name in ("session", "labels", "index")
    )
    dev = (dev_session,) if dev_session else ()
    try:
        splits = np.array(by_signer(sessions.tolist(), dev, test, "session"))
        known = splits == "train"
        if dev_fraction and not dev:
            # Within a session: the sessions differ in length.
            blocks = np.char.add(np.char.add(labels[known], " "), sessions[known])
            splits[known] = by_order(blocks, index[known], dev_fraction, 0)
    except UserError as error:
        raise UserError(f"{source / _FILE}: {error}") from None
    mediapipe.write_words(
        folder,
        mediapipe.holistic_contract("mediapipe_75", frame_size, fps),
        mediapipe.numbered(labels, sessions.tolist(), index.tolist()),
        labels,
        splits,
        chain.from_iterable(mediapipe.assembled(data, frame_size) for data in files),
        sessions.tolist(),
    )


def _read(source: Path, session_file: str) -> list[dict[str, np.ndarray]]:
    """The arrays of `words.npz` and, where it is given, of the file of another session."""
    files = [mediapipe.read_words(DATASET, source, _FILE, "session")]
    if session_file:
        path = given_file(source, session_file, "--session-file")
        more = mediapipe.read_file(path, optional=("session",))
        more.setdefault("session", np.full(len(more["labels"]), path.stem))
        require_apart(path, more["session"].tolist(), files[0]["session"].tolist(), "session")
        require_new(path, mediapipe.recorded(more), mediapipe.recorded(files[0]))
        files.append(more)
    return files


DATASET = Dataset(
    name="ksl13",
    title="KSL-13: 13 isolated Korean signs, 4 or 5 sessions, 75 MediaPipe points",
    obtain="github.com/yunlisa96/hand-sign-recognition (MP_Data, MP_Data1, ...), packed into one "
    "file; the folders themselves are read by mp_data",
    licence="Apache-2.0",
    files=(
        f"{_FILE}: labels, session, index (N), pose (N, T, 33, 4), left_hand and right_hand "
        "(N, T, 21, 3)",
        "with --session-file: a file of the same arrays, session optional",
    ),
    prepare=prepare,
    options=(
        Option(
            "fold",
            _FOLD,
            "session kept for test (leave one session out); its dev clips come from the training "
            "sessions, so that their score says little about a new session: prefer --test-session "
            f"with --dev-session (default: {_FOLD})",
        ),
        Option("test_session", "", "session kept for test, in place of --fold; none: no test"),
        Option(
            "dev_session",
            "",
            "session kept for dev as a whole, in place of --dev-fraction (nested leave one session "
            "out)",
        ),
        Option(
            "session_file",
            "",
            "second file of the same arrays with other sessions, such as s4.npz (inside PATH, or a "
            "path); without an array session, its name is the session",
        ),
        Option(
            "dev_fraction",
            0.1,
            "without --dev-session: fraction of each label's recordings of the training sessions "
            "for dev, their last ones",
        ),
        mediapipe.frame_size_option("640x480"),
        mediapipe.FPS,
    ),
)
