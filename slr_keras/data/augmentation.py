"""Keypoint augmentation: dropped points before preparation, geometric transforms after it.

docs/papers/stark.md §1.6 (resampling and rotation) and §1.4 (why points are dropped in training).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from slr_keras.data.checked_options import CheckedOptions
from slr_keras.data.keypoints import mirror
from slr_keras.data.sampling import MODES
from slr_keras.utils.errors import UserError

NO_RESAMPLING = "none"


@dataclass(frozen=True)
class AugmentationConfig(CheckedOptions):
    """Keypoint augmentation in training; the defaults are the recommended settings.

    Attributes:
        temporal: how time is resampled: "random" (as published), "uniform" (evenly spaced), "mixed"
            (either, with equal probability) or "none" (as in evaluation).
        temporal_range: bounds of the new length, as fractions of the old length.
        keep_feasible: never shorten a clip below the frames that CTC needs for its labels.
        rotation: largest angle in degrees, about the origin of the normalised coordinates.
        rotation_probability: probability that a clip (or a batch) is rotated.
        rotation_per: "sample", or "batch" (as published): one decision and one angle per batch.
        scale: range of the scale factor of the coordinates.
        translation: largest shift in x and in y, in normalised units.
        jitter: standard deviation of the noise on every x and y, in normalised units.
        mirror: probability of exchanging left and right.
        drop_points: probability that a clip loses points in all frames.
        drop_points_most: largest number of such points; never more than a quarter of all points.
        drop_spans: probability that a clip loses points in a span of frames.
        drop_spans_most: largest number of such points; never more than a quarter of all points.
        drop_spans_share: longest such span, as a fraction of the clip.
        drop_hand: probability that a clip loses one hand in a span of frames.
        drop_hand_share: longest such span, as a fraction of the clip.
        lose_hand: probability that a clip loses a hand in all frames; drawn for each hand.
        ends: largest fraction of the clip by which its first and its last moment are moved.
        time_warp: standard deviation of the logarithm of the speed in five parts of the clip.
        hold: probability that a stretch of frames is held at its first frame.
        hold_share: longest such stretch, as a fraction of the clip.
        yaw: largest angle in degrees about the vertical axis, where the points have z.
        pitch: largest angle in degrees about the axis from left to right, where they have z.
        stretch: largest change of the logarithm of the scale of each axis by itself.
        shear: largest shear of x by y, and of y by x.
        limbs: largest change of the logarithm of the length of each limb.
        hand_rotation: largest angle in degrees of each hand about its wrist, in the picture.
        hand_scale: largest change of the logarithm of the size of each hand.
        drift: standard deviation of slow noise on every coordinate, in normalised units.

    Raises:
        UserError: a value is out of range; names the field.

    >>> from slr_keras.data.augmentation import AugmentationConfig
    >>> AugmentationConfig(rotation=10.0).rotation_per
    'sample'
    """

    temporal: Literal["mixed", "random", "uniform", "none"] = "mixed"
    temporal_range: tuple[float, float] = (0.5, 1.5)
    keep_feasible: bool = True
    rotation: float = 15.0
    rotation_probability: float = 0.5
    rotation_per: Literal["sample", "batch"] = "sample"
    scale: tuple[float, float] = (1.0, 1.0)
    translation: tuple[float, float] = (0.0, 0.0)
    jitter: float = 0.0
    mirror: float = 0.0
    drop_points: float = 0.5
    drop_points_most: int = 8
    drop_spans: float = 0.3
    drop_spans_most: int = 8
    drop_spans_share: float = 0.5
    drop_hand: float = 0.1
    drop_hand_share: float = 0.5
    lose_hand: float = 0.0
    ends: float = 0.0
    time_warp: float = 0.0
    hold: float = 0.0
    hold_share: float = 0.25
    yaw: float = 0.0
    pitch: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    limbs: float = 0.0
    hand_rotation: float = 0.0
    hand_scale: float = 0.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        self._make_tuples()
        self._choice("temporal", (*MODES, NO_RESAMPLING))
        self._choice("rotation_per", ("sample", "batch"))
        for name in ("rotation_probability", "mirror", "drop_points", "drop_spans", "drop_hand"):
            self._within(name, 0, 1)
        for name in ("drop_spans_share", "drop_hand_share", "lose_hand", "hold", "hold_share"):
            self._within(name, 0, 1)
        for name in ("rotation", "yaw", "pitch", "hand_rotation"):
            self._within(name, 0, 180)
        self._within("ends", 0, 0.5)
        for name in ("time_warp", "stretch", "shear", "limbs", "hand_scale", "drift"):
            self._within(name, 0, 10)
        self._within("jitter", 0, 10)
        self._within("drop_points_most", 1, 100_000)
        self._within("drop_spans_most", 1, 100_000)
        self._pair("temporal_range", ordered=True)
        self._pair("scale", ordered=True)
        self._pair("translation", ordered=False)

    @property
    def distorts(self) -> bool:
        """Whether clips get other bodies, cameras or timings (`slr_keras.data.distortion`)."""
        names = ("lose_hand", "ends", "time_warp", "hold", "yaw", "pitch", "stretch", "shear")
        names += ("limbs", "hand_rotation", "hand_scale", "drift")
        return any(getattr(self, name) for name in names)

    @classmethod
    def literal(cls) -> "AugmentationConfig":
        """Only resampling and rotation, as published (docs/papers/stark.md §1.6)."""
        return cls(
            temporal="random",
            keep_feasible=False,
            rotation_per="batch",
            drop_points=0.0,
            drop_spans=0.0,
            drop_hand=0.0,
        )

    @classmethod
    def none(cls) -> "AugmentationConfig":
        """No augmentation: clips are the same in training and evaluation."""
        return cls(
            temporal=NO_RESAMPLING, rotation=0.0, drop_points=0.0, drop_spans=0.0, drop_hand=0.0
        )

    def _pair(self, name: str, ordered: bool) -> None:
        value = getattr(self, name)
        good = (
            isinstance(value, tuple) and len(value) == 2 and min(value) >= 0 and max(value) <= 100
        )
        if not good or (ordered and not 0 < value[0] <= value[1]):
            rule = (
                "(low, high) with 0 < low <= high <= 100" if ordered else "(in x, in y), 0 to 100"
            )
            raise UserError(f"{name} is {value}; it must be {rule}")


def lost_points(
    rng: np.random.Generator,
    frames: int,
    points: int,
    hands: Sequence[Sequence[int]],
    config: AugmentationConfig,
) -> np.ndarray:
    """Draw which points a clip loses, imitating failures of a detector.

    Apply the result to raw coordinates before gaps are filled, so that training includes filled
    gaps.

    Args:
        rng: random generator of the clip.
        frames: length of the clip.
        points: number of points.
        hands: indices of the points of each hand.
        config: probabilities and sizes.

    Returns:
        `(frames, points)` bool, true where a point is lost.

    >>> import numpy as np
    >>> from slr_keras.data.augmentation import AugmentationConfig, lost_points
    >>> config = AugmentationConfig(drop_points=1, drop_points_most=1, drop_spans=0, drop_hand=0)
    >>> int(lost_points(np.random.default_rng(0), 10, 79, [], config).sum())
    10
    """
    lost = np.zeros((frames, points), bool)
    if rng.random() < config.drop_points:
        lost[:, _some(rng, points, config.drop_points_most)] = True
    if rng.random() < config.drop_spans:
        for point in _some(rng, points, config.drop_spans_most):
            lost[_span(rng, frames, config.drop_spans_share), point] = True
    if hands and rng.random() < config.drop_hand:
        hand = hands[rng.integers(len(hands))]
        lost[_span(rng, frames, config.drop_hand_share), np.asarray(hand)] = True
    return lost


def draw_angle(rng: np.random.Generator, config: AugmentationConfig) -> float:
    """Draw a rotation in radians; 0 with probability 1 - `rotation_probability`."""
    turned = rng.random() < config.rotation_probability
    angle = rng.uniform(-config.rotation, config.rotation)
    return float(np.deg2rad(angle)) if turned else 0.0


def transform(
    rng: np.random.Generator,
    points: np.ndarray,
    config: AugmentationConfig,
    permutation: Sequence[int],
    angle: float | None = None,
) -> np.ndarray:
    """Mirror, scale, rotate, shift and jitter a prepared clip.

    Missing points, whose channels are all 0, stay exactly 0.

    Args:
        rng: random generator of the clip.
        points: `(time, points, channels)` normalised; x and y are the first two channels.
        config: probabilities and sizes.
        permutation: mirror map of the contract.
        angle: rotation in radians; None: an angle is drawn for this clip.

    Returns:
        A new array of the same shape, float32.

    >>> import numpy as np
    >>> from slr_keras.data.augmentation import AugmentationConfig, transform
    >>> clip = np.array([[[1.0, 0.0, 0.9], [0.0, 0.0, 0.0]]], np.float32)
    >>> rng = np.random.default_rng(0)
    >>> transform(rng, clip, AugmentationConfig(), (0, 1), angle=np.pi / 2).round(3).tolist()
    [[[0.0, 1.0, 0.8999999761581421], [0.0, 0.0, 0.0]]]
    """
    points = np.array(points, np.float32)
    if rng.random() < config.mirror:
        points = mirror(points, permutation)
    present = np.any(points != 0, axis=-1, keepdims=True)
    if angle is None:
        angle = draw_angle(rng, config)
    factor = rng.uniform(*config.scale)
    turn = factor * np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32
    )
    plane = points[..., :2] @ turn.astype(np.float32)
    plane += rng.uniform(-1, 1, 2) * config.translation
    if config.jitter:
        plane += config.jitter * rng.standard_normal(plane.shape, np.float32)
    points[..., :2] = np.where(present, plane, 0)
    return points


def _some(rng: np.random.Generator, points: int, most: int) -> np.ndarray:
    # Limited to a quarter, so that layouts with few points keep most of them.
    most = min(most, points // 4)
    count = rng.integers(min(1, most), most, endpoint=True)
    return rng.choice(points, count, replace=False)


def _span(rng: np.random.Generator, frames: int, fraction: float) -> slice:
    length = int(rng.integers(0, int(fraction * frames), endpoint=True))
    start = int(rng.integers(0, frames - length, endpoint=True))
    return slice(start, start + length)
