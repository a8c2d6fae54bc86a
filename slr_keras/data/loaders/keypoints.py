"""Loader of keypoints: select points, fill gaps, normalise, and augment in training."""

import re
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from slr_keras.data.augmentation import (
    NO_RESAMPLING,
    AugmentationConfig,
    draw_angle,
    lost_points,
    transform,
)
from slr_keras.data.batch import Clip, FrameSpec
from slr_keras.data.bucketing import expected_lengths
from slr_keras.data.contract import KeypointContract
from slr_keras.data.distortion import augmented_clips
from slr_keras.data.loaders.base import Loader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.loaders.prepared import PreparedClips
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import (
    evaluation_indices,
    evaluation_length,
    training_indices,
    training_length,
)
from slr_keras.data.skeleton import FINGER, HAND, Skeleton
from slr_keras.data.vocabulary import Vocabulary

#: Largest size of a batch of whole clips, and most clips in it.
WHOLE_BYTES, WHOLE_CLIPS = 2**26, 512

HAND_POINT = re.compile(f"{HAND.pattern}|{FINGER.pattern}")


class KeypointLoader(Loader):
    """Keypoints of a manifest's clips, in evaluation or training form.

    The contract selects points, fills gaps and normalises. The arguments are those of `Loader`.
    """

    augmentation_class = AugmentationConfig
    contract: KeypointContract

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: KeypointContract,
        options: ClipOptions | None = None,
    ):
        super().__init__(manifest, vocabulary, contract, options)
        self.frame = FrameSpec("keypoints", (len(contract.points), len(contract.channels)))
        self._hands = hand_points(contract)
        self._checked = np.zeros(len(manifest), bool)
        self._skeleton = Skeleton.of(contract)
        self._prepared = PreparedClips(self._whole, self.frames, self.frame.nbytes)

    @property
    def resamples(self) -> bool:
        """Whether training changes lengths."""
        fixed = self.segments is not None or self.steps
        return not fixed and self.augmentation.temporal != NO_RESAMPLING

    def evaluation_length(self, frames: int) -> int:
        """Length in evaluation of a clip of `frames` frames; a multiple of 4."""
        return evaluation_length(frames, self.max_frames)

    def draw_length(self, rng: np.random.Generator, row: int) -> int:
        """Draw the resampled length of a clip (docs/papers/stark.md §1.6)."""
        frames, ratio = int(self.frames[row]), self.augmentation.temporal_range
        return training_length(rng, frames, self.max_frames, ratio, self._required(row))

    def possible_lengths(self) -> np.ndarray:
        """Nine evenly spaced lengths `(clips, 9)` of each clip that training may give."""
        return expected_lengths(self.frames, self.augmentation.temporal_range, self.max_frames)

    def draw_shared(self, rng: np.random.Generator) -> float | None:
        """The rotation in radians that all clips of a batch share; None if each has its own."""
        if self.augmentation.rotation_per != "batch":
            return None
        return draw_angle(rng, self.augmentation)

    def load_drawn(
        self, row: int, rng: np.random.Generator | None, shared: float | None = None
    ) -> Clip:
        """Keypoints `(time, points, channels)` float32 and labels; `shared` is an angle."""
        if rng is not None and self._distorts:
            length = self.steps or self._drawn_length(rng, row)
            return self._distorted([row], [rng], length)[0]
        points = self._selected(row)
        if rng is None:
            indices = self._indices(None, row)
            return self._prepare(points)[indices], *self._targets(row, indices)
        indices = self._indices(rng, row)
        lost = lost_points(rng, *points.shape[:2], self._hands, self.augmentation)
        # NaN is missing under every contract; zero may be a valid position.
        points[lost] = np.nan
        points = self._prepare(points)[indices]
        points = transform(rng, points, self.augmentation, self.contract.mirror, shared)
        return points, *self._targets(row, indices)

    def load_batch(
        self, rows: Sequence[int], epoch: int | None = None, shared: float | None = None
    ) -> list[Clip]:
        """See `Loader`; clips that are resampled to the same number of steps are made at once."""
        if epoch is None or not self.steps or not rows:
            return super().load_batch(rows, epoch, shared)
        return self._distorted(rows, [self.rng(epoch, row) for row in rows], self.steps)

    @property
    def _distorts(self) -> bool:
        return bool(self.steps) or self.augmentation.distorts

    def _drawn_length(self, rng: np.random.Generator, row: int) -> int:
        if self.segments is not None:
            return self.segments.count
        if self.resamples:
            return self.draw_length(rng, row)
        return self.evaluation_length(int(self.frames[row]))

    def _distorted(
        self, rows: Sequence[int], generators: Sequence[np.random.Generator], frames: int
    ) -> list[Clip]:
        """Augmented clips of the same number of frames, each from its own generator."""
        flat, starts, lengths = self._prepared.of(rows)
        clips, places = augmented_clips(
            flat, starts, lengths, frames, generators, self.augmentation, self._skeleton
        )
        read = np.rint(places * (lengths[:, None] - 1)).astype(int)
        return [(clip, *self._targets(*of)) for clip, *of in zip(clips, rows, read)]

    def whole_batches(self, size: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Every clip of the manifest as it was recorded, prepared, in batches without labels.

        Args:
            size: clips of a batch; None: as many as fit into `WHOLE_BYTES`, and at most
                `WHOLE_CLIPS`.

        Yields:
            "keypoints" `(batch, time, points, channels)`, 0 behind the end of a clip, and "mask".
        """
        if size is None:
            longest = int(self.frames.max(initial=1)) * self.frame.nbytes
            size = min(max(WHOLE_BYTES // longest, 1), WHOLE_CLIPS)
        for first in range(0, len(self.manifest), size):
            rows = range(first, min(first + size, len(self.manifest)))
            flat, starts, lengths = self._prepared.of(rows)
            mask = np.arange(lengths.max()) < lengths[:, None]
            batch = np.zeros((*mask.shape, *self.frame.shape), np.float32)
            batch[mask] = np.concatenate([flat[s : s + n] for s, n in zip(starts, lengths)])
            yield {"keypoints": batch, "mask": mask.astype(np.float32)}

    def _whole(self, row: int) -> np.ndarray:
        """All frames of a clip, prepared."""
        return self._prepare(self._selected(row))

    def _selected(self, row: int) -> np.ndarray:
        """The contract's points of a clip; warns, once for each clip, where none is ever seen."""
        points = self.contract.select(self.manifest.load(row)[self.file_frames(row)])
        if not self._checked[row]:
            self._checked[row] = True
            if self.contract.missing(points).all():
                where = self.manifest.where(row)
                print(
                    f"warning: {where}: all points are missing in all frames; correct or remove "
                    "the clip",
                    file=sys.stderr,
                )
        return points

    def _indices(self, rng: np.random.Generator | None, row: int) -> np.ndarray:
        if self.segments is not None:
            return self._segment_frames(row, rng)
        frames = int(self.frames[row])
        if rng is None or not self.resamples:
            return evaluation_indices(frames, self.max_frames)
        length = self.draw_length(rng, row)
        return training_indices(rng, frames, length, self.augmentation.temporal)

    def _prepare(self, selected: np.ndarray) -> np.ndarray:
        return self.contract.normalise(self.contract.fill_gaps(selected))


def hand_points(contract: KeypointContract) -> list[tuple[int, ...]]:
    """Indices of the points of each hand, for the hands in the contract's streams.

    The points of a hand are those of the "left" or "right" stream whose names contain a hand or a
    finger.

    >>> from slr_keras.data.loaders.keypoints import hand_points
    >>> from slr_keras.data.contract import contract
    >>> [len(hand) for hand in hand_points(contract("coco_wholebody_133"))]
    [21, 21]
    """
    hands = []
    for stream in ("left", "right"):
        points = contract.streams.get(stream, ())
        hands.append(tuple(point for point in points if HAND_POINT.search(contract.points[point])))
    return [hand for hand in hands if hand]
