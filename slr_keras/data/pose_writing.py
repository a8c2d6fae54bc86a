"""Write `.pose` files (pose-format 0.2), which its viewer and `read_pose` read."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.data.pose_names import BODY_25, MEDIAPIPE_HAND, OPENPOSE_HAND
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write, file_name
from slr_keras.utils.published_folder import published_folder

#: Folder of the `.pose` files in a data folder.
FOLDER = "pose"
_VERSION = 0.2
_FACE, _COCO_FACE = 468, 68
Component = tuple[str, Sequence[str]]


def write_pose(
    path: str | Path,
    keypoints: np.ndarray,
    layout: KeypointLayout,
    fps: float,
    image_size: tuple[float, float],
) -> None:
    """Write the keypoints of one person, atomically.

    Args:
        path: of the file.
        keypoints: (frames, points, channels), in pixels, y down, as the layout describes them;
            points of score 0 are missing.
        layout: mediapipe_holistic_543, mediapipe_75 or coco_wholebody_133.
        fps: frames a second.
        image_size: width and height in pixels.

    Raises:
        UserError: another layout, or an image size that is not 1 to 65535 whole pixels.
    """
    components = _components(layout)
    width, height = (round(side) for side in image_size)
    if (width, height) != tuple(image_size) or not all(1 < s < 2**16 for s in (width, height)):
        raise UserError(f"{path}: .pose files have whole pixels; the image size is {image_size}")
    keypoints = np.asarray(keypoints, "<f4")
    axes = [n for n, channel in enumerate(layout.channels) if channel != "score"]
    score = np.clip(keypoints[..., layout.channels.index("score")], 0, None)
    missing = ~(np.isfinite(keypoints).all(-1) & (score > 0))
    data, score = keypoints[..., axes].copy(), score.copy()
    data[missing], score[missing] = 0, 0
    kind = "".join(layout.channels[n].upper() for n in axes) + "C"
    with atomic_write(path, "wb") as file:
        file.write(struct.pack("<fHHHH", _VERSION, width, height, 0, len(components)))
        for start, (name, points) in zip(_starts(components), components):
            file.write(_component(name, points, kind, _limbs(layout, start, len(points))))
        file.write(struct.pack("<fIH", fps, len(keypoints), 1))
        file.write(data.tobytes() + score.tobytes())


def write_pose_folder(folder: Path) -> int:
    """Write `pose/SPLIT/ID.pose` for every clip of a data folder of keypoints.

    The folder `pose` appears complete, and holds nothing of earlier data.

    Returns:
        The number of files.

    Raises:
        UserError: see `write_pose`; y grows up.
    """
    from slr_keras.data.manifest import read_folder

    count = 0
    splits = read_folder(folder)
    with published_folder(folder / FOLDER, lambda name: False) as fresh:
        for split, manifest in splits.items():
            rules = manifest.contract
            if rules.y_axis != "down":
                raise UserError(f"{folder}: y grows up; in .pose files, y grows down")
            for sample in manifest:
                *places, last = [file_name(part) for part in sample.id.split("/") if part] or ["%"]
                path = fresh.joinpath(split, *places, f"{last}.pose")
                points, rate = manifest.load(sample), manifest.rate(sample)
                write_pose(path, points, rules.source, rate, rules.image_size)
                count += 1
    return count


def _components(layout: KeypointLayout) -> list[Component]:
    """Components in the order of the layout's points."""
    hands = ("LEFT_HAND_LANDMARKS", MEDIAPIPE_HAND), ("RIGHT_HAND_LANDMARKS", MEDIAPIPE_HAND)
    pose = "POSE_LANDMARKS", [point.upper() for point in layout.points[:33]]
    if layout.name == "mediapipe_75":
        return [pose, *hands]
    if layout.name == "mediapipe_holistic_543":
        return [pose, ("FACE_LANDMARKS", [str(number) for number in range(_FACE)]), *hands]
    if layout.name == "coco_wholebody_133":
        names = {point: name for name, point in BODY_25.items()}
        return [
            ("pose_keypoints_2d", [names[point] for point in layout.points[:23]]),
            ("face_keypoints_2d", [f"FB_{number}" for number in range(_COCO_FACE)]),
            ("hand_left_keypoints_2d", OPENPOSE_HAND),
            ("hand_right_keypoints_2d", OPENPOSE_HAND),
        ]
    raise UserError(
        f"layout {layout.name!r} has no form in .pose files; mediapipe_holistic_543, mediapipe_75 "
        "and coco_wholebody_133 have one"
    )


def _starts(components: Sequence[Component]) -> Iterator[int]:
    start = 0
    for _, points in components:
        yield start
        start += len(points)


def _limbs(layout: KeypointLayout, start: int, count: int) -> list[tuple[int, int]]:
    """Edges between points of one component, which the viewer draws."""
    row = {point: number - start for number, point in enumerate(layout.points)}
    pairs = [(row[a], row[b]) for a, b in layout.edges]
    return [(a, b) for a, b in pairs if 0 <= a < count and 0 <= b < count]


def _component(
    name: str, points: Sequence[str], kind: str, limbs: Sequence[tuple[int, int]]
) -> bytes:
    parts = [_text(name), _text(kind), struct.pack("<HHH", len(points), len(limbs), 1)]
    parts += map(_text, points)
    parts += [struct.pack("<HH", *limb) for limb in limbs]
    return b"".join([*parts, struct.pack("<HHH", 0, 128, 255)])


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text.encode())) + text.encode()
