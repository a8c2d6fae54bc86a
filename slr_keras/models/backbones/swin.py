"""The Swin transformer: windows of attention, shifted in turn (specs/ustm.md §3)."""

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.stem import ConvolutionalStem
from slr_keras.models.backbones.window_attention import WindowAttention, swin_dense
from slr_keras.models.layers import PACKAGE, bias_uniform, fan_in_uniform

EPSILON = 1e-5


def _layer_norm(name: str, dtype) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name, dtype=dtype)


@keras.saving.register_keras_serializable(PACKAGE)
class SwinBlock(keras.layers.Layer):
    """x + Attention(LN(x)), then x + MLP(LN(x)); in training whole branches are left out.

    Args:
        heads, window, shift: see `WindowAttention`.
        expansion: width of the MLP over the block's. Defaults to `4`.

    Call arguments:
        inputs: `(frames, height, width, channels)`.
        keep: `(frames, 2)`, factors of the two branches per frame: 0 for a branch left out.
            Defaults to 1 for all.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.swin import SwinBlock
    >>> SwinBlock(heads=2, window=4, shift=2)(np.zeros((1, 8, 8, 8), "float32")).shape
    TensorShape([1, 8, 8, 8])
    """

    def __init__(self, heads: int, window: int = 7, shift: int = 0, expansion: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.window = window
        self.shift = shift
        self.expansion = expansion

    def build(self, inputs_shape, keep_shape=None):
        channels = inputs_shape[-1]
        policy = self.dtype_policy
        self.norm_1 = _layer_norm("norm_1", policy)
        self.attention = WindowAttention(
            self.heads, self.window, self.shift, name="attention", dtype=policy
        )
        self.norm_2 = _layer_norm("norm_2", policy)
        self.widen = swin_dense(self.expansion * channels, "widen", policy)
        self.narrow = swin_dense(channels, "narrow", policy)
        self.norm_1.build(inputs_shape)
        self.attention.build(inputs_shape)
        self.norm_2.build((None, channels))
        self.widen.build((None, channels))
        self.narrow.build((None, self.expansion * channels))

    def call(self, inputs, keep=None):
        height, width, channels = inputs.shape[1:]
        attended = self.attention(self.norm_1(inputs))
        maps = inputs + self._thin(attended, keep, 0)
        # As rows of a matrix: one product in the matrix library.
        rows = self.norm_2(ops.reshape(maps, (-1, channels)))
        rows = self.narrow(ops.gelu(self.widen(rows), approximate=False))
        return maps + self._thin(ops.reshape(rows, (-1, height, width, channels)), keep, 1)

    def _thin(self, branch, keep, column: int):
        if keep is None:
            return branch
        factors = ops.cast(keep[:, column : column + 1], branch.dtype)
        return branch * ops.expand_dims(ops.expand_dims(factors, -1), -1)

    def compute_output_shape(self, inputs_shape, keep_shape=None):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "window": self.window,
            "shift": self.shift,
            "expansion": self.expansion,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class PatchMerging(keras.layers.Layer):
    """Halve a map: four neighbours side by side, normalised, projected to twice the channels.

    Odd sizes are padded with zeros below and right.

    >>> import numpy as np
    >>> from slr_keras.models.backbones.swin import PatchMerging
    >>> PatchMerging()(np.zeros((1, 5, 8, 3), "float32")).shape
    TensorShape([1, 3, 4, 6])
    """

    def build(self, inputs_shape):
        channels = inputs_shape[-1]
        self.norm = _layer_norm("norm", self.dtype_policy)
        self.reduction = swin_dense(2 * channels, "reduction", self.dtype_policy, use_bias=False)
        self.norm.build((None, 4 * channels))
        self.reduction.build((None, 4 * channels))

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        maps = inputs
        if height % 2 or width % 2:
            maps = ops.pad(maps, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
        # The published order: columns outermost.
        corners = [maps[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        rows = ops.reshape(ops.concatenate(corners, axis=-1), (-1, 4 * channels))
        halved = (-1, (height + 1) // 2, (width + 1) // 2, 2 * channels)
        return ops.reshape(self.reduction(self.norm(rows)), halved)

    def compute_output_shape(self, inputs_shape):
        frames, height, width, channels = inputs_shape
        return (frames, (height + 1) // 2, (width + 1) // 2, 2 * channels)


@keras.saving.register_keras_serializable(PACKAGE)
class Swin(Backbone):
    """Swin transformer, version 1, without its classifier; the mean over the last map.

    Reference: Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted
    Windows", ICCV 2021. Numerically equal to torchvision's on the same weights, at any size:
    pixels beyond the last whole patch are dropped, maps are padded to whole windows.

    Args:
        embedding: channels of the first stage; doubled from stage to stage. Defaults to `96`.
        depths: blocks by stage. Defaults to `(2, 2, 6, 2)`, Swin-T.
        heads: attention heads by stage. Defaults to `(3, 6, 12, 24)`.
        window: side of a window. Defaults to `7`.
        patch: side of a patch. Defaults to `4`.
        stochastic_depth: probability that a frame leaves out a branch of the last block in
            training; earlier ones less, linearly from 0 at the first. Defaults to `0.2`.
        stem: channels of the convolutions that stand in place of the linear map of a patch, see
            `ConvolutionalStem`; as many as halve the frame to patches. Defaults to `()`: none, as
            published.

    Call arguments:
        inputs: `(frames, height, width, 3)`, normalised; height and width static.
        valid: `(frames,)`, 1 on frames that the statistics of a stem may see. Defaults to all.
        noise: what `draw` gave.

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
            raise ValueError(f"stem {tuple(stem)} halves {len(stem)} times; patch is {patch}")
        if len(depths) != len(heads):
            raise ValueError(f"depths {depths} and heads {heads} are not of the same stages")
        if not 0 <= stochastic_depth < 1:
            raise ValueError(f"stochastic_depth must be in [0, 1); got {stochastic_depth}")
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
        self.patches_norm = _layer_norm("patches_norm", policy)
        self.patches.build((None, None, None, 3))
        self.patches_norm.build((None, None, None, self.embedding))
        # Lists of (layer, is a block) would hide the layers from Keras: one list of layers.
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
        self.norm = _layer_norm("norm", policy)
        self.norm.build((None, None, None, self.width))

    def _embedding(self, policy):
        """From pixels to tokens."""
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
        """One stage with what comes before it: embedding of patches, or merging.

        Args:
            stage: from 0.
            maps: frames `(frames, height, width, 3)` for stage 0, then maps of the stage before.
            noise: of the whole network, what `draw` gave; None leaves nothing out.
            valid: of stage 0, see the class.
            training: of stage 0: whether a stem takes the batch's statistics.

        Returns:
            `(frames, height', width', embedding * 2 ** stage)`.
        """
        if stage == 0:
            if None in maps.shape[1:]:
                raise ValueError(f"Swin needs frames of a known size; got {maps.shape}")
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
        """Frames without what lies beyond the last whole patch, which a stem would still see."""
        if not self.stem:
            return frames
        height, width = (side // self.patch * self.patch for side in frames.shape[1:3])
        return frames[:, :height, :width]

    def pool(self, maps):
        """The mean over the last map, normalised: `(frames, width)`."""
        return ops.mean(self.norm(maps), axis=(1, 2))

    def map_shape(self, stage: int, height: int, width: int) -> tuple[int, int, int]:
        """(height, width, channels) of a stage's maps for frames of this size."""
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
