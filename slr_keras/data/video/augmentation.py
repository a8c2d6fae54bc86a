"""Video augmentation: temporal rescaling, random crops, mirroring, colours.

See docs/papers/c2st.md §2.1.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from slr_keras.data.checked_options import MOST_FRAMES, CheckedOptions
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.video.pixels import Window
from slr_keras.utils.errors import UserError

NO_RESAMPLING = "none"
TEMPORAL = ("random", "uniform", NO_RESAMPLING)


@dataclass(frozen=True)
class VideoAugmentationConfig(CheckedOptions):
    """Video augmentation in training; the defaults are the published recipe.

    Attributes:
        temporal: how time is resampled: "random" (sorted random frames), "uniform" (evenly spaced)
            or "none" (as in evaluation).
        temporal_range: bounds of the new length, as fractions of the old length.
        shortest, longest: bounds of the new length in frames, before it is rounded up to a
            multiple of 4.
        keep_feasible: never shorten a clip below the frames that its labels need.
        random_crop: random crop, the same for all pictures of a clip; if false, the centre crop.
        crop_margin: pixels by which the crop may extend beyond the picture, whose edge is repeated
            there; gives a random shift even if pictures are not larger than the crop.
        flip: probability of mirroring a clip.
        colour: largest change of a clip's contrast and of the brightness of each channel, as a
            fraction of the full range; 0 as published.

    Raises:
        UserError: a value is out of range; names the field.

    >>> from slr_keras.data.video.augmentation import VideoAugmentationConfig
    >>> VideoAugmentationConfig(flip=0).temporal_range
    (0.8, 1.2)
    """

    temporal: Literal["random", "uniform", "none"] = "random"
    temporal_range: tuple[float, float] = (0.8, 1.2)
    shortest: int = 32
    longest: int = 230
    keep_feasible: bool = True
    random_crop: bool = True
    crop_margin: int = 0
    flip: float = 0.5
    colour: float = 0.0

    def __post_init__(self) -> None:
        self._make_tuples()
        low, high = self.temporal_range if len(self.temporal_range) == 2 else (0, 0)
        self._require(
            0 < low <= high <= 100, "temporal_range", "(low, high) with 0 < low <= high <= 100"
        )
        self._require(self.temporal in TEMPORAL, "temporal", f"one of {', '.join(TEMPORAL)}")
        self._require(self.shortest >= 1, "shortest", "at least 1")
        self._require(
            self.shortest <= self.longest <= MOST_FRAMES,
            "longest",
            f"at least `shortest` and at most {MOST_FRAMES:,}",
        )
        self._require(0 <= self.crop_margin <= 4096, "crop_margin", "between 0 and 4096")
        self._require(0 <= self.flip <= 1, "flip", "between 0 and 1")
        self._require(0 <= self.colour < 1, "colour", "at least 0 and below 1")

    @classmethod
    def literal(cls) -> "VideoAugmentationConfig":
        """The recipe exactly as published; a clip may become too short for its labels."""
        return cls(keep_feasible=False)

    @classmethod
    def none(cls) -> "VideoAugmentationConfig":
        """No augmentation: clips are the same in training and evaluation."""
        return cls(temporal=NO_RESAMPLING, random_crop=False, flip=0.0)

    @property
    def resamples(self) -> bool:
        """Whether training changes lengths."""
        return self.temporal != NO_RESAMPLING

    def _require(self, good: bool, name: str, rule: str) -> None:
        if not good:
            raise UserError(f"{name} is {getattr(self, name)!r}; it must be {rule}")


def rescaled_length(
    fraction: float,
    frames: int,
    config: VideoAugmentationConfig,
    max_frames: int,
    required: int = 0,
) -> int:
    """Length of a clip after temporal rescaling, a multiple of 4 (docs/papers/c2st.md §2.1).

        new = int(frames fraction), at least `shortest`, at most `longest`, up to a multiple of 4

    Args:
        fraction: new length as a fraction of the old length, from `temporal_range`.
        frames: length of the clip.
        config: the bounds.
        max_frames: largest length, a multiple of 4.
        required: the result is raised to this many frames, but not above the length at the upper
            bound of `temporal_range`.

    >>> from slr_keras.data.video.augmentation import VideoAugmentationConfig, rescaled_length
    >>> config = VideoAugmentationConfig()
    >>> [rescaled_length(fraction, 100, config, 400) for fraction in (0.8, 0.819, 1.2)]
    [80, 84, 120]
    """

    def bounded(fraction: float) -> int:
        length = min(max(int(frames * fraction), config.shortest), config.longest)
        return min(math.ceil(length / REDUCTION) * REDUCTION, max_frames)

    return max(bounded(fraction), min(required, bounded(config.temporal_range[1])))


def rescaled_indices(
    rng: np.random.Generator, frames: int, length: int, temporal: str = "random"
) -> np.ndarray:
    """Draw `length` ascending frame numbers of a clip (docs/papers/c2st.md §2.1).

    "random" draws without replacement if the clip is long enough, otherwise with replacement.

    Returns:
        `(length,)` int64.

    >>> import numpy as np
    >>> from slr_keras.data.video.augmentation import rescaled_indices
    >>> rescaled_indices(np.random.default_rng(0), 4, 4).tolist()
    [0, 1, 2, 3]
    """
    if temporal == "uniform":
        return np.rint(np.linspace(0, frames - 1, length)).astype(np.int64)
    return np.sort(rng.choice(frames, length, replace=length > frames))


def draw_window(
    rng: np.random.Generator,
    picture: tuple[int, int],
    crop: tuple[int, int],
    config: VideoAugmentationConfig,
) -> Window:
    """Draw the crop window of a clip, and whether the clip is mirrored.

    Args:
        rng: random generator of the clip.
        picture: (height, width) of the pictures.
        crop: (height, width) of the crop.
        config: probabilities and margin.

    >>> import numpy as np
    >>> from slr_keras.data.video.augmentation import VideoAugmentationConfig, draw_window
    >>> draw_window(np.random.default_rng(0), (8, 8), (8, 8), VideoAugmentationConfig(flip=1))
    Window(top=0, left=0, height=8, width=8, flip=True)
    """
    margin = config.crop_margin
    top, left = (
        int(rng.integers(-margin, size - cropped + margin, endpoint=True))
        for size, cropped in zip(picture, crop)
    )
    flip = bool(rng.random() < config.flip)
    if not config.random_crop:
        centre = Window.centre(picture, crop)
        top, left = centre.top, centre.left
    return Window(top, left, *crop, flip)


def draw_colours(rng: np.random.Generator, config: VideoAugmentationConfig) -> np.ndarray | None:
    """Draw a lookup table of colours for a clip.

        new = (value - 127.5) (1 + c) + 127.5 + 255 b_channel,  c and b uniform in +-colour

    Returns:
        `(256, 3)` uint8, the new value of each value by channel; None if `colour` is 0.

    >>> import numpy as np
    >>> from slr_keras.data.video.augmentation import VideoAugmentationConfig, draw_colours
    >>> draw_colours(np.random.default_rng(0), VideoAugmentationConfig(colour=0.2)).shape
    (256, 3)
    """
    if not config.colour:
        return None
    contrast, *brightness = rng.uniform(-config.colour, config.colour, 4)
    values = (np.arange(256) - 127.5)[:, None] * (1 + contrast) + 127.5
    return np.clip(np.rint(values + 255 * np.array(brightness)), 0, 255).astype(np.uint8)


def recolour(clip: np.ndarray, colours: np.ndarray | None) -> np.ndarray:
    """Apply a lookup table of colours to pictures `(frames, height, width, 3)`.

    >>> import numpy as np
    >>> from slr_keras.data.video.augmentation import recolour
    >>> darker = np.repeat(np.arange(256)[:, None] // 2, 3, axis=1).astype(np.uint8)
    >>> recolour(np.full((1, 1, 1, 3), 9, np.uint8), darker).tolist()
    [[[[4, 4, 4]]]]
    """
    if colours is None:
        return clip
    return np.stack([colours[clip[..., channel], channel] for channel in range(3)], axis=-1)
