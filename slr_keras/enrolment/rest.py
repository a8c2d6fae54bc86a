"""The gate for rest: clips in which nothing is signed (enrolment-file.md, "Rest").

Rest is no unknown sign: its scores say little. A clip rests if its hands move less than half as
much as in any recording of an enrolled sign, or if the hands are low or unseen nearly all the time
while those of enrolled signs are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.contract import KeypointContract

#: Units below the shoulders where a hand counts as low, as in `slr_keras.streaming.endpoint`.
LOW = 0.9
#: Fraction of low frames that makes a clip rest, and the largest that recordings of signs may have.
LOW_SHARE, LOW_IN_SIGNS = 0.75, 0.5
#: Largest least movement, in units of the contract (shoulder widths).
MOST_MOVEMENT = 0.05
_HAND_PARTS = ("wrist", "hand", "thumb", "index", "middle", "ring", "little", "pinky")


def hand_points(contract: KeypointContract) -> tuple[tuple[int, ...], ...]:
    """Rows of the points of the left and of the right hand, wrists included.

    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.enrolment.rest import hand_points
    >>> [len(hand) for hand in hand_points(contract("mediapipe_75"))]
    [22, 22]
    """
    return tuple(
        tuple(
            row
            for row, name in enumerate(contract.points)
            if side in name.split("_") and any(part in name for part in _HAND_PARTS)
        )
        for side in ("left", "right")
    )


def movement(clip: np.ndarray, hands: Sequence[Sequence[int]]) -> float:
    """How much the hands move: the larger of the two hands' median spread of points.

    The spread of a point is sqrt(var x + var y) over the frames in which it is seen. Points that
    are seen in fewer than two frames do not count.

    Args:
        clip: `(frames, points, 3)`, prepared; score last.
        hands: see `hand_points`.

    >>> import numpy as np
    >>> from slr_keras.enrolment.rest import movement
    >>> clip = np.ones((2, 1, 3)); clip[1, 0, 0] = 3
    >>> movement(clip, [[0], []])
    1.0
    """
    moved = [0.0]
    for rows in hands:
        points = np.asarray(clip[:, list(rows)], np.float64)
        seen = points[..., -1] > 0
        often = seen.sum(axis=0) >= 2
        if not often.any():
            continue
        places, weights = points[:, often, :2], seen[:, often, None]
        count = weights.sum(axis=0)
        mean = (places * weights).sum(axis=0) / count
        variance = ((places - mean) ** 2 * weights).sum(axis=0) / count
        moved.append(float(np.median(np.sqrt(variance.sum(axis=-1)))))
    return max(moved)


def low_share(clip: np.ndarray, hands: Sequence[Sequence[int]]) -> float:
    """Fraction of frames in which each hand is low or unseen.

    A hand is low if the mean y of its points that are seen is below -0.9 shoulder widths.
    """
    resting = np.ones(len(clip), bool)
    for rows in hands:
        points = np.asarray(clip[:, list(rows)], np.float64)
        seen = points[..., -1] > 0
        count = seen.sum(axis=1)
        height = (points[..., 1] * seen).sum(axis=1) / np.maximum(count, 1)
        resting &= (count == 0) | (height < -LOW)
    return float(resting.mean()) if len(clip) else 1.0


@dataclass(frozen=True)
class RestGate:
    """Decides whether a clip shows rest.

    Attributes:
        hands: rows of the points of each hand.
        movement: clips that move less rest.
        low: clips with at least this fraction of low frames rest; None: they need not.

    >>> import numpy as np
    >>> from slr_keras.enrolment.rest import RestGate
    >>> RestGate(((0,), ()), 0.05, None)(np.ones((4, 1, 3)))
    True
    """

    hands: tuple[tuple[int, ...], ...]
    movement: float
    low: float | None

    def __call__(self, clip: np.ndarray) -> bool:
        """Whether a prepared clip `(frames, points, 3)` shows rest."""
        if movement(clip, self.hands) < self.movement:
            return True
        return self.low is not None and low_share(clip, self.hands) >= self.low


def rest_gate(
    contract: KeypointContract, movements: Sequence[float], lows: Sequence[float]
) -> RestGate:
    """The gate that lets every recording of the enrolled signs pass.

    Args:
        contract: of the encoder.
        movements: `movement` of each recording.
        lows: `low_share` of each recording.
    """
    least = min(movements, default=0.0) / 2
    # Without the body as unit, no height is low.
    can_be_low = contract.normalisation == "body" and max(lows, default=0.0) < LOW_IN_SIGNS
    return RestGate(
        hand_points(contract), min(least, MOST_MOVEMENT), LOW_SHARE if can_be_low else None
    )
