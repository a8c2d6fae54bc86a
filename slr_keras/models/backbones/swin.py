"""The Swin transformer, version 1 (docs/papers/ustm.md §3)."""

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.stem import ConvolutionalStem
from slr_keras.models.backbones.swin_block import PatchMerging, SwinBlock, layer_norm
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE, bias_uniform, fan_in_uniform


@keras.saving.register_keras_serializable(PACKAGE)
class Swin(Backbone):
    """Swin transformer without its classifier: the mean over the last map.

    Reference: Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted
    Windows", ICCV 2021. Numerically equal to torchvision's on the same weights at any frame
    size: pixels beyond the last whole patch are dropped, maps are padded to whole windows.

    Args:
        embedding: channels of the first stage (embed_dim); each later stage has twice as many.
            Defaults to `96`.
        depths: number of blocks in each stage. Defaults to `(2, 2, 6, 2)`, Swin-T.
        heads: number of attention heads in each stage (num_heads). Defaults to `(3, 6, 12, 24)`.
        window: side of a window in tokens (window_size). Defaults to `7`.
        patch: side of a patch in pixels (patch_size). Defaults to `4`.
        stochastic_depth: probability that the last block drops a residual branch of a frame in
            training (drop_path); it falls linearly to 0 at the first block. Defaults to `0.2`.
        stem: channels of the convolutions of a `ConvolutionalStem`, which replaces the linear patch
            embedding; log2(patch) of them. Defaults to `()`: the linear embedding, as published.

    Call arguments:
        inputs: `(frames, height, width, 3)`, normalised; height and width static.
        valid: `(frames,)`, 1 on frames that count in the batch statistics of a stem. Defaults to
            all.
        noise: the result of `draw`. Defaults to `None`: drawn by the call in training.

    Returns:
        `(frames, embedding * 2 ** (stages - 1))`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import make_backbone
    >>> make_backbone("swin_micro")(np.zeros((2, 32, 32, 3), "float32")).shape
    TensorShape([2, 128])
    """

    def __init__(
        self,
        embedding: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        heads: tuple[int, ...] = (3, 6, 12, 24),
        window: int = 7,
        patch: int = 4,
        stochastic_depth: float = 0.2,
        stem: tuple[int, ...] = (),
        **kwargs,
    ):
        super().__init__(**kwargs)
        if stem and patch != 2 ** len(stem):
            raise OptionError(f"stem {tuple(stem)} halves {len(stem)} times; patch is {patch}")
        if len(depths) != len(heads):
            raise OptionError(f"depths {depths} and heads {heads} are not of the same stages")
        if not 0 <= stochastic_depth < 1:
            raise OptionError(f"stochastic_depth must be in [0, 1); got {stochastic_depth}")
        self.embedding = embedding
        self.depths = tuple(depths)
        self.heads = tuple(heads)
        self.window = window
        self.patch = patch
        self.stochastic_depth = stochastic_depth
        self.stem = tuple(stem)
        self.batch_statistics = bool(stem)
        self.width = embedding * 2 ** (len(depths) - 1)
        self.seeds = keras.random.SeedGenerator() if stochastic_depth else None

    def build(self, inputs_shape, valid_shape=None, noise_shape=None):
        policy = self.dtype_policy
        self.patches = self._embedding(policy)
        self.patches_norm = layer_norm("patches_norm", policy)
        self.patches.build((None, None, None, 3))
        self.patches_norm.build((None, None, None, self.embedding))
        # One plain list of layers: Keras does not track layers in tuples within lists.
        self.steps = []
        for stage, (depth, heads) in enumerate(zip(self.depths, self.heads)):
            channels = self.embedding * 2**stage
            if stage:
                merging = PatchMerging(name=f"stage_{stage}_merging", dtype=policy)
                merging.build((None, None, None, channels // 2))
                self.steps.append(merging)
            for index in range(depth):
                # Every other block is shifted by half a window.
                shift = self.window // 2 if index % 2 else 0
                name = f"stage_{stage}_block_{index}"
                block = SwinBlock(heads, self.window, shift, name=name, dtype=policy)
                block.build((None, None, None, channels))
                self.steps.append(block)
        self.norm = layer_norm("norm", policy)
        self.norm.build((None, None, None, self.width))

    def _embedding(self, policy):
        """The layer from pixels to tokens."""
        if self.stem:
            return ConvolutionalStem(self.stem, self.embedding, name="stem", dtype=policy)
        return keras.layers.Conv2D(
            self.embedding,
            self.patch,
            strides=self.patch,
            kernel_initializer=fan_in_uniform(),
            bias_initializer=bias_uniform(3 * self.patch**2),
            name="patches",
            dtype=policy,
        )

    def draw(self, frames):
        """Factors of every branch, `(frames, 2 * blocks)`: 0, or 1 / (1 - its probability)."""
        if self.seeds is None:
            return None
        blocks = sum(self.depths)
        survival = [
            1 - self.stochastic_depth * index / max(blocks - 1, 1)
            for index in range(blocks)
            for _ in range(2)
        ]
        survival = ops.convert_to_tensor(survival, "float32")
        noise = keras.random.uniform((frames, 2 * blocks), dtype="float32", seed=self.seeds)
        return ops.cast(noise < survival, "float32") / survival

    def call(self, inputs, valid=None, noise=None, training=False):
        if training and noise is None:
            noise = self.draw(ops.shape(inputs)[0])
        maps = inputs
        for stage in range(len(self.depths)):
            maps = self.run_stage(stage, maps, noise if training else None, valid, training)
        return self.pool(maps)

    def run_stage(self, stage: int, maps, noise=None, valid=None, training=False):
        """Apply one stage, including the patch embedding or patch merging in front of its blocks.

        Args:
            stage: index of the stage, from 0.
            maps: frames `(frames, height, width, 3)` for stage 0, otherwise the maps of the
                previous stage.
            noise: the result of `draw` for the whole network; None drops no branch.
            valid: for stage 0, see the class.
            training: for stage 0, whether a stem normalises by the statistics of the batch.

        Returns:
            `(frames, height', width', embedding * 2 ** stage)`.
        """
        if stage == 0:
            if None in maps.shape[1:]:
                raise OptionError(f"Swin needs frames of a known size; got {maps.shape}")
            maps = self._cropped(maps)
            if self.stem:
                maps = self.patches(maps, valid=valid, training=training)
            else:
                maps = self.patches(maps)
            maps = self.patches_norm(maps)
        first = sum(self.depths[:stage])
        # Every stage but the first begins with its merging.
        start = first + max(stage - 1, 0)
        block = first
        for step in self.steps[start : start + self.depths[stage] + (stage > 0)]:
            if isinstance(step, PatchMerging):
                maps = step(maps)
                continue
            keep = None if noise is None else noise[:, 2 * block : 2 * block + 2]
            maps = step(maps, keep=keep)
            block += 1
        return maps

    def _cropped(self, frames):
        """Frames without pixels beyond the last whole patch, which a stem would still read."""
        if not self.stem:
            return frames
        height, width = (side // self.patch * self.patch for side in frames.shape[1:3])
        return frames[:, :height, :width]

    def pool(self, maps):
        """Normalise the last maps and average over them: `(frames, width)`."""
        return ops.mean(self.norm(maps), axis=(1, 2))

    def map_shape(self, stage: int, height: int, width: int) -> tuple[int, int, int]:
        """(height, width, channels) of a stage's maps for frames of this size in pixels."""
        height, width = height // self.patch, width // self.patch
        for _ in range(stage):
            height, width = -(-height // 2), -(-width // 2)
        return height, width, self.embedding * 2**stage

    def stage_variables(self, stage: int) -> list[keras.Variable]:
        """The trainable variables that `run_stage` uses."""
        prefix = f"{self.path}/stage_{stage}_"
        early = [] if stage else [*self.patches.variables, *self.patches_norm.variables]
        inside = [v for step in self.steps for v in step.variables if v.path.startswith(prefix)]
        used = {id(variable) for variable in [*early, *inside]}
        return [variable for variable in self.trainable_variables if id(variable) in used]

    def get_config(self):
        return {
            **super().get_config(),
            "embedding": self.embedding,
            "depths": self.depths,
            "heads": self.heads,
            "window": self.window,
            "patch": self.patch,
            "stochastic_depth": self.stochastic_depth,
            "stem": self.stem,
        }
