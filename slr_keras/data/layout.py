"""Keypoint layouts: names, order, mirror map, edges and streams of a detector's points."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json

STREAMS = ("body", "left", "right", "face")
CHANNELS = (("x", "y"), ("x", "y", "score"), ("x", "y", "z"), ("x", "y", "z", "score"))


@dataclass(frozen=True)
class KeypointLayout:
    """The points of a detector: names in order, mirror map, edges and streams.

    A name means the same place on the body in every layout. The 79 points of STARK have the same
    names in `coco_wholebody_133`, `mediapipe_holistic_543` and `stark_79`; these names define the
    mapping of docs/papers/stark.md §1.4.

    Attributes:
        name: name of the layout.
        points: unique names of the points, in the order of the rows.
        channels: ("x", "y"), then "z" and "score" if the detector provides them.
        mirror: maps every point to its counterpart on the other side, or to itself.
        edges: pairs of points that drawings connect.
        streams: "body" (all points that a model reads, in model order) and optionally its subsets
            "left", "right" and "face".
    """

    name: str
    points: tuple[str, ...]
    channels: tuple[str, ...]
    mirror: Mapping[str, str]
    edges: tuple[tuple[str, str], ...]
    streams: Mapping[str, tuple[str, ...]]

    def __hash__(self) -> int:
        return hash((self.name, self.points))

    def __reduce__(self) -> tuple:
        return layout_from_json, (self.to_json(),)

    def indices(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """Rows of the named points.

        >>> from slr_keras.data.layout import layout
        >>> layout("coco_wholebody_133").indices(("nose", "left_hand_wrist"))
        (0, 91)

        Raises:
            UserError: the layout has no point of this name.
        """
        row = {point: index for index, point in enumerate(self.points)}
        for name in names:
            if name not in row:
                raise UserError(f"layout {self.name!r} has no point {name!r}")
        return tuple(row[name] for name in names)

    def to_json(self) -> dict[str, Any]:
        """Convert the layout to JSON values, which `layout_from_json` reads."""
        return {
            "name": self.name,
            "points": list(self.points),
            "channels": list(self.channels),
            "mirror": dict(self.mirror),
            "edges": [list(edge) for edge in self.edges],
            "streams": {stream: list(points) for stream, points in self.streams.items()},
        }


@functools.cache
def list_layouts() -> tuple[str, ...]:
    """Names of the built-in layouts.

    >>> from slr_keras.data.layout import list_layouts
    >>> "kinect_20" in list_layouts()
    True
    """
    folder = resources.files("slr_keras.data") / "layouts"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".json")))


@functools.cache
def layout(name: str) -> KeypointLayout:
    """Get a layout by its name or by the path of its JSON file.

    >>> from slr_keras.data.layout import layout
    >>> len(layout("mediapipe_holistic_543").streams["body"])
    79

    Raises:
        UserError: the layout does not exist, or the file does not describe a layout.
    """
    if name in list_layouts():
        folder = resources.files("slr_keras.data") / "layouts"
        with resources.as_file(folder / f"{name}.json") as path:
            return read_layout(path)
    if name.endswith(".json"):
        return read_layout(name)
    raise UserError(
        f"unknown keypoint layout {name!r}; choose one of {', '.join(list_layouts())}, "
        "or give the path of a layout file (.json)"
    )


def read_layout(path: str | Path) -> KeypointLayout:
    """Read a layout from a JSON file; see `layout_from_json` for its keys.

    Raises:
        UserError: the file is not JSON or does not describe a layout; names file and point.
    """
    return layout_from_json(read_json(path), where=str(path))


def layout_from_json(value: Any, where: str = "layout") -> KeypointLayout:
    """Create a layout from JSON values, and check every reference.

    Keys: `name` and `points`; optional `channels` (default x, y, score), `mirror` (one entry per
    pair suffices; other points mirror onto themselves), `edges`, `streams` (default: body = all
    points, in order) and `description`.

    Args:
        value: the parsed JSON.
        where: name of the file, for messages.

    >>> from slr_keras.data.layout import layout_from_json
    >>> three = layout_from_json({"name": "three", "points": ["left", "right", "nose"],
    ...                           "mirror": {"left": "right"}})
    >>> three.mirror["right"], three.mirror["nose"]
    ('left', 'nose')

    Raises:
        UserError: a key is missing, unknown or malformed; a mirror is not an involution; a
            mirror, edge or stream names an unknown point.
    """
    known = {"name", "description", "points", "channels", "mirror", "edges", "streams"}
    if not isinstance(value, dict):
        raise UserError(f"{where}: a layout must be a JSON object with the keys name and points")
    for key in value:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise UserError(f"{where}: a layout needs a name, which must be text")
    points = _names(value.get("points"), f"{where}: points")
    channels = _names(value.get("channels", ["x", "y", "score"]), f"{where}: channels")
    if channels not in CHANNELS:
        choices = " | ".join(" ".join(choice) for choice in CHANNELS)
        raise UserError(f"{where}: channels are {' '.join(channels)}; they must be {choices}")
    mirror = _mirror(value.get("mirror", {}), points, f"{where}: mirror")
    streams = _streams(value.get("streams", {}), points, mirror, f"{where}: streams")
    return KeypointLayout(
        name=name,
        points=points,
        channels=channels,
        mirror=MappingProxyType(mirror),
        edges=_edges(value.get("edges", []), points, f"{where}: edges"),
        streams=MappingProxyType(streams),
    )


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: must be a list of names and not empty")
    seen = set()
    for name in value:
        if not isinstance(name, str) or not name:
            raise UserError(f"{where}: {name!r} is not a name")
        if name in seen:
            raise UserError(f"{where}: {name!r} appears twice")
        seen.add(name)
    return tuple(value)


def _known(name: Any, points: tuple[str, ...], where: str) -> str:
    if name not in points:
        raise UserError(f"{where}: {name!r} is not one of the layout's points")
    return name


def _mirror(value: Any, points: tuple[str, ...], where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: must be an object of point names, such as {{'left': 'right'}}")
    mirror: dict[str, str] = {}
    for point, counterpart in value.items():
        for this, other in ((point, counterpart), (counterpart, point)):
            _known(this, points, where)
            if mirror.setdefault(this, other) != other:
                raise UserError(
                    f"{where}: {this!r} mirrors onto both {mirror[this]!r} and {other!r}; "
                    "mirroring twice must give every point back"
                )
    return {point: mirror.get(point, point) for point in points}


def _edges(value: Any, points: tuple[str, ...], where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise UserError(f"{where}: must be a list of pairs of point names")
    for edge in value:
        if not isinstance(edge, list) or len(edge) != 2:
            raise UserError(f"{where}: {edge!r} is not a pair of point names")
        for end in edge:
            _known(end, points, where)
    return tuple((start, end) for start, end in value)


def _streams(
    value: Any, points: tuple[str, ...], mirror: dict[str, str], where: str
) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: must be an object of lists of point names")
    for stream in value:
        if stream not in STREAMS:
            raise UserError(f"{where}: unknown stream {stream!r}; known are {', '.join(STREAMS)}")
    streams = {"body": points}
    for stream in STREAMS:
        if stream in value:
            streams[stream] = _names(value[stream], f"{where}: {stream}")
            for point in streams[stream]:
                _known(point, points, f"{where}: {stream}")
                _known(point, streams["body"], f"{where}: {stream}, outside the stream body")
    for point in streams["body"]:
        if mirror[point] not in streams["body"]:
            raise UserError(
                f"{where}: body has {point!r} but not its mirror image {mirror[point]!r}; "
                "add it, or leave the pair out of the mirror"
            )
    return streams
