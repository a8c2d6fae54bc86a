"""One clip at a time: how long it becomes in an epoch, and its keypoints and labels.

What a clip looks like depends on (seed, epoch, sample id) alone, so neither the order of loading
nor parallelism nor a resumed run changes it.
"""

import re

import numpy as np

from slr_keras.data.augmentation import NO_RESAMPLING, AugmentationConfig, lost_points, transform
from slr_keras.data.batch import Clip, Infeasible, encode_labels, stable_hash
from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import (
    MAX_FRAMES,
    adjacent_repeats,
    check_frames,
    check_max_frames,
    evaluation_indices,
    evaluation_length,
    required_frames,
    training_indices,
    training_length,
)
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError

HAND = re.compile("hand|thumb|index|middle|ring|little|pinky")


class ClipLoader:
    """Lengths, keypoints and labels of a manifest's clips, as evaluation or training sees them.

    Args:
        manifest: the clips.
        vocabulary: turns glosses into labels.
        contract: selects, repairs and normalises points.
        augmentation: what changes in training.
        seed: of everything random, not negative.
        max_frames: longest clip; longer ones are cut, a multiple of 4.
        unknown: "error" refuses glosses outside the vocabulary, "unk" maps them to <unk>.

    Raises:
        UserError: an empty manifest, a clip with no frames, an unknown gloss, a negative seed or
            bad `max_frames`; names the sample where there is one.
    """

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: KeypointContract,
        augmentation: AugmentationConfig,
        seed: int = 0,
        max_frames: int = MAX_FRAMES,
        unknown: str = "error",
    ):
        if not len(manifest):
            raise UserError(f"{manifest.path}: the manifest has no samples; add some")
        if seed < 0:
            raise UserError(f"seed is {seed}; it must not be negative")
        check_max_frames(max_frames)
        places = [
            f"{manifest.path}:{line}: sample {sample.id!r}"
            for line, sample in zip(manifest.lines, manifest)
        ]
        for sample, place in zip(manifest, places):
            check_frames(sample.frames, place)
        self.manifest = manifest
        self.contract = contract
        self.augmentation = augmentation
        self.seed = seed
        self.max_frames = max_frames
        self.frames = np.array([sample.frames for sample in manifest])
        self.labels = [
            encode_labels(sample, vocabulary, unknown, place)
            for sample, place in zip(manifest, places)
        ]
        self.required = np.array([required_frames(labels) for labels in self.labels])
        self._keys = [stable_hash(sample.id) for sample in manifest]
        self._hands = hand_points(contract)

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def resamples(self) -> bool:
        """Whether training changes lengths."""
        return self.augmentation.temporal != NO_RESAMPLING

    def infeasible(self) -> list[Infeasible]:
        """Clips too short for their labels even with all the frames that evaluation takes."""
        return [
            Infeasible(sample.id, sample.frames, len(labels), adjacent_repeats(labels))
            for sample, labels, length, required in zip(
                self.manifest, self.labels, self.lengths(), self.required
            )
            if length < required
        ]

    def lengths(self, epoch: int | None = None) -> np.ndarray:
        """`(clips,)` frames of every clip in an epoch of training, or in evaluation (None).

        Nothing is loaded.
        """
        if epoch is None or not self.resamples:
            return np.array([evaluation_length(n, self.max_frames) for n in self.frames.tolist()])
        return np.array([self._draw_length(self.rng(epoch, i), i) for i in range(len(self))])

    def rng(self, epoch: int, row: int) -> np.random.Generator:
        """The generator of a clip in an epoch of training."""
        return np.random.default_rng([self.seed, epoch, self._keys[row]])

    def load(self, row: int, epoch: int | None = None, angle: float | None = None) -> Clip:
        """Load one clip.

        Args:
            row: row in the manifest.
            epoch: epoch of training; None gives the clip as evaluation sees it.
            angle: rotation in radians, where a batch has one for all.

        Returns:
            keypoints `(time, points, channels)` float32 and labels `(labels,)` int32.

        Raises:
            UserError: the clip cannot be read; names the sample.
        """
        return self.load_drawn(row, None if epoch is None else self.rng(epoch, row), angle)

    def load_drawn(
        self, row: int, rng: np.random.Generator | None, angle: float | None = None
    ) -> Clip:
        """As `load`, with a generator of the caller's."""
        points = self.contract.select(self.manifest.load(row))
        labels = np.array(self.labels[row], np.int32)
        if rng is None:
            indices = evaluation_indices(len(points), self.max_frames)
            return self._prepare(points)[indices], labels
        indices = self._draw_indices(rng, row)
        lost = lost_points(rng, *points.shape[:2], self._hands, self.augmentation)
        # NaN is missing under every contract; zeros may be a place.
        points[lost] = np.nan
        points = self._prepare(points)[indices]
        return transform(rng, points, self.augmentation, self.contract.mirror, angle), labels

    def _draw_length(self, rng: np.random.Generator, row: int) -> int:
        # Always the first draw of a clip's generator: batches are planned from it alone.
        required = int(self.required[row]) if self.augmentation.keep_feasible else 0
        frames, ratio = int(self.frames[row]), self.augmentation.temporal_range
        return training_length(rng, frames, self.max_frames, ratio, required)

    def _draw_indices(self, rng: np.random.Generator, row: int) -> np.ndarray:
        frames = int(self.frames[row])
        if not self.resamples:
            return evaluation_indices(frames, self.max_frames)
        length = self._draw_length(rng, row)
        return training_indices(rng, frames, length, self.augmentation.temporal)

    def _prepare(self, selected: np.ndarray) -> np.ndarray:
        return self.contract.normalise(self.contract.fill_gaps(selected))


def hand_points(contract: KeypointContract) -> list[tuple[int, ...]]:
    """Indices of each hand's points, for the hands that the contract has as streams.

    They are the points of the "left" and "right" streams that are named after a hand or a finger.

    >>> from slr_keras.data.clips import hand_points
    >>> from slr_keras.data.contract import contract
    >>> [len(hand) for hand in hand_points(contract("coco_wholebody_133"))]
    [21, 21]
    """
    hands = []
    for stream in ("left", "right"):
        points = contract.streams.get(stream, ())
        hands.append(tuple(point for point in points if HAND.search(contract.points[point])))
    return [hand for hand in hands if hand]
