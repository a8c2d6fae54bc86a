"""One clip at a time, whatever it consists of: its length in an epoch, its frames and its labels.

What a clip looks like depends on (seed, epoch, sample id) alone, so neither the order of loading
nor parallelism nor a resumed run changes it.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from slr_keras.data.augmentation import NO_RESAMPLING, AugmentationConfig
from slr_keras.data.batch import Clip, FrameSpec, Infeasible, encode_labels, stable_hash
from slr_keras.data.contract_base import Contract
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest
from slr_keras.data.rates import frames_at_rate, indices_at_rate, require_rate
from slr_keras.data.sampling import adjacent_repeats, check_frames, required_frames
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError


class Loader(ABC):
    """Lengths, frames and labels of a manifest's clips, as evaluation or training sees them.

    A kind of clip says what one of its frames is (`frame`), how long clips become, and how one is
    loaded; all else is common.

    Args:
        manifest: the clips.
        vocabulary: turns glosses into labels.
        contract: says what a clip consists of.
        options: how clips are cut, changed and labelled.

    Attributes:
        frame: what one frame of a batch is.
        threads: clips of a batch that are worth loading at the same time.
        augmentation: what changes in training.
        fps: frames a second that the model sees.
        frames: `(clips,)` frames of every clip at that rate; all lengths are counted in them.

    Raises:
        TypeError: an augmentation of another kind of clip.
        UserError: an empty manifest, a clip with no frames or an unknown gloss; names the sample
            where there is one. A clip whose rate is not from 1 to 1000 frames a second.
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
        self.fps = options.fps or contract.fps
        self._rates = [sample.fps or contract.fps for sample in manifest]
        for rate, place in zip(self._rates, places):
            if rate != self.fps:
                require_rate(rate, place, "correct its 'fps'")
        lengths = zip(manifest, self._rates)
        self.frames = np.array([frames_at_rate(s.frames, rate, self.fps) for s, rate in lengths])
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

    @abstractmethod
    def evaluation_length(self, frames: int) -> int:
        """Frames that evaluation makes of a clip of `frames` frames; a multiple of 4."""

    @abstractmethod
    def draw_length(self, rng: np.random.Generator, row: int) -> int:
        """Draw the resampled length of a clip, always the first draw of the clip's generator.

        Batches are planned from it alone.
        """

    @abstractmethod
    def possible_lengths(self) -> np.ndarray:
        """`(clips, ...)` lengths that training may give, evenly spread, without drawing any."""

    @abstractmethod
    def load_drawn(
        self, row: int, rng: np.random.Generator | None, shared: float | None = None
    ) -> Clip:
        """As `load`, with a generator of the caller's; None gives the clip of evaluation."""

    def draw_shared(self, rng: np.random.Generator) -> float | None:
        """Draw what all clips of a training batch have in common; None where nothing is."""
        return None

    def infeasible(self) -> list[Infeasible]:
        """Clips too short for their labels even with all the frames that evaluation takes.

        The rule is that of the last epoch: what only CTC at the start cannot spell is learnt later.
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
        """`(clips,)` frames that each clip needs in an epoch, or in the last one (None)."""
        merged = self.ctc_epochs is None or (epoch is not None and epoch < self.ctc_epochs)
        return self._needed[merged]

    def lengths(self, epoch: int | None = None) -> np.ndarray:
        """`(clips,)` frames of every clip in an epoch of training, or in evaluation (None).

        Nothing is loaded.
        """
        if self.segments is not None:
            return np.full(len(self), self.segments.count)
        if epoch is None or not self.resamples:
            return np.array([self.evaluation_length(n) for n in self.frames.tolist()])
        return np.array([self.draw_length(self.rng(epoch, i), i) for i in range(len(self))])

    def rng(self, epoch: int, row: int) -> np.random.Generator:
        """The generator of a clip in an epoch of training."""
        return np.random.default_rng([self.seed, epoch, self._keys[row]])

    def load(self, row: int, epoch: int | None = None, shared: float | None = None) -> Clip:
        """Load one clip.

        Args:
            row: row in the manifest.
            epoch: epoch of training; None gives the clip as evaluation sees it.
            shared: of `draw_shared`, where a batch has it.

        Returns:
            frames `(time, *frame.shape)` of `frame.dtype`, and labels `(labels,)` int32.

        Raises:
            UserError: the clip cannot be read; names the sample.
        """
        return self.load_drawn(row, None if epoch is None else self.rng(epoch, row), shared)

    def file_frames(self, row: int, indices: np.ndarray | None = None) -> np.ndarray | slice:
        """Which frames of a clip's file the model's frames are, by the rates of both.

        Args:
            row: row in the manifest.
            indices: frames at the model's rate, from 0; all of them if None.

        Returns:
            as many int64 indices, or, for all frames of a clip of the model's own rate, a slice of
            the whole file.
        """
        if self._rates[row] == self.fps:
            return slice(None) if indices is None else indices
        source = indices_at_rate(self.manifest[row].frames, self._rates[row], self.fps)
        return source if indices is None else source[indices]

    def _labels(self, row: int) -> np.ndarray:
        return np.array(self.labels[row], np.int32)

    def _required(self, row: int) -> int:
        # Enough for every epoch, so that a clip's length does not hang on the objective's schedule.
        needed = self.required(epoch=0)[row]
        return int(needed) if self.augmentation.keep_feasible else 0

    def _segment_frames(self, row: int, rng: np.random.Generator | None) -> np.ndarray:
        """The frames that `segments` takes: drawn in training, unless time is to stay as it is."""
        frames = int(self.frames[row])
        if rng is None or self.augmentation.temporal == NO_RESAMPLING:
            return self.segments.centres(frames)
        return self.segments.drawn(rng, frames)
