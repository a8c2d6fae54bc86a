"""Clips with points taken away, to measure what a detector's failures cost."""

import numpy as np

from slr_keras.data.batch import stable_hash
from slr_keras.data.loaders.keypoints import hand_points
from slr_keras.data.manifest import Manifest
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError


class FaultyManifest(Manifest):
    """A manifest whose clips lack points, the same ones whenever a clip is loaded.

    What is taken is missing as a detector would leave it; gaps are then filled, and what cannot
    be filled is marked, exactly as the contract says for any clip.

    Args:
        manifest: the clips as they are.
        points: so many of the model's points are gone from first frame to last.
        hand: a random hand is gone for this share of the clip, in one piece.
        seed: of what is taken.

    Raises:
        UserError: more points than the model sees, a share outside 0..1, or no hand to take.
    """

    def __init__(self, manifest: Manifest, points: int = 0, hand: float = 0.0, seed: int = 0):
        super().__init__(manifest.path, manifest, manifest.contract, manifest.lines)
        seen = len(self.contract.points)
        if not 0 <= points <= seen:
            raise UserError(f"--drop-points {points}: the model sees {seen} points")
        if not 0 <= hand <= 1:
            raise UserError(f"--drop-hand {hand:g}: give a share of the clip between 0 and 1")
        self._hands = hand_points(self.contract)
        if hand and not self._hands:
            raise UserError("--drop-hand: the keypoints of this data have no hands")
        self._points = points
        self._share = hand
        self._seed = seed

    def load(self, index_or_sample: int | Sample) -> np.ndarray:
        """The raw keypoints of a clip, as `Manifest.load`, less what is taken."""
        raw = np.array(super().load(index_or_sample), np.float32)
        sample = self._sample(index_or_sample)
        rng = np.random.default_rng([self._seed, stable_hash(sample.id)])
        rows = np.asarray(self.contract.indices)
        # NaN is missing under every contract; zeros may be a place.
        raw[:, rng.choice(rows, self._points, replace=False)] = np.nan
        if self._share:
            hand = self._hands[rng.integers(len(self._hands))]
            length = round(self._share * len(raw))
            first = int(rng.integers(len(raw) - length + 1))
            raw[first : first + length, rows[list(hand)]] = np.nan
        return raw
