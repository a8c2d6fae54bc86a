"""Loader of optical flow: stacks of five successive flow fields (docs/papers/stepnet.md §8)."""

from typing import Any

import numpy as np

from slr_keras.data.batch import FrameSpec
from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.video.flow import STEPS
from slr_keras.data.video.flow_files import FlowFile, Recipe, flow_file, source_bytes
from slr_keras.data.video.pixels import Window
from slr_keras.utils.errors import UserError


class FlowLoader(VideoLoader):
    """Optical flow of a manifest's clips, made by `slr flow`.

    A clip of n pictures has the flow fields 0 .. n - 2. Frame p of the model's input is a stack of
    the five fields p .. p + 4, each with x before y: `(height, width, 10)` uint8, 128 for no
    motion. There are max(n - 5, 1) such frames. Fields beyond the last repeat the last field. The
    flow of a single picture is zero. Mirroring negates x: 255 - value.

    If the clip's rate differs from the model's, the frames are sampled at the model's rate, but the
    five fields of a frame are those of successive pictures in the file.

    The arguments are those of `VideoLoader`.

    Raises:
        UserError: the data folder has no flow or flow of another size, or the augmentation changes
            colours; see also `Loader`.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        if self.augmentation.colour:
            raise UserError(
                f"video_augmentation.colour is {self.augmentation.colour}, but optical flow has no "
                "colours; set it to 0"
            )
        self.recipe = Recipe.read(self.manifest.folder)
        if self.recipe.size != self.contract.resize:
            raise UserError(
                f"{self.manifest.folder}: the flow was made from pictures of "
                f"{self.recipe.size[0]} x {self.recipe.size[1]}, but frames.json resizes to "
                f"{self.contract.resize[0]} x {self.contract.resize[1]}; run "
                f"`slr flow {self.manifest.folder}` again"
            )
        self.frame = FrameSpec("video", (*self.contract.crop, 2 * STEPS), "uint8")
        self.frames = np.maximum(self.frames - STEPS, 1)

    def _read(self, row: int, indices: np.ndarray, window: Window) -> np.ndarray:
        sample = self.manifest[row]
        try:
            file = FlowFile(flow_file(self.manifest.folder, sample))
            file.require(self.recipe, sample.frames, source_bytes(sample, self.manifest.folder))
            last = sample.frames - 2
            moments = self.file_frames(row, indices)
            numbers = np.minimum(moments[:, None] + np.arange(STEPS), last)
            fields = file.fields(np.unique(numbers).tolist() if last >= 0 else ())
        except UserError as error:
            raise UserError(f"{self.manifest.where(row)}: {error}") from error.__cause__
        if last < 0:
            return np.full((len(indices), *self.frame.shape), 128, np.uint8)
        seen = {number: _cut(field, window) for number, field in fields.items()}
        clip = np.empty((len(indices), *self.frame.shape), np.uint8)
        for place, stack in enumerate(numbers.tolist()):
            for step, number in enumerate(stack):
                clip[place, ..., 2 * step : 2 * step + 2] = seen[number]
        return clip


def _cut(field: np.ndarray, window: Window) -> np.ndarray:
    """Cut a window out of a field; mirroring negates the horizontal motion."""
    cut = window.cut(field)
    if window.flip:
        cut = np.stack([255 - cut[..., 0], cut[..., 1]], axis=-1)
    return cut
