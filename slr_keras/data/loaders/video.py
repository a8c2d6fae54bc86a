"""Loader of video: resize and crop, and augment in training (docs/papers/c2st.md §2.1)."""

import math
import os

import numpy as np

from slr_keras.data.batch import Clip, FrameSpec
from slr_keras.data.loaders.base import Loader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.video.augmentation import (
    VideoAugmentationConfig,
    draw_colours,
    draw_window,
    recolour,
    rescaled_indices,
    rescaled_length,
)
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window, resize
from slr_keras.data.vocabulary import Vocabulary

# Number of sampled lengths per clip in `possible_lengths`.
_LENGTHS = 9
_MOST_THREADS = 16


class VideoLoader(Loader):
    """Pictures of a manifest's clips, in evaluation or training form.

    Evaluation uses all frames, repeats the last one up to a multiple of 4, and crops the centre.
    From a clip longer than `max_frames`, evaluation uses the central frames. The contract specifies
    size, resizing and crop of the pictures. The arguments are those of `Loader`.
    """

    augmentation_class = VideoAugmentationConfig
    contract: FrameContract

    def __init__(
        self,
        manifest: Manifest,
        vocabulary: Vocabulary,
        contract: FrameContract,
        options: ClipOptions | None = None,
    ):
        super().__init__(manifest, vocabulary, contract, options)
        self.frame = FrameSpec("video", contract.shape, "uint8")
        # Decoding, resizing and reading release the interpreter lock.
        self.threads = min(os.cpu_count() or 1, _MOST_THREADS)

    @property
    def resamples(self) -> bool:
        """Whether training changes lengths."""
        return self.segments is None and self.augmentation.resamples

    def evaluation_length(self, frames: int) -> int:
        """Length in evaluation of a clip of `frames` frames; a multiple of 4."""
        return min(math.ceil(frames / REDUCTION) * REDUCTION, self.max_frames)

    def draw_length(self, rng: np.random.Generator, row: int) -> int:
        """Draw the rescaled length of a clip."""
        low, high = self.augmentation.temporal_range
        fraction = low + (high - low) * rng.random()
        return self._length(fraction, row)

    def possible_lengths(self) -> np.ndarray:
        """Nine evenly spaced lengths `(clips, 9)` of each clip that training may give."""
        fractions = np.linspace(*self.augmentation.temporal_range, _LENGTHS).tolist()
        return np.array([[self._length(f, row) for f in fractions] for row in range(len(self))])

    def load_drawn(
        self, row: int, rng: np.random.Generator | None, shared: float | None = None
    ) -> Clip:
        """Pictures `(time, height, width, 3)` uint8, RGB, and labels."""
        picture = self.contract.resize[::-1]
        if rng is None:
            indices = self._indices(None, row)
            return self._read(row, indices, self._centre), *self._targets(row, indices)
        indices = self._indices(rng, row)
        window = draw_window(rng, picture, self.contract.crop, self.augmentation)
        colours = draw_colours(rng, self.augmentation)
        frames = recolour(self._read(row, indices, window), colours)
        return frames, *self._targets(row, indices)

    @property
    def _centre(self) -> Window:
        return Window.centre(self.contract.resize[::-1], self.contract.crop)

    def _length(self, fraction: float, row: int) -> int:
        frames, required = int(self.frames[row]), self._required(row)
        return rescaled_length(fraction, frames, self.augmentation, self.max_frames, required)

    def _indices(self, rng: np.random.Generator | None, row: int) -> np.ndarray:
        if self.segments is not None:
            return self._segment_frames(row, rng)
        if rng is None or not self.resamples:
            return self._evaluation_indices(row)
        length = self.draw_length(rng, row)
        return rescaled_indices(rng, int(self.frames[row]), length, self.augmentation.temporal)

    def _evaluation_indices(self, row: int) -> np.ndarray:
        frames = int(self.frames[row])
        first = max(frames - self.max_frames, 0) // 2
        return np.minimum(first + np.arange(self.evaluation_length(frames)), frames - 1)

    def _read(self, row: int, indices: np.ndarray, window: Window) -> np.ndarray:
        wanted, copies = np.unique(self.file_frames(row, indices), return_counts=True)
        clip = np.empty((len(indices), *self.frame.shape), np.uint8)
        place = 0
        for frame, count in zip(self.manifest.video_frames(row, wanted.tolist()), copies):
            clip[place : place + count] = window.cut(resize(frame, self.contract.resize))
            place += count
        return clip
