"""The public sample of MSL-150: five Mexican signs (MediaPipe upper body and hands)."""

from pathlib import Path

from slr_keras.data.datasets import mediapipe
from slr_keras.data.datasets.base import Dataset, read_npz
from slr_keras.data.datasets.splits import by_order

_FILE = "sample.npz"
# 25 points of the upper body with visibility, left hand, right hand.
_BODY, _HAND, _FEATURES = 25 * 4, 21 * 3, 226


def prepare(
    source: Path,
    folder: Path,
    dev_share: float = 0.2,
    test_share: float = 0.0,
    frame_size: str = "1280x720",
    fps: float = 30.0,
) -> None:
    """Write the data folder of the sample; the last recordings of every sign are dev.

    Args:
        source: folder of `sample.npz`.
        folder: to write.
        dev_share, test_share: shares of each label's recordings.
        frame_size, fps: of the camera; the sample's videos have 1280x720 at 30.

    Raises:
        UserError: the file is missing or malformed, or the shares are no shares.
    """
    DATASET.require(source, _FILE)
    shapes = {"labels": (None,), "index": (None,), "frames": (None, None, _FEATURES)}
    data = read_npz(source / _FILE, shapes)
    labels, frames = data["labels"], data["frames"]
    leading = frames.shape[:2]
    pose = frames[..., :_BODY].reshape(*leading, -1, 4)
    left = frames[..., _BODY : _BODY + _HAND].reshape(*leading, -1, 3)
    right = frames[..., _BODY + _HAND :].reshape(*leading, -1, 3)
    mediapipe.write_words(
        folder,
        mediapipe.holistic_contract("mediapipe_75", frame_size, fps),
        mediapipe.numbered(labels, data["index"].tolist()),
        labels,
        by_order(labels, data["index"], dev_share, test_share),
        mediapipe.assemble(frame_size, left, right, pose),
        [""] * len(labels),
    )


DATASET = Dataset(
    name="msl150_sample",
    title="MSL-150, public sample: 5 isolated Mexican signs, upper body and hands",
    obtain="github.com/armandobecerril/MSL-150-Dataset (data/sample_npy), packed into one file; "
    "cite doi 10.5281/zenodo.17783312",
    licence="MIT",
    files=(f"{_FILE}: labels, index (N), frames (N, T, {_FEATURES})",),
    prepare=prepare,
    options=(
        *mediapipe.shares(0.2, 0.0),
        mediapipe.frame_size_option("1280x720"),
        mediapipe.FPS,
    ),
)
