"""Read `.pose` files (library pose-format) in the package's layouts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.layout import layout
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install
from slr_keras.utils.files import guarded
from slr_keras.utils.limits import require_file

_HANDS = ("LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS")
_POSE, _FACE = "POSE_LANDMARKS", "FACE_LANDMARKS"
_MESH_START, _MESH_POINTS = 33, 468
_HAND_STARTS = {75: (33, 54), 543: (501, 522)}
# The points of a hand in both families: wrist, then thumb to little finger, root to tip.
_HAND_POINTS = 21
# OpenPose BODY_25 (without neck and middle of the hips) by the names of COCO-WholeBody.
_BODY_25 = {
    "Nose": "nose",
    "REye": "right_eye",
    "LEye": "left_eye",
    "REar": "right_ear",
    "LEar": "left_ear",
    **{
        f"{side[0]}{part}": f"{side.lower()}_{name}"
        for side in ("Right", "Left")
        for part, name in (
            ("Shoulder", "shoulder"),
            ("Elbow", "elbow"),
            ("Wrist", "wrist"),
            ("Hip", "hip"),
            ("Knee", "knee"),
            ("Ankle", "ankle"),
            ("BigToe", "big_toe"),
            ("SmallToe", "small_toe"),
            ("Heel", "heel"),
        )
    },
}
_OPENPOSE = ("pose_keypoints_2d", "face_keypoints_2d")
_OPENPOSE_HANDS = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
_COCO_FACE, _COCO_HANDS, _FACE_POINTS = 23, (91, 112), 68


@dataclass(frozen=True)
class PoseClip:
    """Content of a `.pose` file, in one of the package's layouts.

    Attributes:
        keypoints: (frames, points, channels) float32 as the layout says: pixels, y down; points
            that the file does not have, or the detector did not find, are zeros.
        layout: name of the layout.
        fps: frames a second.
        image_size: width and height in pixels.
    """

    keypoints: np.ndarray
    layout: str
    fps: float
    image_size: tuple[float, float]


def read_pose(path: str | Path) -> tuple[np.ndarray, str, float]:
    """Keypoints, layout and frame rate of a `.pose` file; see `read_pose_clip`.

    Returns:
        (frames, points, channels) float32 in pixels, y down; the layout's name; frames a second.

    Raises:
        UserError: see `read_pose_clip`.
    """
    clip = read_pose_clip(path)
    return clip.keypoints, clip.layout, clip.fps


def read_pose_clip(path: str | Path) -> PoseClip:
    """Read a `.pose` file of MediaPipe Holistic or OpenPose.

    MediaPipe with a face becomes `mediapipe_holistic_543`, without one `mediapipe_75`; OpenPose
    becomes `coco_wholebody_133`. Points go by the names in the file's header, so that reduced
    files (a few pose points, part of the face mesh) are read too. Of several people the one seen
    best is taken.

    Raises:
        UserError: the file cannot be read, is damaged, empty, or of another layout; the library
            pose-format is not installed.
    """
    path = Path(path)
    pose = _parse(path)
    with guarded(path, "damaged"):
        return _clip(pose, path)


def _clip(pose: Any, path: Path) -> PoseClip:
    components = {component.name: list(component.points) for component in pose.header.components}
    rows: dict[int, int]
    if _POSE in components and all(hand in components for hand in _HANDS):
        name = "mediapipe_holistic_543" if _FACE in components else "mediapipe_75"
        rows = _mediapipe_rows(components, name)
    elif all(part in components for part in _OPENPOSE + _OPENPOSE_HANDS):
        name = "coco_wholebody_133"
        rows = _openpose_rows(components)
    else:
        raise UserError(
            f"{path}: unknown keypoint layout with the components {', '.join(components)}; known "
            f"are MediaPipe Holistic ({_POSE} and both hands, {_FACE} or not) and OpenPose with "
            "face and hands"
        )
    dimensions = pose.header.dimensions
    target = layout(name)
    data, score = _best_person(pose, path)
    keypoints = np.zeros((len(data), len(target.points), len(target.channels)), np.float32)
    source, place = list(rows), list(rows.values())
    for channel, axis in enumerate(target.channels):
        if axis == "score":
            keypoints[:, place, channel] = score[:, source]
        elif "xyz".index(axis) < data.shape[-1]:
            keypoints[:, place, channel] = data[:, source, "xyz".index(axis)]
    detected = keypoints[..., target.channels.index("score")] > 0
    keypoints[~detected | ~np.isfinite(keypoints).all(-1)] = 0
    fps = float(pose.body.fps)
    if not (math.isfinite(fps) and fps > 0):
        raise UserError(f"{path}: its header says {fps} frames a second")
    return PoseClip(keypoints, name, fps, (float(dimensions.width), float(dimensions.height)))


def _parse(path: Path) -> Any:
    try:
        from pose_format import Pose
    except ImportError as error:
        raise UserError(
            f"{path}: reading .pose files needs the library pose-format; {install('pose')}"
        ) from error
    require_file(path)
    with guarded(path, "truncated, or not a .pose file"):
        pose = Pose.read(path.read_bytes())
        shape, confidence = pose.body.data.shape, pose.body.confidence.shape
        points = sum(len(component.points) for component in pose.header.components)
    if len(shape) != 4 or shape[:3] != confidence or shape[2] != points or shape[3] < 2:
        raise UserError(f"{path}: damaged: its data {shape} does not fit its header")
    if not shape[0] or not shape[1]:
        raise UserError(f"{path}: holds no frame, or nobody in it")
    return pose


def _best_person(pose: Any, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(frames, points, axes) and (frames, points) of the person seen best."""
    score = np.asarray(np.ma.filled(pose.body.confidence, 0), np.float32)
    data = np.ma.filled(np.ma.asarray(pose.body.data), np.nan).astype(np.float32)
    person = int(np.nansum(score, axis=(0, 2)).argmax())
    return data[:, person], np.nan_to_num(score[:, person])


def _offsets(components: Mapping[str, list[str]]) -> dict[str, int]:
    starts = np.cumsum([0, *(len(points) for points in components.values())])
    return dict(zip(components, starts.tolist()))


def _mediapipe_rows(components: Mapping[str, list[str]], name: str) -> dict[int, int]:
    """Row in the file → row in the layout."""
    target = layout(name)
    pose_rows = {point: row for row, point in enumerate(target.points[:_MESH_START])}
    offsets = _offsets(components)
    rows = {}
    for index, point in enumerate(components[_POSE]):
        if point.lower() in pose_rows:
            rows[offsets[_POSE] + index] = pose_rows[point.lower()]
    for index, point in enumerate(components.get(_FACE, ())):
        if point.isdecimal() and int(point) < _MESH_POINTS:
            rows[offsets[_FACE] + index] = _MESH_START + int(point)
    return rows | _hand_rows(components, _HANDS, _HAND_STARTS[len(target.points)])


def _openpose_rows(components: Mapping[str, list[str]]) -> dict[int, int]:
    """Row in the file → row in COCO-WholeBody."""
    target = {point: row for row, point in enumerate(layout("coco_wholebody_133").points)}
    offsets = _offsets(components)
    body, face = _OPENPOSE
    rows = {
        offsets[body] + index: target[_BODY_25[point]]
        for index, point in enumerate(components[body])
        if point in _BODY_25
    }
    # Both number the face as iBUG does; OpenPose adds the two pupils at the end.
    for index in range(min(len(components[face]), _FACE_POINTS)):
        rows[offsets[face] + index] = _COCO_FACE + index
    return rows | _hand_rows(components, _OPENPOSE_HANDS, _COCO_HANDS)


def _hand_rows(
    components: Mapping[str, list[str]], names: tuple[str, str], starts: tuple[int, int]
) -> dict[int, int]:
    offsets = _offsets(components)
    return {
        offsets[name] + index: start + index
        for name, start in zip(names, starts)
        for index in range(min(len(components[name]), _HAND_POINTS))
    }
