"""Clips of which sentences are composed: single signs and rests, in groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class PoolClip:
    """A clip of one sign or of a rest, without its keypoints.

    Attributes:
        id: name of the clip.
        gloss: the sign; empty for a rest.
        group: signer or recording; the clips of a sentence are of one group.
        hands: `(frames, tracked points, coordinates)` float32, the path of the hands from `root` in
            normalised units; NaN where they are missing.
        root: `(coordinates,)` where the body is; the clips of a sentence are moved to one place.
    """

    id: str
    gloss: str
    group: str
    hands: np.ndarray
    root: np.ndarray

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.hands)


@dataclass(frozen=True)
class Group:
    """The clips of one signer or recording, as rows of the pool.

    Attributes:
        name: of the group.
        signs: gloss → rows of its clips.
        rests: rows of the clips of rest.
    """

    name: str
    signs: dict[str, list[int]] = field(default_factory=dict)
    rests: list[int] = field(default_factory=list)


class ClipPool:
    """Clips in groups, and their keypoints.

    Args:
        clips: the clips.
        keypoints: gives the keypoints `(frames, points, channels)` float32 of a row, score last;
            all channels of a missing point are 0. They are not changed.

    Attributes:
        clips: the clips.
        groups: the groups that have at least one sign or rest, by name.

    >>> import numpy as np
    >>> from slr_keras.data.composition.pool import ClipPool, pool_clip
    >>> clips = [np.ones((8, 2, 3), np.float32)] * 2
    >>> sign = pool_clip("a", "RAIN", "S1", clips[0], hands=[0])
    >>> rest = pool_clip("b", "", "S1", clips[1], hands=[0])
    >>> pool = ClipPool([sign, rest], clips.__getitem__)
    >>> pool.groups["S1"].signs, pool.groups["S1"].rests
    ({'RAIN': [0]}, [1])
    """

    def __init__(self, clips: Sequence[PoolClip], keypoints: Callable[[int], np.ndarray]):
        self.keypoints = keypoints
        self.clips = tuple(clips)
        self.groups: dict[str, Group] = {}
        for row, clip in enumerate(self.clips):
            group = self.groups.setdefault(clip.group, Group(clip.group))
            rows = group.signs.setdefault(clip.gloss, []) if clip.gloss else group.rests
            rows.append(row)


def pool_clip(
    name: str,
    gloss: str,
    group: str,
    keypoints: np.ndarray,
    hands: Sequence[int],
    root: Sequence[int] = (),
    unit: float | Sequence[float] = 1.0,
) -> PoolClip:
    """Describe a clip by its keypoints.

    Args:
        name: of the clip.
        gloss: the sign; empty for a rest.
        group: signer or recording.
        keypoints: `(frames, points, channels)`, score last; missing points have score 0.
        hands: indices of the points whose path determines the duration of transitions.
        root: indices of the points whose mean is the place of the body; empty: the clip is
            normalised by the body and stays where it is.
        unit: length of a normalised unit in the coordinates of the clip, or one for each axis.
    """
    place = np.zeros(keypoints.shape[-1] - 1, np.float32)
    points = keypoints[:, list(root)]
    together = (points[..., -1] > 0).all(axis=1)
    if root and together.any():
        place = np.median(points[together, :, :-1].mean(axis=1), axis=0).astype(np.float32)
    tracks = ((keypoints[:, list(hands), :-1] - place) / np.array(unit)).astype(np.float32)
    tracks[keypoints[:, list(hands), -1] <= 0] = np.nan
    return PoolClip(name, gloss, group, tracks, place)


def moving_points(contract: KeypointContract) -> list[int]:
    """Points of the contract that represent the hands: wrists, else hands, else all points.

    >>> from slr_keras.data.composition.pool import moving_points
    >>> from slr_keras.data.contract import contract
    >>> boston = contract("boston_3")
    >>> [boston.points[point] for point in moving_points(boston)]
    ['left_hand', 'right_hand']
    """
    for part in ("wrist", "hand"):
        points = [row for row, name in enumerate(contract.points) if part in name]
        if points:
            return points
    return list(range(len(contract.points)))


def require_signs(pool: ClipPool, where: str) -> None:
    """Refuse a pool without a sign.

    Raises:
        UserError: no clip shows a single sign.
    """
    if not any(group.signs for group in pool.groups.values()):
        raise UserError(
            f"{where}: no clip shows a single sign, so no sentence can be composed; give clips of "
            "one gloss each, or sentences with 'spans'"
        )
