"""Base of the loaders: lengths in an epoch, frames and labels of single clips.

An augmented clip depends on (seed, epoch, sample id) only, not on the order of loading, on
parallelism, or on whether a run was resumed.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np

from slr_keras.data.augmentation import NO_RESAMPLING, AugmentationConfig
from slr_keras.data.batch import Clip, FrameSpec, Infeasible, encode_labels, stable_hash
from slr_keras.data.contract_base import Contract
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest
from slr_keras.data.rates import require_rate
from slr_keras.data.sampling import adjacent_repeats, check_frames, required_frames
from slr_keras.data.spans import checked_spans, spans_among
from slr_keras.data.times import clip_indices, clip_length
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError


class Loader(ABC):
    """Lengths, frames and labels of a manifest's clips, in evaluation or training form.

    A subclass defines the type of a frame (`frame`), the lengths of clips, and how a clip is
    loaded.

    Args:
        manifest: the clips.
        vocabulary: maps glosses to labels.
        contract: keypoint contract or frame contract.
        options: how clips are cut, augmented and labelled.

    Attributes:
        frame: name, shape and dtype of a frame.
        threads: number of clips of a batch to load in parallel.
        augmentation: augmentation in training.
        fps: frames per second of the model's input.
        spans: whether a clip has spans of its labels as a third array.
        frames: `(clips,)` number of frames of every clip at this rate; all lengths refer to it.

    Raises:
        TypeError: the augmentation is of another modality.
        UserError: the manifest is empty, a clip has no frames or a rate outside 1 to 1000 frames
            per second, or a gloss is unknown; names the sample if there is one.
    """

    augmentation_class: ClassVar[type[AugmentationConfig] | type[VideoAugmentationConfig]]
    frame: FrameSpec
    threads: int = 1

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: Contract,
        options: ClipOptions | None = None,
    ):
        options = options or ClipOptions()
        if not isinstance(options.augmentation, self.augmentation_class | None):
            raise TypeError(
                f"{type(self).__name__} needs {self.augmentation_class.__name__}, "
                f"not {options.augmentation!r}"
            )
        if not len(manifest):
            raise UserError(f"{manifest.path}: the manifest has no samples; add some")
        places = [manifest.where(row) for row in range(len(manifest))]
        for sample, place in zip(manifest, places):
            check_frames(sample.frames, place)
        self.manifest = manifest
        self.contract = contract
        self.augmentation = options.augmentation or self.augmentation_class.none()
        self.seed = options.seed
        self.max_frames = options.max_frames
        self.segments = options.segments
        self.ctc_epochs = options.ctc_epochs
        self.steps = options.steps
        self.spans = options.spans
        self.fps = options.fps or contract.fps
        self._rates = [sample.fps or contract.fps for sample in manifest]
        for rate, place in zip(self._rates, places):
            if rate != self.fps:
                require_rate(rate, place, "correct its 'fps'")
        lengths = zip(manifest, self._rates)
        self.frames = np.array([clip_length(s, rate, self.fps) for s, rate in lengths])
        self.labels = [
            encode_labels(sample, vocabulary, options.unknown, place)
            for sample, place in zip(manifest, places)
        ]
        self._needed = {
            merged: np.array([required_frames(labels, merged) for labels in self.labels])
            for merged in (True, False)
        }
        self._keys = [stable_hash(sample.id) for sample in manifest]

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    @abstractmethod
    def resamples(self) -> bool:
        """Whether training changes lengths."""

    @property
    def most_labels(self) -> int:
        """Largest number of labels of a clip."""
        return max(map(len, self.labels))

    @property
    def lengths_vary(self) -> bool:
        """Whether clips may have other lengths in other epochs."""
        return self.resamples

    @abstractmethod
    def evaluation_length(self, frames: int) -> int:
        """Length in evaluation of a clip of `frames` frames; a multiple of 4."""

    @abstractmethod
    def draw_length(self, rng: np.random.Generator, row: int) -> int:
        """Draw the resampled length of a clip.

        The length is the first draw of the clip's generator, so that batches can be planned without
        loading the clip.
        """

    @abstractmethod
    def possible_lengths(self) -> np.ndarray:
        """Evenly spaced samples `(clips, ...)` of the lengths that training may give."""

    @abstractmethod
    def load_drawn(
        self, row: int, rng: np.random.Generator | None, shared: float | None = None
    ) -> Clip:
        """As `load`, with a given random generator; None gives the clip in evaluation form."""

    def draw_shared(self, rng: np.random.Generator) -> float | None:
        """Draw the value that all clips of a training batch share; None if there is none."""
        return None

    def infeasible(self) -> list[Infeasible]:
        """Clips whose evaluation length is too short for their labels.

        The loss of the last epoch decides: clips that only the initial CTC cannot align are trained
        on later.
        """
        merged = self.ctc_epochs is None
        return [
            Infeasible(
                sample.id, int(frames), len(labels), adjacent_repeats(labels) if merged else 0
            )
            for sample, frames, labels, length, required in zip(
                self.manifest, self.frames, self.labels, self.lengths(), self.required()
            )
            if length < required
        ]

    def required(self, epoch: int | None = None) -> np.ndarray:
        """Frames `(clips,)` that each clip needs in an epoch; None: in the last epoch."""
        merged = self.ctc_epochs is None or (epoch is not None and epoch < self.ctc_epochs)
        return self._needed[merged]

    def lengths(self, epoch: int | None = None) -> np.ndarray:
        """Frames `(clips,)` of every clip in an epoch of training; None: in evaluation.

        No clip is loaded.
        """
        if self.segments is not None:
            return np.full(len(self), self.segments.count)
        if epoch is not None and self.steps:
            return np.full(len(self), self.steps)
        if epoch is None or not self.resamples:
            return np.array([self.evaluation_length(n) for n in self.frames.tolist()])
        return np.array([self.draw_length(self.rng(epoch, i), i) for i in range(len(self))])

    def clip_id(self, row: int, epoch: int) -> str:
        """Name of a clip of an epoch."""
        return self.manifest[row].id

    def where(self, row: int) -> str:
        """File, line and id of a clip, for messages."""
        return self.manifest.where(row)

    def rng(self, epoch: int, row: int) -> np.random.Generator:
        """The random generator of a clip in an epoch of training."""
        return np.random.default_rng([self.seed, epoch, self._keys[row]])

    def load(self, row: int, epoch: int | None = None, shared: float | None = None) -> Clip:
        """Load one clip.

        Args:
            row: row in the manifest.
            epoch: epoch of training; None: evaluation.
            shared: result of `draw_shared` for the batch.

        Returns:
            Frames `(time, *frame.shape)` of dtype `frame.dtype`, labels `(labels,)` int32 and, if
            `spans` is true, spans `(labels, 2)` int32.

        Raises:
            UserError: the clip cannot be read; names the sample.
        """
        return self.load_drawn(row, None if epoch is None else self.rng(epoch, row), shared)

    def load_batch(
        self, rows: Sequence[int], epoch: int | None = None, shared: float | None = None
    ) -> list[Clip]:
        """Load the clips of a batch, with as many threads as `threads`; see `load`."""
        threads = min(self.threads, len(rows))
        if threads <= 1:
            return [self.load(row, epoch, shared) for row in rows]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda row: self.load(row, epoch, shared), rows))

    def file_frames(self, row: int, indices: np.ndarray | None = None) -> np.ndarray | slice:
        """Convert frame numbers at the model's rate to frame numbers of a clip's file.

        Args:
            row: row in the manifest.
            indices: frame numbers at the model's rate; None: all frames.

        Returns:
            int64 indices of the same length; for all frames of a clip that has the model's rate, a
            slice of the complete file.
        """
        sample, rate = self.manifest[row], self._rates[row]
        if rate == self.fps and sample.times is None:
            return slice(None) if indices is None else indices
        source = clip_indices(sample, rate, self.fps)
        return source if indices is None else source[indices]

    def _targets(self, row: int, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Labels and, if asked for, their spans among frame numbers at the model's rate."""
        labels = np.array(self.labels[row], np.int32)
        if not self.spans:
            return (labels,)
        sample = self.manifest[row]
        given = sample.extra.get("spans")
        if given is None:
            return labels, np.zeros((len(labels), 2), np.int32)
        return labels, spans_among(checked_spans(sample, given), self.file_frames(row, indices))

    def _required(self, row: int) -> int:
        # Enough for every epoch, so that lengths do not depend on the schedule of the objective.
        needed = self.required(epoch=0)[row]
        return int(needed) if self.augmentation.keep_feasible else 0

    def _segment_frames(self, row: int, rng: np.random.Generator | None) -> np.ndarray:
        """Frame numbers by `segments`: drawn in training with resampling, else the centres."""
        frames = int(self.frames[row])
        if rng is None or self.augmentation.temporal == NO_RESAMPLING:
            return self.segments.centres(frames)
        return self.segments.drawn(rng, frames)
