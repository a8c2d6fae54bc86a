"""Fields of the keypoint contract: defaults by layout, checks, conversion to plain types."""

import contextlib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from slr_keras.data.layout import STREAMS, KeypointLayout
from slr_keras.utils.errors import UserError

CHANNELS = (("x", "y", "score"), ("x", "y", "z", "score"))
_SHOULDERS = ("left_shoulder", "right_shoulder")
_READY_MADE: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "coco_wholebody_133": {"image_size": (210, 260), "root": _SHOULDERS},
        "stark_79": {"image_size": (210, 260), "root": _SHOULDERS},
        "mediapipe_holistic_543": {"root": _SHOULDERS, "channels": ("x", "y", "score")},
        "mediapipe_75": {"root": _SHOULDERS, "channels": ("x", "y", "score")},
        "kinect_20": {
            "y_axis": "up",
            "normalisation": "body",
            "root": ("shoulder_left", "shoulder_right"),
            "fps": 30.0,
            "zero_is_missing": False,
        },
        "boston_3": {
            "image_size": (312, 242),
            "root": ("nose",),
            "scale": ("left_hand", "right_hand"),
            "fps": 30.0,
        },
        "openpose_50": {
            "normalisation": "body",
            "root": _SHOULDERS,
            # The origin is the neck, whose coordinates are therefore zero in every frame.
            "zero_is_missing": False,
        },
    }
)


def default_fields(
    source: KeypointLayout, name: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Default fields of a layout's contract, replaced by the overrides."""
    points = source.streams["body"]
    row = {point: index for index, point in enumerate(points)}
    fields: dict[str, Any] = {
        "points": points,
        "indices": source.indices(points),
        "streams": {
            stream: tuple(row[point] for point in names) for stream, names in source.streams.items()
        },
        "channels": (*(channel for channel in source.channels if channel != "score"), "score"),
        "image_size": (1, 1),
        "y_axis": "down",
        "normalisation": "image",
        "root": points[:1],
        "score_threshold": 0.1,
        "max_gap": 12,
        "fps": 25.0,
        "mirror": tuple(row[source.mirror[point]] for point in points),
    }
    fields |= _READY_MADE.get(name, {})
    fields |= overrides
    root = tuple(fields["root"])
    fields.setdefault("scale", root if len(root) == 2 else (points[0], points[-1]))
    return fields


def checked_fields(source: KeypointLayout, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check all fields except the source, and convert them to tuples, floats and integers.

    Raises:
        UserError: a field is wrong; names the field and the rule.
    """
    points = _texts("points", fields["points"])
    indices = _integers("indices", fields["indices"], len(source.points))
    if tuple(source.points[index] for index in indices) != points:
        raise UserError(f"points: must be the rows `indices` of layout {source.name!r}")
    if len(set(points)) != len(points) or not points:
        raise UserError("points: must be unique, and at least one")
    channels = _texts("channels", fields["channels"])
    if channels not in CHANNELS:
        raise UserError(f"channels: {' '.join(channels)}; must be x y score or x y z score")
    if "z" in channels and "z" not in source.channels:
        raise UserError(f"channels: layout {source.name!r} has no z")
    mirror = _integers("mirror", fields["mirror"], len(points))
    if len(mirror) != len(points) or any(mirror[mirror[i]] != i for i in range(len(points))):
        raise UserError("mirror: mirroring twice must give every point back")
    root, scale = _texts("root", fields["root"]), _texts("scale", fields["scale"])
    for name, chosen in (("root", root), ("scale", scale)):
        for point in chosen:
            if point not in points:
                raise UserError(f"{name}: {point!r} is not one of the contract's points")
    if not root:
        raise UserError("root: must have at least one point")
    if len(scale) != 2:
        raise UserError("scale: must have exactly two points")
    _choice("y_axis", fields["y_axis"], ("down", "up"))
    _choice("normalisation", fields["normalisation"], ("image", "body"))
    if not isinstance(fields["zero_is_missing"], bool):
        raise UserError("zero_is_missing: must be true or false")
    image_size = fields["image_size"]
    if not isinstance(image_size, list | tuple) or len(image_size) != 2:
        raise UserError("image_size: must be [width, height]")
    return {
        "points": points,
        "indices": indices,
        "streams": MappingProxyType(_streams(fields["streams"], len(points))),
        "channels": channels,
        "image_size": tuple(_number("image_size", size, above=0) for size in image_size),
        "root": root,
        "scale": scale,
        "score_threshold": _number("score_threshold", fields["score_threshold"], least=0),
        "interpolated_score": _number("interpolated_score", fields["interpolated_score"], above=0),
        "max_gap": _count("max_gap", fields["max_gap"]),
        "fps": _number("fps", fields["fps"], above=0),
        "mirror": mirror,
    }


def _streams(value: Any, points: int) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, Mapping):
        raise UserError("streams: must be an object of lists of integers")
    streams = {}
    for stream, indices in value.items():
        _choice("streams", stream, STREAMS)
        streams[stream] = _integers(f"streams: {stream}", indices, points)
    if streams.get("body") != tuple(range(points)):
        raise UserError("streams: body must be all points, in order")
    return streams


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise UserError(f"{name}: must be a list of names")
    return tuple(value)


def _integers(name: str, value: Any, below: int) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{name}: must be a list of integers")
    for item in value:
        if isinstance(item, bool) or not hasattr(item, "__index__") or not 0 <= item < below:
            raise UserError(f"{name}: {item!r} is not an integer from 0 to {below - 1}")
    return tuple(int(item) for item in value)


def _number(name: str, value: Any, above: float | None = None, least: float = 0) -> float:
    number = math.nan
    if not isinstance(value, bool | str) and hasattr(value, "__float__"):
        with contextlib.suppress(OverflowError):
            number = float(value)
    if not math.isfinite(number) or number < least or (above is not None and number <= above):
        bound = f"above {above:g}" if above is not None else f"of {least:g} or more"
        raise UserError(f"{name}: {value!r} is not a number {bound}")
    return number


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
        raise UserError(f"{name}: {value!r} is not a whole number of 0 or more")
    return int(value)


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"{name}: {value!r} must be one of {', '.join(choices)}")
