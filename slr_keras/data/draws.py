"""Random numbers of the clips of a batch, each from its own generator."""

from collections.abc import Sequence

import numpy as np

from slr_keras.data.augmentation import AugmentationConfig

# Segments whose speeds differ in a time warp, and knots of the slow drift.
SEGMENTS, KNOTS = 5, 4
AXES = 3
# Places of a clip's uniform numbers, before those of its points.
_NAMES = (
    *("first", "last", "mirror", "turned", "turn", "yaw", "pitch", "scale", "shear_x", "shear_y"),
    *("hold", "held", "held_from", "lose", "lose_count", "span", "span_count", "span_at"),
    *("span_length", "hand", "which", "hand_at", "hand_length", "lose_left", "lose_right"),
    *("scale_left", "scale_right", "turn_left", "turn_right"),
)
_PLACE = {name: place for place, name in enumerate(_NAMES)}
_VECTORS = 2 * AXES


class Draws:
    """Random numbers of a batch of clips.

    Args:
        generators: one for each clip.
        frames, points, coordinates: sizes of the clips.
        config: draws noise only where the config needs some.
    """

    def __init__(
        self,
        generators: Sequence[np.random.Generator],
        frames: int,
        points: int,
        coordinates: int,
        config: AugmentationConfig,
    ):
        count = len(_NAMES) + _VECTORS + 2 * points
        self._uniform = np.stack([rng.random(count, np.float32) for rng in generators])
        self.points = points
        self.warp = self._normal(generators, config.time_warp, (SEGMENTS,))
        self.jitter = self._normal(generators, config.jitter, (frames, points, coordinates))
        self.drift = self._normal(generators, config.drift, (KNOTS, points, coordinates))

    @staticmethod
    def _normal(generators, deviation: float, shape: tuple[int, ...]) -> np.ndarray | None:
        if not deviation:
            return None
        return deviation * np.stack([rng.standard_normal(shape, np.float32) for rng in generators])

    def unit(self, name: str) -> np.ndarray:
        """Uniform on 0..1, `(clips,)`."""
        return self._uniform[:, _PLACE[name]]

    def signed(self, name: str) -> np.ndarray:
        """Uniform on -1..1, `(clips,)`."""
        return 2 * self.unit(name) - 1

    def vector(self, number: int) -> np.ndarray:
        """Uniform on -1..1, `(clips, 3)`; 0: shift, 1: stretch."""
        first = len(_NAMES) + number * AXES
        return 2 * self._uniform[:, first : first + AXES] - 1

    def per_point(self, number: int) -> np.ndarray:
        """Uniform on 0..1, `(clips, points)`; 0: limbs, 1: order in which points are lost."""
        first = len(_NAMES) + _VECTORS + number * self.points
        return self._uniform[:, first : first + self.points]
