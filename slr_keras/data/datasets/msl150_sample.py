"""The public sample of MSL-150: five Mexican signs (MediaPipe upper body and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, read_npz

_FILE = "sample.npz"
# 25 points of the upper body with visibility, left hand, right hand.
_BODY, _HAND, _FEATURES = 25 * 4, 21 * 3, 226


def prepare(
    source: Path,
    folder: Path,
    dev_fraction: float = 0.2,
    test_fraction: float = 0.0,
    frame_size: str = "1280x720",
    fps: float = 30.0,
) -> None:
    """Write the data folder of the sample; the last recordings of every sign are dev.

    Args:
        source: folder of `sample.npz`.
        folder: to write.
        dev_fraction, test_fraction: fractions of each label's recordings.
        frame_size, fps: of the camera; the sample's videos have 1280x720 at 30.

    Raises:
        UserError: the file is missing or malformed, or the fractions leave nothing to train on.
    """
    DATASET.require(source, _FILE)
    shapes = {"labels": (None,), "index": (None,), "frames": (None, None, _FEATURES)}
    data = read_npz(source / _FILE, shapes)
    frames = data["frames"]
    leading = frames.shape[:2]
    data["pose"] = frames[..., :_BODY].reshape(*leading, -1, 4)
    data["left_hand"] = frames[..., _BODY : _BODY + _HAND].reshape(*leading, -1, 3)
    data["right_hand"] = frames[..., _BODY + _HAND :].reshape(*leading, -1, 3)
    mediapipe.write_recordings(folder, data, dev_fraction, test_fraction, frame_size, fps)


DATASET = Dataset(
    name="msl150_sample",
    title="MSL-150, public sample: 5 isolated Mexican signs, upper body and hands",
    obtain="github.com/armandobecerril/MSL-150-Dataset (data/sample_npy), packed into one file; "
    "cite doi 10.5281/zenodo.17783312",
    licence="MIT",
    files=(f"{_FILE}: labels, index (N), frames (N, T, {_FEATURES})",),
    prepare=prepare,
    options=mediapipe.options(0.2, 0.0, "1280x720"),
)
