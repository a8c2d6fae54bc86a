"""One keypoint layout for folders of several: points and channels matched by their names."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout_from_json
from slr_keras.utils.errors import UserError

CHOICES = ("all", "common")
_LISTED = 5


@dataclass(frozen=True)
class Matched:
    """The layout of a merged folder.

    Attributes:
        layout: of the merged folder.
        contracts: of every folder, as if its files had this layout.
        sources: layout of every folder's files.
    """

    layout: KeypointLayout
    contracts: Mapping[str, KeypointContract]
    sources: Mapping[str, KeypointLayout]

    def converted(self, name: str, keypoints: np.ndarray) -> np.ndarray:
        """Keypoints of a folder in the common layout.

        Without a score in the files, the score is 1, and 0 where all coordinates are zero.
        """
        source = self.sources[name]
        if source == self.layout:
            return keypoints
        chosen = keypoints[:, source.indices(self.layout.points)]
        result = np.ones((*chosen.shape[:2], len(self.layout.channels)), np.float32)
        for channel, axis in enumerate(self.layout.channels):
            if axis in source.channels:
                result[..., channel] = chosen[..., source.channels.index(axis)]
        if "score" in self.layout.channels and "score" not in source.channels:
            result[(chosen == 0).all(-1) | ~np.isfinite(chosen).all(-1), -1] = 0
        return result


def matched(contracts: Mapping[str, KeypointContract], points: str = "all") -> Matched:
    """Match the layouts of several folders by the names of their points.

    Args:
        contracts: of every folder, by its name; the first gives order, streams and mirror map.
        points: "all" refuses points that a folder lacks; "common" drops them, and the points whose
            mirror image is dropped.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.datasets.merge_layout import matched
    >>> both = {name: contract(name) for name in ("coco_wholebody_133", "stark_79")}
    >>> len(matched(both, "common").layout.points)
    79

    Raises:
        UserError: see `points`; no point or no root point is left.
    """
    sources = {name: contract.source for name, contract in contracts.items()}
    first, *others = sources.values()
    if all(other == first for other in others):
        return Matched(first, contracts, sources)
    shared = set(first.points).intersection(*(other.points for other in others))
    if points == "all":
        _require_all(sources, shared)
    kept = [point for point in first.points if {point, first.mirror[point]} <= shared]
    if not kept:
        raise UserError(f"merge: the layouts of {', '.join(sources)} have no point in common")
    target = _restricted(first, kept, list(sources.values()))
    rules = next(iter(contracts.values()))
    fitted = {name: _fitted(contract, rules, target) for name, contract in contracts.items()}
    return Matched(target, fitted, sources)


def _require_all(sources: Mapping[str, KeypointLayout], shared: set[str]) -> None:
    for name, source in sources.items():
        more = [point for point in source.points if point not in shared]
        if more:
            listed = ", ".join(more[:_LISTED]) + ", ..." * (len(more) > _LISTED)
            raise UserError(
                f"{name}: layout {source.name!r} has {len(more)} points that another folder lacks "
                f"({listed}); drop them with --points common"
            )


def _restricted(
    first: KeypointLayout, kept: list[str], sources: list[KeypointLayout]
) -> KeypointLayout:
    if len(kept) == len(first.points) and all(s.channels == first.channels for s in sources):
        return first
    depth = ["z"] * all("z" in source.channels for source in sources)
    scored = ["score"] * any("score" in source.channels for source in sources)
    there = set(kept)
    value = first.to_json() | {
        "name": first.name if len(kept) == len(first.points) else f"{first.name}_common",
        "points": kept,
        "channels": ["x", "y", *depth, *scored],
        "mirror": {point: first.mirror[point] for point in kept},
        "edges": [list(edge) for edge in first.edges if set(edge) <= there],
        "streams": {
            stream: named
            for stream, points in first.streams.items()
            if (named := [point for point in points if point in there])
        },
    }
    return layout_from_json(value)


def _fitted(
    contract: KeypointContract, first: KeypointContract, target: KeypointLayout
) -> KeypointContract:
    """A folder's rules for the points of the first folder's contract that are left."""
    points = tuple(point for point in first.points if point in target.points)
    row = {point: number for number, point in enumerate(points)}
    streams = {
        stream: tuple(row[name] for n in rows if (name := first.points[n]) in row)
        for stream, rows in first.streams.items()
    }
    channels = tuple(c for c in first.channels if c != "z" or "z" in target.channels)
    return dataclasses.replace(
        contract,
        source=target,
        points=points,
        indices=target.indices(points),
        streams={stream: rows for stream, rows in streams.items() if rows},
        channels=channels,
        mirror=tuple(row[first.points[first.mirror[first.points.index(p)]]] for p in points),
    )
