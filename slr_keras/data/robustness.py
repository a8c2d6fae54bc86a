"""Clips with removed keypoints or turned bodies, to measure how robust a recogniser is."""

import numpy as np

from slr_keras.data.batch import stable_hash
from slr_keras.data.loaders.keypoints import hand_points
from slr_keras.data.manifest import Manifest
from slr_keras.data.sample import Sample
from slr_keras.data.turning import turned
from slr_keras.utils.errors import UserError


class DegradedManifest(Manifest):
    """A manifest whose clips lack keypoints or are turned; the same each time a clip is loaded.

    Removed points are missing as if the detector had failed. The contract fills gaps and marks
    missing points as for any other clip. The body is turned before points are removed.

    Args:
        manifest: the original clips.
        points: number of the model's points that are removed from all frames of each clip.
        hand: fraction of the frames of each clip, 0 to 1, in which a random hand is removed; the
            frames are consecutive.
        seed: seed of the random choices.
        turn: angle in degrees by which the body is turned about the vertical axis, see `turned`.

    Raises:
        UserError: `points` exceeds the number of points, `hand` is outside 0..1, or the contract
            has no hands.
    """

    def __init__(
        self,
        manifest: Manifest,
        points: int = 0,
        hand: float = 0.0,
        seed: int = 0,
        turn: float = 0.0,
    ):
        super().__init__(manifest.path, manifest, manifest.contract, manifest.lines)
        seen = len(self.contract.points)
        if not 0 <= points <= seen:
            raise UserError(
                f"--drop-points {points}: the model reads {seen} points; give 0 to {seen}"
            )
        if not 0 <= hand <= 1:
            raise UserError(f"--drop-hand {hand:g}: give a fraction of the clip between 0 and 1")
        self._hands = hand_points(self.contract)
        if hand and not self._hands:
            raise UserError("--drop-hand: the keypoints of this data have no hands")
        self._points = points
        self._hand_fraction = hand
        self._seed = seed
        self._turn = turn

    def load(self, index_or_sample: int | Sample) -> np.ndarray:
        """The raw keypoints of a clip, as in `Manifest.load`: turned, removed points as NaN."""
        raw = turned(super().load(index_or_sample), self.contract, self._turn)
        sample = self._sample(index_or_sample)
        rng = np.random.default_rng([self._seed, stable_hash(sample.id)])
        rows = np.asarray(self.contract.indices)
        # NaN is missing under every contract; zero may be a valid position.
        raw[:, rng.choice(rows, self._points, replace=False)] = np.nan
        if self._hand_fraction:
            hand = self._hands[rng.integers(len(self._hands))]
            length = round(self._hand_fraction * len(raw))
            first = int(rng.integers(len(raw) - length + 1))
            raw[first : first + length, rows[list(hand)]] = np.nan
        return raw
