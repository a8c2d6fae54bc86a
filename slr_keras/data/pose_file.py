"""Read `.pose` files (library pose-format) in the package's layouts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.layout import layout
from slr_keras.data.pose_names import BODY_25, HAND, point_numbers
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install
from slr_keras.utils.files import guarded
from slr_keras.utils.limits import require_file

_HANDS = ("LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS")
_POSE, _FACE = "POSE_LANDMARKS", "FACE_LANDMARKS"
_MESH_START, _MESH_POINTS = 33, 468
_HAND_POINTS = 21
_HAND_STARTS = {75: (33, 54), 543: (501, 522)}
# MediaPipe may add the irises to the mesh, OpenPose the pupils to the face.
_WITH_IRISES, _WITH_PUPILS = 478, 70
_WORLD = "_WORLD_LANDMARKS"
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
    files (a few pose points, finger tips, part of the face mesh) are read too. Of several people
    the one seen best is taken.

    Raises:
        UserError: the file cannot be read, is damaged, empty, of another layout, or has a component
            or point of an unknown name; the library pose-format is not installed.
    """
    path = Path(path)
    pose = _parse(path)
    with guarded(path, "damaged"):
        return _clip(pose, path)


def _clip(pose: Any, path: Path) -> PoseClip:
    components = {component.name: list(component.points) for component in pose.header.components}
    if len(components) < len(pose.header.components):
        raise UserError(f"{path}: two components have one name: {', '.join(components)}")
    rows: dict[int, int]
    if _POSE in components and all(hand in components for hand in _HANDS):
        name = "mediapipe_holistic_543" if _FACE in components else "mediapipe_75"
        rows = _mediapipe_rows(components, name, path)
    elif all(part in components for part in _OPENPOSE + _OPENPOSE_HANDS):
        name = "coco_wholebody_133"
        rows = _openpose_rows(components, path)
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


def _mediapipe_rows(components: Mapping[str, list[str]], name: str, path: Path) -> dict[int, int]:
    """Row in the file → row in the layout."""
    target = layout(name)
    pose = {point.upper(): row for row, point in enumerate(target.points[:_MESH_START])}
    rows = _Rows(components, path)
    rows.add(_POSE, pose, 0, _MESH_START)
    if _FACE in components:
        rows.add(_FACE, {}, _MESH_START, _MESH_POINTS, _WITH_IRISES)
    for hand, start in zip(_HANDS, _HAND_STARTS[len(target.points)]):
        rows.add(hand, HAND, start, _HAND_POINTS, _HAND_POINTS)
    return rows.complete()


def _openpose_rows(components: Mapping[str, list[str]], path: Path) -> dict[int, int]:
    """Row in the file → row in COCO-WholeBody."""
    target = {point: row for row, point in enumerate(layout("coco_wholebody_133").points)}
    body, face = _OPENPOSE
    rows = _Rows(components, path)
    rows.add(body, {name: target.get(point) for name, point in BODY_25.items()}, 0, _COCO_FACE)
    # Both number the face as iBUG does.
    rows.add(face, {}, _COCO_FACE, _FACE_POINTS, _WITH_PUPILS)
    for hand, start in zip(_OPENPOSE_HANDS, _COCO_HANDS):
        rows.add(hand, HAND, start, _HAND_POINTS, _HAND_POINTS)
    return rows.complete()


class _Rows:
    """Row in the file → row in the layout, of one component after the other."""

    def __init__(self, components: Mapping[str, list[str]], path: Path):
        self.components = components
        self.path = path
        starts = np.cumsum([0, *(len(points) for points in components.values())])
        self._offsets = dict(zip(components, starts.tolist()))
        self._added: set[str] = set()
        self._rows: dict[int, int] = {}

    def add(
        self, name: str, names: Mapping[str, int | None], start: int, size: int, numbered: int = 0
    ) -> None:
        """Place a component from row `start`; numbers from `size` have no place in the layout."""
        where = f"{self.path}: {name}"
        for index, number in enumerate(
            point_numbers(where, self.components[name], names, numbered)
        ):
            if number is not None and number < size:
                self._rows[self._offsets[name] + index] = start + number
        self._added.add(name)

    def complete(self) -> dict[int, int]:
        """All rows.

        Raises:
            UserError: a component was not placed and is not known to be superfluous.
        """
        for name in self.components:
            # Coordinates in metres of the points of another component.
            if name not in self._added and not name.endswith(_WORLD):
                raise UserError(f"{self.path}: unknown component {name!r}; remove it from the file")
        return self._rows
