"""Base classes of models that read video."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from slr_keras.models.checks import OptionError
from slr_keras.models.complexity import ModuleCost
from slr_keras.models.presets import FromPreset
from slr_keras.models.temporal import BiLstm, TemporalConvolution

Shape = tuple[int | None, ...]


class VideoModel(FromPreset, keras.Model):
    """Base of models that read clips of RGB or optical flow.

    The constructor of a subclass makes all layers and then calls `build()`, so that all weights
    exist before the first call. Each of its arguments is an attribute of the same name, from which
    `get_config` takes the value. `module_shapes` lists the layers.
    """

    #: Arrays of a batch that `call` reads.
    clip_inputs: tuple[str, ...] = ("video", "mask")

    def module_shapes(self, batch: int | None = None, frames: int | None = None) -> list[tuple]:
        """Every layer that has weights with its shapes, in the order of the computation.

        Args:
            batch: clips.
            frames: frames of each clip.

        Returns:
            a list of `(layer, output shape, *input shapes)`.
        """
        raise NotImplementedError

    def build(self, input_shape=None):
        """Make all weights; the shapes follow from the constructor's arguments."""
        if self.built:
            return
        for layer, _, *inputs in self.module_shapes():
            layer.build(*inputs)
        self.built = True

    def module_costs(self, frames: int) -> list[ModuleCost]:
        """Parameters and multiply-adds of every layer for one clip of `frames` frames."""
        return [ModuleCost.of(*module) for module in self.module_shapes(1, frames)]

    def get_config(self):
        parameters = inspect.signature(type(self)).parameters.values()
        names = [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def build_from_config(self, config):
        """Do nothing: the constructor has built all layers."""


class VideoSequenceModel(VideoModel):
    """Base of models that recognise gloss sequences in RGB clips, in the form of VAC and SMKD.

    A frame encoder computes one vector per frame, a 1D-TCN (`convolution`) one local feature vector
    per 4 frames, and a BiLSTM (`recurrent`) global features. Local and global features are
    classified.

    Args:
        vocabulary_size: V, classes with the blank (class 0).
        image_size: (height, width) of the frames.
        backbone: a name of `list_backbones()`.
        width: channels of local and global features (hidden_dim); even.
        dropout: rate between the layers of the BiLSTM.
        masked: whether padding is left out of all statistics.
        pixels: mode of `PixelNormalization`.
        chunk: frames that the backbone computes at once; 0 for all.
        recompute: whether training computes the backbone's activations again for the gradient
            (gradient checkpointing).
        kwargs: `name` and `dtype` of the model.

    Raises:
        ValueError: `width` is odd.
    """

    #: Frames per step of the outputs.
    stride = 4

    def __init__(
        self,
        vocabulary_size: int,
        image_size: Sequence[int],
        backbone: str,
        *,
        width: int,
        dropout: float,
        masked: bool,
        pixels: str,
        chunk: int,
        recompute: bool,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if width % 2:
            raise OptionError(f"width is {width}; the two directions of the BiLSTM share it evenly")
        self.vocabulary_size = vocabulary_size
        self.image_size = tuple(image_size)
        self.backbone = backbone
        self.width = width
        self.dropout = dropout
        self.masked = masked
        self.pixels = pixels
        self.chunk = chunk
        self.recompute = recompute

    def make_sequence_layers(self, **convolution: Any) -> None:
        """Make `convolution`, with these arguments of `TemporalConvolution`, and `recurrent`."""
        policy = self.dtype_policy
        self.convolution = TemporalConvolution(
            self.width, masked=self.masked, dtype=policy, name="convolution", **convolution
        )
        self.recurrent = BiLstm(
            self.width // 2, dropout=self.dropout, dtype=policy, name="recurrent"
        )

    def video_shape(self, batch: int | None, frames: int | None) -> Shape:
        """`(batch, frames, height, width, 3)`."""
        return (batch, frames, *self.image_size, 3)

    def step_shape(self, batch: int | None, frames: int | None, channels: int) -> Shape:
        """`(batch, frames / stride, channels)`."""
        return (batch, None if frames is None else frames // self.stride, channels)

    def sequence_outputs(
        self,
        features: Any,
        valid: Any,
        classifiers: Mapping[str, keras.layers.Layer],
        training: bool,
    ) -> dict[str, Any]:
        """Logits of both heads and the pooling's loss.

        Args:
            features: `(batch, frames, channels)`.
            valid: `(batch, frames)`, 1 on real frames.
            classifiers: of the local and of the global features, by the name of the output.
            training: whether dropout and batch statistics act.

        Returns:
            logits `(batch, steps, V)` by name, and `"lifting"`, the loss `(batch,)`; in float32.
        """
        local, steps, update, prediction = self.convolution(features, valid, training=training)
        overall = self.recurrent(local, steps, training=training)
        outputs = {
            name: ops.cast(classifier(x), "float32")
            for (name, classifier), x in zip(classifiers.items(), (local, overall), strict=True)
        }
        return {**outputs, "lifting": ops.cast(update + prediction, "float32")}


def with_tuples(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Options with tuples in place of the lists that YAML and saved models give.

    >>> from slr_keras.models.video import with_tuples
    >>> with_tuples({"depths": [2, 2], "window": 4})
    {'depths': (2, 2), 'window': 4}
    """
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (options or {}).items()
    }
