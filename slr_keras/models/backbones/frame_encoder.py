"""From clips to one vector per frame, in bounded memory."""

import keras
from keras import ops

from slr_keras.models.backbones.base import Backbone
from slr_keras.models.backbones.chunks import over_chunks, over_chunks_recomputed
from slr_keras.models.backbones.costs import frame_multiply_adds
from slr_keras.models.backbones.pixels import PixelNormalization
from slr_keras.models.layers import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class FrameEncoder(keras.layers.Layer):
    """Run a backbone over the frames of a batch of clips; padding frames are not computed.

    Frames are independent, so that `chunk` of them at a time give the same vectors in less
    memory: always in evaluation. In training, activations of all chunks would be kept for the
    gradient; with `recompute` they are forgotten and computed again chunk by chunk, so that memory
    is that of one chunk, for one more forward pass; no gradient reaches the pixels then. A backbone
    with batch statistics (ResNet) sees all frames of a training step at once, whatever `chunk` is.

    Args:
        backbone: a `Backbone`.
        pixels: mode of `PixelNormalization` that frames go through chunk by chunk. Defaults to
            `None`: frames are floats that were normalised before.
        chunk: frames at a time; `0` for all. Defaults to `0`.
        recompute: whether training recomputes activations; needs a chunk. Defaults to `False`.
        skip_padding: whether padding frames are left out of the computation. The number of frames
            is then only known at run time, which XLA does not allow; otherwise they are computed
            and ignored, with the same result. Defaults to `True`.

    Call arguments:
        video: `(batch, frames, height, width, 3)`, integers or floats; height and width static.
        mask: `(batch, frames)`, 1 on real frames. Defaults to all.

    Returns:
        `(batch, frames, backbone.width)`, 0 on padding.

    Raises:
        ValueError: an argument that does not fit the others, or integer frames without `pixels`.

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
        # Autocasting would round pixels to bfloat16 before they are centred.
        super().__init__(autocast=False, **kwargs)
        if chunk < 0:
            raise ValueError(f"chunk must be 0 (all frames) or a number of frames; got {chunk}")
        if not backbone.framewise:
            raise ValueError(
                f"backbone {backbone.name!r} gives no vector for each frame by itself; use one "
                f"such as resnet18"
            )
        if recompute and not chunk:
            raise ValueError("recompute saves memory only chunk by chunk; set chunk too")
        if recompute and backbone.batch_statistics:
            raise ValueError(
                f"backbone {backbone.name!r} normalises over all frames of a training step, which "
                f"chunks that are recomputed would change; set recompute to false"
            )
        self.backbone = backbone
        self.pixels = pixels
        self.chunk = chunk
        self.recompute = recompute
        self.skip_padding = skip_padding
        self.normalization = pixels and PixelNormalization(pixels, dtype=self.dtype_policy)

    def build(self, video_shape, mask_shape=None):
        # Built before this when it comes out of a saved model, or has its weights already.
        if not self.backbone.built:
            self.backbone.build((None, *video_shape[2:]))

    def call(self, video, mask=None, training=False):
        if self.normalization is None and "int" in keras.backend.standardize_dtype(video.dtype):
            raise ValueError("frames are integers: set pixels, or normalise them before")
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
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "pixels": self.pixels,
            "chunk": self.chunk,
            "recompute": self.recompute,
            "skip_padding": self.skip_padding,
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
