"""Options of the inputs of keypoint models."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slr_keras.models.checks import OptionError
from slr_keras.utils.suggestions import nearest

#: `{"hands": {"left": [wrist, *fingers], "right": [...]}, "mirror": [...]}`; see
#: `slr_keras.data.skeleton.Skeleton.for_model`.
SkeletonOption = Mapping[str, Any]


@dataclass(frozen=True)
class InputConfig:
    """How prepared keypoints become the features that a model reads.

    Attributes:
        steps: number of evenly spaced times to which each clip is resampled, gaps interpolated;
            0 keeps the frames. Models of isolated signs only.
        motion: frames, or steps, between the two positions of each difference; empty for no
            motion.
        backward: whether a difference looks back only, which streaming needs; otherwise its
            middle is the frame itself.
        hands: "wrist": finger points relative to their own wrist, in units of the hand's size;
            "absolute": as all points.
        dominant_hand: whether a clip in which the left hand moves more than the right one is
            mirrored. Needs the complete clip.
        standardise: whether the features are centred and scaled with statistics of the train
            split: one mean for each feature, one scale for each group of features.
        clip: largest absolute value of a standardised feature.

    Raises:
        OptionError: a value is out of range.

    >>> from slr_keras.models.inputs import InputConfig
    >>> InputConfig(steps=16, motion=(2, 4)).motion
    (2, 4)
    """

    steps: int = 0
    motion: tuple[int, ...] = ()
    backward: bool = False
    hands: str = "absolute"
    dominant_hand: bool = False
    standardise: bool = False
    clip: float = 8.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "motion", tuple(self.motion))
        if self.steps < 0 or self.steps == 1:
            raise OptionError(f"inputs.steps is {self.steps}; it must be 0, or at least 2")
        if any(not isinstance(k, int) or k < 1 for k in self.motion):
            raise OptionError(f"inputs.motion is {self.motion}; it must list whole numbers from 1")
        if self.hands not in ("absolute", "wrist"):
            raise OptionError(f"inputs.hands must be absolute or wrist; got {self.hands!r}")
        if not self.clip > 0:
            raise OptionError(f"inputs.clip is {self.clip}; it must be above 0")

    @classmethod
    def of(cls, options: "Mapping[str, Any] | InputConfig | None") -> "InputConfig":
        """Check a recipe's mapping of options.

        Raises:
            OptionError: an option is unknown or out of range.
        """
        if isinstance(options, cls):
            return options
        known = [field.name for field in dataclasses.fields(cls)]
        for name in options or {}:
            if name not in known:
                raise OptionError(f"inputs has no option {name!r}{nearest(name, known)}")
        return cls(**(options or {}))

    def to_json(self) -> dict[str, Any]:
        """The options as JSON values."""
        return {**dataclasses.asdict(self), "motion": list(self.motion)}

    def ends(self, interval: int) -> tuple[int, int]:
        """Frames before and after a frame between which its difference is taken.

        >>> from slr_keras.models.inputs import InputConfig
        >>> InputConfig().ends(3), InputConfig(backward=True).ends(3)
        ((1, 2), (3, 0))
        """
        before = interval if self.backward else interval // 2
        return before, interval - before

    @property
    def look_back(self) -> int:
        """Earlier frames that the differences of a frame read."""
        return max((self.ends(interval)[0] for interval in self.motion), default=0)

    @property
    def look_ahead(self) -> int:
        """Later frames that the differences of a frame read."""
        return max((self.ends(interval)[1] for interval in self.motion), default=0)


def checked_skeleton(skeleton: SkeletonOption | None, points: int) -> dict[str, Any]:
    """Check a skeleton and return it as JSON values; None gives one without hands.

    Raises:
        OptionError: an index is out of range, or the mirror map is no permutation.
    """
    skeleton = skeleton or {"hands": {}, "mirror": list(range(points))}
    hands = {side: [int(p) for p in hand] for side, hand in skeleton["hands"].items()}
    mirror = [int(point) for point in skeleton["mirror"]]
    if sorted(mirror) != list(range(points)):
        raise OptionError(f"skeleton.mirror must be a permutation of 0..{points - 1}")
    if any(not 0 <= point < points for hand in hands.values() for point in hand):
        raise OptionError(f"skeleton.hands needs point indices in 0..{points - 1}")
    return {"hands": hands, "mirror": mirror}


def rest_of(points: int, taken: Sequence[int]) -> list[int]:
    """Indices below `points` that are not taken."""
    left_out = set(taken)
    return [point for point in range(points) if point not in left_out]
