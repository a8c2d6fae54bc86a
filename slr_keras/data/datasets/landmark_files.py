"""Keypoint files of single recordings that state their layout and rate: `.npz` and `.pose`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.arrays import read_npz
from slr_keras.data.layout import layout
from slr_keras.data.pose_file import read_pose_clip
from slr_keras.text.eaf import EafDocument
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded
from slr_keras.utils.unicode import spelled

SUFFIXES = (".npz", ".pose")
_NEEDED = ("keypoints", "fps", "layout", "image_size")


@dataclass(frozen=True)
class LandmarkClip:
    """The keypoints of a recording, (frames, points, channels), and what their file states."""

    path: Path
    keypoints: np.ndarray
    layout: str
    fps: float
    image_size: tuple[float, float]


def read_landmarks(path: Path) -> LandmarkClip:
    """Read a keypoint file.

    Raises:
        UserError: the file is missing or damaged, or does not state layout, rate and image size.
    """
    if path.suffix == ".pose":
        pose = read_pose_clip(path)
        return LandmarkClip(path, pose.keypoints, pose.layout, pose.fps, pose.image_size)
    arrays = read_npz(path, _NEEDED)
    with guarded(path, "its fps, layout or image_size does not have the format of slr_keras"):
        width, height = (float(side) for side in arrays["image_size"])
        fps, name = float(arrays["fps"]), str(arrays["layout"])
    target, shape = layout(name), arrays["keypoints"].shape
    if len(shape) != 3 or shape[1:] != (len(target.points), len(target.channels)) or not shape[0]:
        raise UserError(f"{path}: keypoints have shape {shape}, not that of layout {name!r}")
    if not 0 < fps < 1000 or not (width > 0 and height > 0):
        raise UserError(f"{path}: {fps} frames a second of {width} x {height} cannot be")
    return LandmarkClip(path, arrays["keypoints"], name, fps, (width, height))


def landmark_file(document: EafDocument, folders: Sequence[Path]) -> tuple[Path, int]:
    """The keypoint file of a document, and the time of its start in the document's milliseconds.

    A file of the name of a linked medium begins with this medium; a file of the document's name
    begins with the first one.

    Returns:
        The path; and TIME_ORIGIN of the medium, which is added to times of the document.

    Raises:
        UserError: no file; lists the names that were looked for.
    """
    media = [(Path(medium.name).stem, medium.origin) for medium in document.media]
    origin = media[0][1] if media else 0
    for stem, start in [(document.path.stem, origin), *media]:
        for folder in folders:
            paths = (spelled(folder / f"{stem}{suffix}") for suffix in SUFFIXES)
            path = next((path for path in paths if stem and path.is_file()), None)
            if path is not None:
                return path, start
    names = ", ".join(dict.fromkeys(stem for stem, _ in [(document.path.stem, 0), *media]))
    raise UserError(
        f"{document.path}: no keypoints in {folders[-1]}: none of {names} with "
        f"{' or '.join(SUFFIXES)}; "
        "`slr extract` makes them from the recordings"
    )
