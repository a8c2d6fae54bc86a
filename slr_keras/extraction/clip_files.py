"""One file of keypoints per clip, with a record of how it was made.

An `.npz` of the arrays `keypoints` (frames, 543, 4) float32 in pixels, `fps`, `image_size` (width,
height), `layout`, and `record`: JSON of the settings and the SHA-256 of the pictures. `predict`,
`view` and `prepare npz` read it. It is written atomically.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.arrays import read_npz
from slr_keras.extraction.settings import CHANNELS, LAYOUT, POINTS
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_path, file_name, guarded


def clip_file(folder: Path, name: str) -> Path:
    """Path of a clip's keypoints: its id, in which "/" separates folders.

    >>> from pathlib import Path
    >>> from slr_keras.extraction.clip_files import clip_file
    >>> clip_file(Path("clips"), "monday/1").as_posix(), clip_file(Path("clips"), "../a").as_posix()
    ('clips/monday/1.npz', 'clips/%2E./a.npz')
    """
    *folders, last = [file_name(part) for part in name.split("/") if part] or ["%"]
    return folder.joinpath(*folders, f"{last}.npz")


def write_clip(
    path: Path,
    points: Iterable[np.ndarray],
    fps: float,
    image_size: Any,
    record: Mapping[str, Any],
) -> int:
    """Write a clip's keypoints, atomically, without holding all of them in memory.

    Args:
        path: of the file.
        points: (543, 4) float32 for each frame; if the iterator raises, nothing is written.
        fps: frames a second.
        image_size: called after the last frame; returns (width, height) of the pictures.
        record: settings and digest of the pictures; `is_made` compares them.

    Returns:
        The number of frames.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent) as raw:
        frames = 0
        for frame in points:
            raw.write(np.ascontiguousarray(frame, "<f4").tobytes())
            frames += 1
        raw.flush()
        keypoints = np.memmap(raw, "<f4", "r", shape=(frames, POINTS, CHANNELS))
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(
                file,
                keypoints=keypoints,
                fps=np.float64(fps),
                image_size=np.array(image_size(), np.float64),
                layout=np.array(LAYOUT),
                record=np.array(json.dumps(record)),
            )
        return frames


def is_made(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a clip's file exists, is complete, and has the given record."""
    try:
        with guarded(path, "damaged"):
            # The check sums of all entries: damage may lie behind the record.
            with zipfile.ZipFile(path) as file:
                if file.testzip() is not None:
                    return False
            return json.loads(str(read_npz(path, ("record",))["record"])) == record
    except UserError:
        return False


def read_clip_file(path: Path) -> tuple[np.ndarray, tuple[float, float]]:
    """(frames, 543, 4) float32 and (width, height) of a file of `write_clip`.

    Raises:
        UserError: the file is missing or damaged.
    """
    damaged = ("damaged", "extract the clip again")
    arrays = read_npz(path, ("keypoints", "image_size"), (), *damaged)
    with guarded(path, *damaged):
        width, height = arrays["image_size"]
        return arrays["keypoints"], (float(width), float(height))
