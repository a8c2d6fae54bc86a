"""Encoder from clips to one vector per frame: Swin with temporal adapters between its stages."""

import keras
from keras import ops

from slr_keras.models.backbones import Swin
from slr_keras.models.backbones.chunks import (
    check_chunk,
    over_chunks_recomputed,
    over_chunks_with_state,
)
from slr_keras.models.backbones.costs import frame_multiply_adds
from slr_keras.models.backbones.encoder import BackboneEncoder
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE
from slr_keras.models.temporal import padded_length
from slr_keras.models.ustm.packing import pack, unpack
from slr_keras.models.ustm.tape import REACH, TemporalAdapter


@keras.saving.register_keras_serializable(PACKAGE)
class ClipEncoder(BackboneEncoder):
    """Swin with a temporal adapter after the last block of every stage.

    See docs/papers/ustm.md §1, §4.1.

    Swin's blocks read one frame; an adapter also reads the 4 frames before and after it. In
    evaluation, `chunk` frames at a time pass through the whole network, together with the last 8
    maps of every stage, which the adapters read again. Memory is then that of one chunk, the pixels
    and the vectors, independent of the clip's length. In training, the statistics of an adapter's
    normalisation need all maps of the batch; with `recompute` (gradient checkpointing) only these
    are stored, and the blocks' activations are computed again chunk by chunk.

    Clips are lengthened first by copies of their first and last frame, see `pack`.

    Args:
        backbone: a `Swin`.
        adapter_width: channels within the adapters (bottleneck width); 0 for no adapters. Defaults
            to `64`.
        positions: rows of the adapters' position table, see `TemporalAdapter`. Defaults to `1000`.
        skip: weight of the adapters' residual connection, see `TemporalAdapter`. Defaults to `2.0`.
        masked: `False` for the published form, in which clips are lengthened to the longest of the
            batch and all added frames count in the statistics. Defaults to `True`: in evaluation,
            each clip's result is that of the published form on this clip alone.
        pixels: mode of `PixelNormalization`. Defaults to `"slowfast"`.
        chunk: frames that the network computes at once; `0` for all. Defaults to `0`.
        recompute: whether training recomputes the blocks' activations; needs a chunk. Defaults to
            `False`.
        kwargs: `name` and `dtype` of the layer.

    Call arguments:
        video: `(batch, frames, height, width, 3)`, integers or floats; height and width static.
        mask: `(batch, frames)`, 1 on real frames, which come first.

    Returns:
        - vectors `(batch, 4 ceil(frames / 4) + 12, backbone.width)`; with `masked`, 0 after the
          lengthened end of each clip;
        - their mask, float32.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import make_backbone
    >>> from slr_keras.models.ustm import ClipEncoder
    >>> encoder = ClipEncoder(make_backbone("swin_micro"), adapter_width=8, chunk=4)
    >>> vectors, valid = encoder(np.zeros((1, 5, 32, 32, 3), "uint8"), np.ones((1, 5), "float32"))
    >>> vectors.shape, int(valid.numpy().sum())
    (TensorShape([1, 20, 128]), 20)
    """

    def __init__(
        self,
        backbone: Swin,
        adapter_width: int = 64,
        positions: int = 1000,
        skip: float = 2.0,
        masked: bool = True,
        pixels: str = "slowfast",
        chunk: int = 0,
        recompute: bool = False,
        **kwargs,
    ):
        super().__init__(backbone, pixels, recompute, **kwargs)
        if not isinstance(backbone, Swin):
            raise OptionError(f"backbone {backbone.name!r} is not a Swin; adapters need its stages")
        check_chunk(chunk, recompute)
        if recompute and backbone.batch_statistics:
            raise OptionError(
                f"the stem of backbone {backbone.name!r} normalises over all frames of a training "
                "step, which chunks that are recomputed would change; set recompute to false"
            )
        self.adapter_width = adapter_width
        self.positions = positions
        self.skip = skip
        self.masked = masked
        self.chunk = chunk
        self.stages = len(backbone.depths)
        self.adapters = [
            TemporalAdapter(
                adapter_width, positions, skip, name=f"adapter_{stage}", dtype=self.dtype_policy
            )
            for stage in range(self.stages if adapter_width else 0)
        ]

    def build(self, video_shape, mask_shape=None):
        self.frame_size = tuple(video_shape[2:4])
        self.build_backbone((None, *video_shape[2:]))
        for stage, adapter in enumerate(self.adapters):
            adapter.build((None, *self._map_shape(stage)))

    def call(self, video, mask, training=False):
        # Frozen, it gives the same vectors in training as in evaluation.
        training = training and self.trainable
        packing = pack(mask, self.masked)
        frames = ops.reshape(video, (-1, *video.shape[2:]))
        if self.chunk and not training:
            features = self._streamed(frames, packing)
        else:
            features = self._whole(frames, packing, training)
        return unpack(features, packing), packing.valid

    def _whole(self, frames, packing, training):
        """Vectors of the sequence; each stage computes all frames before the next stage."""
        recompute = training and self.recompute
        count = ops.shape(packing.sources)[0]
        rows = packing[:4]
        if recompute:
            # The last chunk is filled with frames of a gap: source and place 0, and not inside.
            rows = [ops.pad(row, ((0, -count % self.chunk),)) for row in rows]
        maps, places, inside, counted = rows
        noise = self.backbone.draw(ops.shape(maps)[0]) if training else None
        for stage in range(self.stages):
            if recompute:
                maps = self._recomputed(stage, frames, maps, noise)
            else:
                maps = self._blocks(stage, frames, maps, noise, counted, training)
            if self.adapters:
                adapter = self.adapters[stage]
                maps = adapter(maps, places, inside, counted, training=training)
        return self.backbone.pool(maps)[:count]

    def _streamed(self, frames, packing):
        """Vectors of the sequence; `chunk` frames at a time pass through all stages.

        An adapter needs 4 frames after a chunk to compute the chunk's maps. Therefore every stage
        is 4 frames behind the stage before it.
        """
        reach = REACH if self.adapters else 0
        count = ops.shape(packing.sources)[0]
        delay = self.stages * reach
        behind = delay + -(count + delay) % self.chunk
        before = delay + reach
        sources = ops.pad(packing.sources, ((0, behind),))
        places = ops.pad(packing.places, ((before, behind),))
        inside = ops.pad(packing.inside, ((before, behind),))
        window = self.chunk + 2 * reach
        dtype = self.backbone.compute_dtype

        def step(seen, first, maps):
            kept = []
            for stage in range(self.stages):
                maps = self._blocks(stage, frames, maps)
                maps = ops.concatenate([seen[stage], maps])
                kept.append(maps[self.chunk :])
                if self.adapters:
                    start = (first + (self.stages - 1 - stage) * reach,)
                    here = (ops.slice(row, start, (window,)) for row in (places, inside))
                    maps = self.adapters[stage](maps, *here)[reach : reach + self.chunk]
            return kept, self.backbone.pool(maps)

        seen = [
            ops.zeros((2 * reach, *self._map_shape(stage)), dtype) for stage in range(self.stages)
        ]
        shape = (self.backbone.width,)
        features = over_chunks_with_state(step, seen, sources, self.chunk, shape, dtype)
        return features[delay : delay + count]

    def _blocks(self, stage, frames, maps, noise=None, counted=None, training=False):
        """Swin's blocks of a stage; stage 0 takes indices of frames instead of maps."""
        if stage == 0:
            maps = self.normalization(ops.take(frames, maps, axis=0))
        return self.backbone.run_stage(stage, maps, noise, counted, training)

    def _recomputed(self, stage, frames, maps, noise):
        """`_blocks` chunk by chunk, computed again for the gradient."""
        return over_chunks_recomputed(
            lambda maps, *noise: self._blocks(stage, frames, maps, *noise),
            [maps] if noise is None else [maps, noise],
            self.chunk,
            self._map_shape(stage),
            self.backbone.compute_dtype,
            self.backbone.stage_variables(stage),
            differentiable=int(stage > 0),
        )

    def _map_shape(self, stage: int) -> tuple[int, int, int]:
        return self.backbone.map_shape(stage, *self.frame_size)

    def compute_output_shape(self, video_shape, mask_shape=None):
        batch, frames = video_shape[:2]
        length = None if frames is None else padded_length(frames)
        return (batch, length, self.backbone.width), (batch, length)

    def compute_output_spec(self, video, mask, training=False):
        vectors, valid = self.compute_output_shape(video.shape)
        return keras.KerasTensor(vectors, self.compute_dtype), keras.KerasTensor(valid, "float32")

    def multiply_adds(self, video_shape, mask_shape=None) -> int:
        """Multiply-adds for `(batch, frames, height, width, 3)`, all frames real."""
        batch, frames, height, width, _ = video_shape
        count = batch * padded_length(frames)
        total = count * frame_multiply_adds(self.backbone, height, width)
        for stage, adapter in enumerate(self.adapters):
            total += adapter.multiply_adds((count, *self._map_shape(stage)))
        return total

    def get_config(self):
        return {
            **super().get_config(),
            "adapter_width": self.adapter_width,
            "positions": self.positions,
            "skip": self.skip,
            "masked": self.masked,
            "chunk": self.chunk,
        }
