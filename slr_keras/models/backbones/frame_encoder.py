"""Encoder from clips to one vector per frame, in bounded memory."""

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.chunks import check_chunk, over_chunks, over_chunks_recomputed
from slr_keras.models.backbones.costs import frame_multiply_adds
from slr_keras.models.backbones.encoder import BackboneEncoder
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class FrameEncoder(BackboneEncoder):
    """Run a backbone over the frames of a batch of clips; padding frames are not computed.

    Frames are independent, so that evaluation computes `chunk` of them at a time, with the same
    result in less memory. Training without `recompute` ignores `chunk`, because the gradient needs
    the activations of all frames. With `recompute` (gradient checkpointing) the activations are
    computed again chunk by chunk: memory is that of one chunk, for one more forward pass, and the
    pixels get no gradient. A backbone with batch statistics (ResNet) sees all frames of a training
    step at once.

    Args:
        backbone: a `Backbone`.
        pixels: mode of the `PixelNormalization` of each chunk. Defaults to `None`: frames are
            floats that are normalised already.
        chunk: frames that the backbone computes at once; `0` for all. Defaults to `0`.
        recompute: whether training recomputes activations; needs a chunk. Defaults to `False`.
        skip_padding: whether padding frames are left out of the computation. The number of frames
            is then only known at run time, which XLA does not allow. If `False`, padding frames
            are computed and ignored, with the same result. Defaults to `True`.

    Call arguments:
        video: `(batch, frames, height, width, 3)`, integers or floats; height and width static.
        mask: `(batch, frames)`, 1 on real frames. Defaults to all.

    Returns:
        `(batch, frames, backbone.width)`, 0 on padding.

    Raises:
        OptionError: arguments that contradict each other, or integer frames without `pixels`.

    >>> import numpy as np
    >>> from slr_keras.models.backbones import FrameEncoder, make_backbone
    >>> encoder = FrameEncoder(make_backbone("resnet_micro"), pixels="symmetric", chunk=4)
    >>> encoder(np.zeros((2, 8, 32, 32, 3), "uint8"), np.ones((2, 8), "float32")).shape
    TensorShape([2, 8, 128])
    """

    def __init__(
        self,
        backbone: Backbone,
        pixels: str | None = None,
        chunk: int = 0,
        recompute: bool = False,
        skip_padding: bool = True,
        **kwargs,
    ):
        super().__init__(backbone, pixels, recompute, **kwargs)
        check_chunk(chunk, recompute)
        if not backbone.framewise:
            raise OptionError(
                f"backbone {backbone.name!r} gives no vector for each frame by itself; use one "
                f"such as resnet18"
            )
        if recompute and backbone.batch_statistics:
            raise OptionError(
                f"backbone {backbone.name!r} normalises over all frames of a training step, which "
                f"chunks that are recomputed would change; set recompute to false"
            )
        self.chunk = chunk
        self.skip_padding = skip_padding

    def build(self, video_shape, mask_shape=None):
        self.build_backbone((None, *video_shape[2:]))

    def call(self, video, mask=None, training=False):
        if self.normalization is None and "int" in keras.backend.standardize_dtype(video.dtype):
            raise OptionError("frames are integers: set pixels, or normalise them before")
        # Frozen, it gives the same vectors in training as in evaluation.
        training = training and self.trainable
        batch, time = ops.shape(video)[:2]
        frames = ops.reshape(video, (-1, *video.shape[2:]))
        valid = ops.ones((batch * time,)) if mask is None else ops.reshape(mask, (-1,))
        valid = ops.cast(valid > 0, "float32")
        if self.skip_padding:
            index = ops.cast(ops.nonzero(valid)[0], "int32")
            features = self._encode(frames, index, None, training)
            features = ops.scatter(
                ops.expand_dims(index, 1), features, (batch * time, self.backbone.width)
            )
        else:
            index = ops.arange(batch * time, dtype="int32")
            features = self._encode(frames, index, valid, training)
            # Not by a product: 0 * inf of a padding frame would be nan.
            features = ops.where(valid[:, None] > 0, features, ops.zeros_like(features))
        return ops.reshape(features, (batch, time, self.backbone.width))

    def _encode(self, frames, index, valid, training):
        """Vectors of the frames at these indices, `(indices, width)`."""
        count = ops.shape(index)[0]
        chunked = self.chunk and (self.recompute or not training)
        if not chunked:
            noise = self.backbone.draw(count) if training else None
            inputs = self._normalise(ops.take(frames, index, axis=0))
            return self.backbone(inputs, valid=valid, noise=noise, training=training)
        # Frame 0 fills the last chunk; what comes of it is dropped.
        index = ops.pad(index, ((0, -count % self.chunk),))
        rows = [index]
        noise = self.backbone.draw(ops.shape(index)[0]) if training else None
        if noise is not None:
            rows.append(noise)

        def encode(index, *noise):
            inputs = self._normalise(ops.take(frames, index, axis=0))
            return self.backbone(inputs, noise=noise[0] if noise else None, training=training)

        shape = (self.chunk, (self.backbone.width,), self.backbone.compute_dtype)
        if training:
            variables = self.backbone.trainable_variables
            features = over_chunks_recomputed(encode, rows, *shape, variables)
        else:
            features = over_chunks(encode, rows, *shape)
        return features[:count]

    def _normalise(self, frames):
        return frames if self.normalization is None else self.normalization(frames)

    def compute_output_shape(self, video_shape, mask_shape=None):
        return (*video_shape[:2], self.backbone.width)

    def compute_output_spec(self, video, mask=None, training=False):
        return keras.KerasTensor(self.compute_output_shape(video.shape), self.compute_dtype)

    def multiply_adds(self, video_shape, mask_shape=None) -> int:
        """Multiply-adds for `(batch, frames, height, width, 3)`, all frames real."""
        batch, frames, height, width, _ = video_shape
        return batch * frames * frame_multiply_adds(self.backbone, height, width)

    def get_config(self):
        return {
            **super().get_config(),
            "chunk": self.chunk,
            "skip_padding": self.skip_padding,
        }
