"""Skeleton of a keypoint contract: bones, hands, and the mirror map.

Models that read fingers relative to their wrist, and augmentation that changes limb lengths, need
to know which points form a hand and which point another one hangs from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slr_keras.data.contract import KeypointContract

FINGER = re.compile("thumb|index|middle|ring|little|pinky")
HAND = re.compile("hand")
WRIST = re.compile("wrist")
SIDES = ("left", "right")


@dataclass(frozen=True)
class Hand:
    """Points of one hand.

    Attributes:
        wrist: index of the wrist, or of the one point that stands for the hand.
        fingers: indices of the finger points; empty if the layout has none.
    """

    wrist: int
    fingers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Skeleton:
    """Bones, hands and mirror map of the points that a model reads.

    Attributes:
        parents: for each point the index of the point that it hangs from; -1 for a root and for
            points without a bone.
        order: indices of all points with a parent, each after its parent.
        hands: hand by side, "left" and "right"; empty unless the layout has both.
        mirror: index of the counterpart of every point.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.skeleton import Skeleton
    >>> skeleton = Skeleton.of(contract("mediapipe_75"))
    >>> skeleton.hands["left"].wrist, len(skeleton.hands["left"].fingers), skeleton.parents[4]
    (6, 20, 3)
    """

    parents: tuple[int, ...]
    order: tuple[int, ...]
    hands: Mapping[str, Hand]
    mirror: tuple[int, ...]

    @classmethod
    def of(cls, contract: KeypointContract) -> "Skeleton":
        """The skeleton of a contract's points; its roots are those of the contract."""
        roots = [contract.points.index(name) for name in contract.root if name in contract.points]
        parents, order = _tree(len(contract.points), contract.edges, roots)
        return cls(parents, order, _hands(contract, parents), tuple(contract.mirror))

    @property
    def fingers(self) -> tuple[int, ...]:
        """Indices of the finger points of both hands, ascending."""
        return tuple(sorted(point for hand in self.hands.values() for point in hand.fingers))

    def for_model(self) -> dict[str, Any]:
        """The part that models read, as JSON values: `hands` and `mirror`.

        Each hand is a list of point indices, the wrist first.
        """
        hands = {side: [hand.wrist, *hand.fingers] for side, hand in self.hands.items()}
        return {"hands": hands, "mirror": list(self.mirror)}


def _tree(
    points: int, edges: tuple[tuple[int, int], ...], roots: list[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Parents and order of a breadth-first walk from the roots along the edges."""
    neighbours: dict[int, list[int]] = {point: [] for point in range(points)}
    for first, second in edges:
        neighbours[first].append(second)
        neighbours[second].append(first)
    parents, order, waiting = [-1] * points, [], list(roots)
    seen = set(roots)
    while waiting:
        point = waiting.pop(0)
        for other in neighbours[point]:
            if other not in seen:
                seen.add(other)
                parents[other] = point
                order.append(other)
                waiting.append(other)
    return tuple(parents), tuple(order)


def _hands(contract: KeypointContract, parents: tuple[int, ...]) -> dict[str, Hand]:
    hands = {}
    for side in SIDES:
        stream = contract.streams.get(side, ())
        fingers = tuple(p for p in stream if FINGER.search(contract.points[p]))
        named = [p for p in stream if p not in fingers and HAND.search(contract.points[p])]
        wrists = [p for p in stream if p not in fingers and WRIST.search(contract.points[p])]
        hung = [parents[p] for p in fingers if parents[p] >= 0 and parents[p] not in fingers]
        candidates = [*hung, *named, *wrists]
        if candidates:
            hands[side] = Hand(candidates[0], fingers)
    return hands if len(hands) == len(SIDES) else {}
